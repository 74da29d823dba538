import { lengthEncoded, lengthEncodedSize } from '../wire/packets.ts';

/** Field types of a HEARTBEAT_V2 event (MySQL: libs/mysql/binlog/event/codecs/binary.cpp). */
const FIELD = { end: 0, file: 1, position: 2 } as const;

/** The older heartbeat has the file's name as its body, the position in its header. */
export function parseHeartbeatV2(
  bytes: Buffer,
  start: number,
  end: number,
): { readonly file: string; readonly position: number } {
  let file = '';
  let position = 0;
  let at = start;
  while (at < end) {
    const type = lengthEncoded(bytes, at);
    at += lengthEncodedSize(bytes[at] ?? 0);
    if (type === FIELD.end) break;
    const length = lengthEncoded(bytes, at);
    at += lengthEncodedSize(bytes[at] ?? 0);
    if (type === FIELD.file) file = bytes.toString('utf8', at, at + length);
    else if (type === FIELD.position) position = lengthEncoded(bytes, at);
    at += length;
  }
  return { file, position };
}

import { SluiceError } from '@sluice/contract';

/**
 * XA_PREPARE (MySQL: control_events.h, XA_prepare_event; MariaDB: XA_prepare_log_event): in one phase u8, format i32,
 * lengths of the two parts u32 each, the parts.
 */
export function parseXaPrepare(
  bytes: Buffer,
  start: number,
  end: number,
): { readonly xid: string; readonly onePhase: boolean } {
  if (start + 13 > end) throw malformed();
  const global = bytes.readUInt32LE(start + 5);
  const branch = bytes.readUInt32LE(start + 9);
  const at = start + 13;
  if (at + global + branch > end) throw malformed();
  const first = bytes.toString('hex', at, at + global);
  const second = bytes.toString('hex', at + global, at + global + branch);
  return {
    xid: `X'${first}',X'${second}',${bytes.readInt32LE(start + 1)}`,
    onePhase: bytes[start] !== 0,
  };
}

function malformed(): SluiceError {
  return new SluiceError('SOURCE_PROTOCOL', 'the server sent an XA PREPARE in an unknown form');
}

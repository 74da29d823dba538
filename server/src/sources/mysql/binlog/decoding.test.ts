import { randomBytes } from 'node:crypto';
import { deflateSync, crc32 as zlibCrc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { checksumError, checksumFits } from './checksum.ts';
import { decompressEvent } from './compressed-event.ts';
import { crc32 } from './crc32.ts';
import { EVENT, FLAG, FLAGS_AT, HEADER_BYTES, LENGTH_AT, TYPE_AT } from './event-types.ts';
import { parseHeartbeatV2 } from './heartbeat.ts';
import { TransactionPayload } from './payload.ts';

function event(type: number, body: Buffer, flags = 0): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), body]);
  bytes[TYPE_AT] = type;
  bytes.writeUInt32LE(bytes.length, LENGTH_AT);
  bytes.writeUInt16LE(flags, FLAGS_AT);
  return bytes;
}

function withChecksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(zlibCrc32(bytes));
  return Buffer.concat([bytes, sum]);
}

describe('a checksum', () => {
  it('is that of zlib, for every length', () => {
    const bytes = randomBytes(400);
    for (let length = 0; length < 390; length++)
      expect(crc32(bytes, 7, 7 + length), bytes.toString('hex', 7, 7 + length)).toBe(
        zlibCrc32(bytes.subarray(7, 7 + length)),
      );
  });

  it('fits what was written, and nothing else', () => {
    const bytes = withChecksum(event(EVENT.QUERY, Buffer.from('some body')));
    expect(checksumFits(bytes, 0, bytes.length)).toBe(true);
    expect(checksumFits(Buffer.concat([Buffer.from('xx'), bytes]), 2, bytes.length + 2)).toBe(true);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = changed[at]! ^ 0x10;
      expect(checksumFits(changed, 0, changed.length)).toBe(false);
    }
    expect(checksumFits(bytes, 0, bytes.length - 1)).toBe(false);
    expect(checksumError(bytes, 0, bytes.length - 1, 'behind a:4').message).toMatch(/QUERY.* behind a:4/);
    expect(checksumFits(bytes, 0, 4)).toBe(false);
  });

  it('of a description leaves out that the file is in use', () => {
    const bytes = withChecksum(event(EVENT.FORMAT_DESCRIPTION, Buffer.from('body')));
    bytes[FLAGS_AT] = FLAG.inUse;
    expect(checksumFits(bytes, 0, bytes.length)).toBe(true);
    bytes[FLAGS_AT] = FLAG.artificial;
    expect(checksumFits(bytes, 0, bytes.length)).toBe(false);
  });
});

describe('a compressed event of MariaDB', () => {
  const text = Buffer.from('the rest of it '.repeat(30));
  const packed = (bytes: Buffer, told = bytes.length): Buffer =>
    Buffer.concat([Buffer.from([0x82, told >> 8, told & 255]), deflateSync(bytes)]);
  // Id of 6 bytes, flags, a width of 9 columns, a bitmap of 2 bytes.
  const head = Buffer.concat([Buffer.alloc(8, 7), Buffer.from([9, 0xff, 1])]);
  const v2 = Buffer.concat([Buffer.alloc(8, 7), Buffer.from([5, 0, 1, 2, 3, 9, 0xff, 1])]);
  const query = Buffer.concat([
    Buffer.alloc(8),
    Buffer.from([2, 0, 0, 3, 0]),
    Buffer.from('varsdb\0').subarray(1),
  ]);

  it.each([
    ['rows', EVENT.DELETE_ROWS_COMPRESSED_V1, EVENT.DELETE_ROWS_V1, head],
    [
      'updates',
      EVENT.UPDATE_ROWS_COMPRESSED_V1,
      EVENT.UPDATE_ROWS_V1,
      Buffer.concat([head, Buffer.from([3, 3])]),
    ],
    ['rows with extra data', EVENT.WRITE_ROWS_COMPRESSED, EVENT.WRITE_ROWS, v2],
    ['a query', EVENT.QUERY_COMPRESSED, EVENT.QUERY, query],
  ])('%s', (_, type, plain, front) => {
    const bytes = event(type, Buffer.concat([front, packed(text), Buffer.from('sum!')]), 3);
    expect(decompressEvent(bytes, 0, bytes.length - 4)).toEqual(
      event(plain, Buffer.concat([front, text]), 3),
    );
  });

  it.each([
    ['another length', packed(text, text.length + 1)],
    ['a shorter length', packed(text, text.length - 1)],
    ['an unknown algorithm', Buffer.concat([Buffer.from([0x92]), packed(text).subarray(1)])],
    ['a cut', packed(text).subarray(0, 20)],
    ['nothing', Buffer.alloc(0)],
  ])('with %s is refused', (_, rest) => {
    const bytes = event(EVENT.WRITE_ROWS_COMPRESSED_V1, Buffer.concat([head, rest]));
    expect(() => decompressEvent(bytes, 0, bytes.length)).toThrow(
      /compressed event \(WRITE_ROWS_COMPRESSED_V1\)/,
    );
  });
});

describe('a transaction in one event', () => {
  const inner = [
    event(1, Buffer.from('a')),
    event(2, Buffer.alloc(300_000, 'xyz')),
    event(3, Buffer.alloc(0)),
  ];
  const bodies = Buffer.concat(inner);

  /** 255, length-encoded. */
  const NONE = [0xfc, 255, 0];

  function fields(compression: number[], payload: Buffer): Buffer {
    const size = Buffer.alloc(9);
    size[0] = 0xfe;
    size.writeUInt32LE(payload.length, 1);
    return Buffer.concat([
      Buffer.from([2, compression.length, ...compression, 1, 9]),
      size,
      Buffer.from([0]),
      payload,
    ]);
  }

  /** A Zstandard frame of raw blocks, and with a block of one byte repeated behind. */
  function frame(bytes: Buffer, options: { checksum?: boolean; repeated?: number } = {}): Buffer {
    const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, options.checksum ? 4 : 0, 0x38])];
    const block = (kind: number, size: number, last: boolean, content: Buffer): void => {
      const head = Buffer.alloc(3);
      head.writeUIntLE((size << 3) | (kind << 1) | (last ? 1 : 0), 0, 3);
      parts.push(head, content);
    };
    for (let at = 0; at < bytes.length; at += 100_000) {
      const content = bytes.subarray(at, at + 100_000);
      block(0, content.length, options.repeated === undefined && at + 100_000 >= bytes.length, content);
    }
    if (options.repeated !== undefined) block(1, options.repeated, true, Buffer.from([0]));
    if (options.checksum) parts.push(Buffer.alloc(4));
    return Buffer.concat(parts);
  }

  function read(body: Buffer): Buffer[] {
    const shifted = Buffer.concat([Buffer.from('before'), body, Buffer.from('behind')]);
    const payload = new TransactionPayload(shifted, 6, 6 + body.length);
    const found: Buffer[] = [];
    while (payload.next()) found.push(Buffer.from(payload.bytes.subarray(payload.start, payload.end)));
    return found;
  }

  it.each([
    ['as it is', fields(NONE, bodies)],
    ['by Zstandard', fields([0], frame(bodies))],
    ['by Zstandard, with checksum', fields([0], frame(bodies, { checksum: true }))],
    ['in two frames', fields([0], Buffer.concat([frame(inner[0]!), frame(Buffer.concat(inner.slice(1)))]))],
    [
      'in two frames, cut within an event',
      fields([0], Buffer.concat([frame(bodies.subarray(0, 30)), frame(bodies.subarray(30))])),
    ],
  ])('%s gives its events', (_, body) => expect(read(body)).toEqual(inner));

  it('without events has none', () => expect(read(fields(NONE, Buffer.alloc(0)))).toEqual([]));

  it.each([
    ['cut short', fields(NONE, bodies.subarray(0, bodies.length - 1)), /cut off/],
    ['of another size', Buffer.concat([fields(NONE, bodies), Buffer.from('x')]), /instead of/],
    ['compressed in an unknown way', fields([7], bodies), /not known \(7\)/],
    ['no frame', fields([0], bodies), /Zstandard/],
    ['a frame cut short', fields([0], frame(bodies).subarray(0, 5000)), /cut off/],
    ['zeros behind', fields([0], frame(bodies, { repeated: 100 })), /an event of 0 bytes/],
  ])('%s is refused', (_, body, why) => expect(() => read(body)).toThrow(why));
});

it('the newer heartbeat tells a position beyond 4 GB', () => {
  const body = Buffer.from([1, 5, ...Buffer.from('a.001'), 2, 9, 0xfe, 1, 0, 0, 0, 1, 0, 0, 0, 0]);
  expect(parseHeartbeatV2(body, 0, body.length)).toEqual({ file: 'a.001', position: 2 ** 32 + 1 });
});

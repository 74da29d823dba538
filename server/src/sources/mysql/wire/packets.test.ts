import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshSeed } from '../../../../../tests/support/seed.ts';
import { commandPacket, lengthEncoded, lengthEncodedSize, PacketFramer, readError } from './packets.ts';

const FULL = 0xffffff;

/** The packets of payloads, as a server sends them. */
function packets(payloads: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  let sequence = 1;
  for (const payload of payloads) {
    let at = 0;
    for (;;) {
      const length = Math.min(FULL, payload.length - at);
      parts.push(Buffer.from([length & 255, (length >> 8) & 255, length >> 16, sequence]));
      parts.push(payload.subarray(at, at + length));
      sequence = (sequence + 1) & 255;
      at += length;
      if (length < FULL) break;
    }
  }
  return Buffer.concat(parts);
}

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

function read(framer: PacketFramer, chunks: readonly Buffer[]): Buffer[] {
  const found: Buffer[] = [];
  framer.begin();
  for (const chunk of chunks) {
    framer.push(chunk);
    while (framer.next()) found.push(Buffer.from(framer.bytes.subarray(framer.start, framer.end)));
  }
  return found;
}

describe('packets', () => {
  it('are found wherever the bytes are cut', () => {
    const seed = freshSeed();
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 300 }),
        fc.array(fc.nat(), { maxLength: 60 }),
        (payloads, cuts) => {
          const buffers = payloads.map((payload) => Buffer.from(payload));
          expect(read(new PacketFramer(), cutAt(packets(buffers), cuts))).toEqual(buffers);
        },
      ),
      { seed },
    );
  });

  it.each([FULL - 1, FULL, FULL + 1, 2 * FULL, 2 * FULL + 5])('of %d bytes are joined', (size) => {
    const long = Buffer.alloc(size, 'abcdefg');
    long.writeUInt32LE(size, 0);
    const bytes = packets([Buffer.from('before'), long, Buffer.from('behind')]);
    const chunks = Array.from({ length: Math.ceil(bytes.length / 65_537) }, (_, n) =>
      bytes.subarray(n * 65_537, (n + 1) * 65_537),
    );
    const told = new PacketFramer((payload, start) => payload.readUInt32LE(start));
    const lying = new PacketFramer(() => 17);
    for (const framer of [new PacketFramer(), told, lying])
      for (const way of [chunks, [bytes]]) {
        const found = read(framer, way);
        expect(found.map((one) => one.length)).toEqual([6, size, 6]);
        expect(found[1]!.equals(long)).toBe(true);
      }
  });

  it('out of order are refused', () => {
    const bytes = packets([Buffer.from('a'), Buffer.from('b')]);
    bytes[3 + 5] = 7;
    expect(() => read(new PacketFramer(), [bytes])).toThrow(/out of order/);
  });

  it('of an error are read with and without SQLSTATE', () => {
    const error = Buffer.concat([Buffer.from([0xff, 0xd4, 0x04]), Buffer.from('#HY000gone é')]);
    expect(readError(error, 0, error.length)).toMatchObject({
      errno: 1236,
      sqlState: 'HY000',
      message: 'gone é',
    });
    const early = Buffer.concat([Buffer.from([0xff, 0x10, 0x04]), Buffer.from('Too many')]);
    expect(readError(early, 0, early.length)).toMatchObject({
      errno: 1040,
      sqlState: '',
      message: 'Too many',
    });
  });

  it('of a command have their length', () => {
    expect(commandPacket(Buffer.from('ab'), Buffer.from('c'))).toEqual(
      Buffer.from('\x03\0\0\0abc', 'latin1'),
    );
  });
});

it.each([
  [[0], 0, 1],
  [[250], 250, 1],
  [[0xfc, 0xfb, 0], 251, 3],
  [[0xfd, 1, 2, 3], 0x030201, 4],
  [[0xfe, 0, 0, 0, 0, 1, 0, 0, 0], 2 ** 32, 9],
])('%j is the length-encoded %d', (bytes, value, size) => {
  expect(lengthEncoded(Buffer.from(bytes), 0)).toBe(value);
  expect(lengthEncodedSize(bytes[0]!)).toBe(size);
});

it.each([[[]], [[0xfb]], [[0xff]], [[0xfc, 1]], [[0xfe, 255, 255, 255, 255, 255, 255, 255, 255]]])(
  '%j is no length',
  (bytes) => expect(() => lengthEncoded(Buffer.from(bytes), 0)).toThrow(RangeError),
);

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decimalBytes, writeDecimal } from './decimal.ts';
import { writeDigits, writeInt64, writeUint64 } from './digits.ts';
import { writeDouble, writeSeventeen } from './double-digits.ts';
import { doubleText } from './double-text.ts';

const out = Buffer.alloc(100);
const text = (end: number): string => out.toString('latin1', 0, end);

it('digits of whole numbers', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.maxSafeNat(), fc.nat(), fc.nat(200), fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 53)),
      (value) => {
        expect(text(writeDigits(out, 0, value))).toBe(String(value));
      },
    ),
    { numRuns: 3000 },
  );
});

it('digits of numbers of 64 bits', () => {
  const edges = [
    0n,
    1n,
    2n ** 53n - 1n,
    2n ** 53n,
    10n ** 18n,
    10n ** 19n,
    2n ** 63n - 1n,
    2n ** 63n,
    2n ** 64n - 1n,
  ];
  const numbers = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.constantFrom(...edges));
  fc.assert(
    fc.property(numbers, (value) => {
      const end = writeUint64(out, 0, Number(value >> 32n), Number(value & 0xffffffffn));
      expect(text(end)).toBe(String(value));
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(value);
      expect(text(writeInt64(bytes, 0, out, 0))).toBe(String(BigInt.asIntN(64, value)));
    }),
    { numRuns: 3000 },
  );
});

it('doubles are read back as they were', () => {
  const cents = fc.tuple(fc.integer(), fc.integer({ min: 0, max: 9 })).map(([n, p]) => n / 10 ** p);
  fc.assert(
    fc.property(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), cents), (value) => {
      const end = writeDouble(out, 0, value);
      expect(end).toBeLessThanOrEqual(25);
      expect(Object.is(Number(text(end)), value)).toBe(true);
      expect(Object.is(Number(doubleText(value)), value)).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

it('seventeen digits are those of the value itself, rounded, and no zeros behind them', () => {
  const edges = [9, 8, 7, 5, 1].flatMap((digit) =>
    Array.from({ length: 20 }, (_, n) => digit * 10 ** (n - 5)).filter((edge) => edge < 1e15),
  );
  const near = fc
    .tuple(fc.constantFrom(...edges), fc.integer({ min: -3, max: 3 }))
    .map(([edge, ulps]) => edge * (1 + ulps * 2 ** -52));
  fc.assert(
    fc.property(fc.oneof(near, fc.double({ min: 1e-5, max: 1e15, noNaN: true })), (value) => {
      const end = writeSeventeen(out, 0, value);
      if (value < 1e-5 || value >= 1e15) expect(end).toBe(-1);
      else {
        expect(end).toBeLessThanOrEqual(24);
        const [whole, fraction] = value.toPrecision(17).split('e')[0]!.split('.');
        const scientific = value.toPrecision(17).includes('e');
        if (!scientific) expect(text(end)).toBe(`${whole}.${fraction}`.replace(/\.?0+$/, ''));
        expect(Number(text(end))).toBe(value);
      }
    }),
    { numRuns: 20_000 },
  );
});

it.each([
  [1e14, '100000000000000'],
  [1e15, '1e15'],
  [1234567890123456.8, '1234567890123456.8'],
  [123456789012345680, '1.2345678901234568e17'],
  [1e-15, '0.000000000000001'],
  [1e-16, '1e-16'],
  [-1.5e300, '-1.5e300'],
  [0.1, '0.1'],
])('%d is %s as the server prints it', (value, expected) => {
  expect(doubleText(value)).toBe(expected);
});

it('a decimal of 65 digits', () => {
  // 12345.678 as decimal(8,3): 0x80003039 with the first bit turned over, then 02a6.
  expect(decimalBytes(8, 3)).toBe(5);
  expect(text(writeDecimal(Buffer.from('80303902a6', 'hex'), 0, 8, 3, false, out, 0))).toBe('12345.678');
  expect(text(writeDecimal(Buffer.from('7fcfc6fd59', 'hex'), 0, 8, 3, false, out, 0))).toBe('-12345.678');
});

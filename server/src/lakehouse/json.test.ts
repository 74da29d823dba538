import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson, printJson } from './json.ts';

describe('JSON with exact integers', () => {
  it('comes back as it went', () => {
    const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      // Integers beyond 2^53 are bigint, so such doubles are none of ours; and JSON prints -0 as 0.
      fc.double({ noNaN: true, min: -(2 ** 53) + 1, max: 2 ** 53 - 1 }).map((value) => value + 0),
      fc.boolean(),
      fc.constant(null),
      integer.map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)),
      integer.map((value) => `"${value}\\`),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(leaf, fc.array(tie('value')), fc.dictionary(fc.string(), tie('value'))),
    }));
    fc.assert(
      fc.property(value, (value) => {
        const text = printJson(value);
        expect(printJson(parseJson(text))).toBe(text);
        if (!text.includes('-0') && !text.includes('__proto__')) expect(parseJson(text)).toEqual(value);
      }),
    );
  });

  it('reads numbers as JSON does where they are exact, and integers beyond that as bigint', () => {
    for (const text of [
      '1',
      '-0.1234567890123456789',
      '1e-1234567890123456',
      '9007199254740991',
      '[1.5e300]',
    ])
      expect(parseJson(text)).toEqual(JSON.parse(text));
    expect(parseJson('{"a":[9223372036854775807,"9223372036854775807"]}')).toEqual({
      a: [9223372036854775807n, '9223372036854775807'],
    });
    expect(() => parseJson('{')).toThrow(SyntaxError);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvRecords } from './csv-records.ts';

describe('csvRecords', () => {
  it('reads quotes, commas and line ends in fields, and tells the line of each record', () => {
    expect(csvRecords('\uFEFFa,b\r\n\n"x, ""y""\nz",\r\nlast')).toEqual([
      { line: 1, fields: ['a', 'b'] },
      { line: 3, fields: ['x, "y"\nz', ''] },
      { line: 5, fields: ['last'] },
    ]);
    expect(csvRecords('')).toEqual([]);
  });

  it('says where a quote is wrong', () => {
    expect(csvRecords('a\n"b')).toEqual({ badQuote: 2 });
    expect(csvRecords('a\nb"c"')).toEqual({ badQuote: 2 });
    expect(csvRecords('"a"b')).toEqual({ badQuote: 1 });
  });

  it('reads back whatever was quoted', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'ä') });
    fc.assert(
      fc.property(fc.array(fc.array(text, { minLength: 2, maxLength: 4 }), { maxLength: 5 }), (rows) => {
        const written = rows
          .map((row) => row.map((field) => `"${field.replaceAll('"', '""')}"`).join(','))
          .join('\n');
        const read = csvRecords(written);
        expect('badQuote' in read ? read : read.map((record) => record.fields)).toEqual(rows);
      }),
    );
  });
});

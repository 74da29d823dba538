import type { SluiceError, TableFile } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { tableLines } from './table-file.ts';

const csv = (text: string): TableFile => ({ format: 'csv', text });
const yaml = (text: string): TableFile => ({ format: 'yaml', text });
const tables = (file: TableFile, onlySchema: string | null = null) =>
  tableLines(file, onlySchema).map(({ table }) => table);

function refusal(file: TableFile, onlySchema: string | null = null): string {
  try {
    tableLines(file, onlySchema);
  } catch (error) {
    expect((error as SluiceError).code).toBe('INVALID_REQUEST');
    return (error as SluiceError).message;
  }
  throw new Error('it was not refused');
}

describe('a CSV file of tables', () => {
  it('names a table a line, and its target where that is another one', () => {
    const text =
      '\uFEFFTable,schema,target_table,target_schema\r\norders,public,,\r\n"a,""b""",odd,b,\r\n\r\nitems,public,things,lake\r\n';
    expect(tableLines(csv(text), null)).toEqual([
      { line: 2, table: { schema: 'public', table: 'orders' } },
      { line: 3, table: { schema: 'odd', table: 'a,"b"', target: { table: 'b' } } },
      { line: 5, table: { schema: 'public', table: 'items', target: { schema: 'lake', table: 'things' } } },
    ]);
    // A database of MySQL or MariaDB is its only schema.
    expect(tables(csv('table\na\nb\n'), 'shop')).toEqual([
      { schema: 'shop', table: 'a' },
      { schema: 'shop', table: 'b' },
    ]);
  });

  it('is refused with all of its bad lines', () => {
    expect(
      refusal(
        csv(
          `schema,table,target_table\npublic,a,\npublic,b\n,c,\npublic,,x\npublic,a,y\np,${'t'.repeat(257)},\n`,
        ),
      ),
    ).toMatch(
      /^The file cannot be read:\n {2}line 3: 2 fields, and the first line has 3\n {2}line 4: c has no schema.*\n {2}line 5: no table\n {2}line 6: public\.a is on line 2 already\n {2}line 7: table: /,
    );
    expect(refusal(csv('schema,table\nother,a\n'), 'shop')).toBe(
      'The file cannot be read: line 2: other.a is not of the database shop.',
    );
    expect(refusal(csv('table\n"a\n'))).toContain('line 2: a quote is not closed');
    for (const head of ['schema\n', 'table,tabel\n', 'table,table\n', 'public.orders\npublic.items\n'])
      expect(refusal(csv(head))).toContain('The first line of the file names its columns');
    expect(refusal(csv('schema,table\n'))).toBe('The file names no table.');
    const many = Array.from({ length: 40 }, () => 'x').join('\n');
    expect(refusal(csv(`table\n${many}\n`))).toMatch(/line 31: x has no schema.*\n {2}and 10 more$/);
  });
});

describe('a YAML file of tables', () => {
  it('is a list, or an object with it', () => {
    const list =
      '- { schema: public, table: orders }\n- schema: null\n  table: 2024\n  target: { table: y2024 }\n';
    const expected = [
      { line: 1, table: { schema: 'public', table: 'orders' } },
      { line: 2, table: { schema: 'null', table: '2024', target: { table: 'y2024' } } },
    ];
    expect(tableLines(yaml(list), null)).toEqual(expected);
    expect(tables(yaml(`tables:\n${list.replaceAll(/^/gm, '  ').trimEnd()}`))).toEqual(
      expected.map(({ table }) => table),
    );
    expect(tables(yaml('[{ table: a }]'), 'shop')).toEqual([{ schema: 'shop', table: 'a' }]);
  });

  it('is refused with all that is wrong', () => {
    expect(
      refusal(
        yaml('- { schema: s, table: t, to: x }\n- { schema: s }\n- { schema: s, table: u, target: {} }\n'),
      ),
    ).toMatch(
      /^The file cannot be read:\n {2}line 1, column 26: 0\.to is not known here\n {2}line 2, column 3: 1\.table: .*\n {2}line 3, column 26: 2\.target: needs a schema or a table$/,
    );
    expect(refusal(yaml('- { schema: s, table: t }\n- { schema: s, table: t }\n'))).toBe(
      'The file cannot be read: line 2: s.t is on line 1 already.',
    );
    expect(refusal(yaml('- [a'))).toContain('line ');
    for (const text of ['5', 'tabels: []', 'a'])
      expect(refusal(yaml(text))).toContain('neither a list of tables');
    expect(refusal(yaml('[]'))).toBe('The file names no table.');
  });
});

import type { SluiceError, VirtualTableFile } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { readVirtualTables } from './virtual-table-file.ts';

const HEAD = 'virtual_table,target_schema,target_table,server,database,schema,table';
const csv = (lines: string, more: Partial<VirtualTableFile> = {}) =>
  readVirtualTables({ format: 'csv', text: `${HEAD}\n${lines}`, ...more });
const yaml = (text: string, more: Partial<VirtualTableFile> = {}) =>
  readVirtualTables({ format: 'yaml', text, ...more });

function trouble(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect((error as SluiceError).code).toBe('INVALID_REQUEST');
    return (error as SluiceError).message;
  }
  throw new Error('it was not refused');
}

describe('a CSV file of virtual tables', () => {
  it('lists shards, one a line; what it cannot say of extended fields comes with it', () => {
    const extendedFields = [{ part: 'table' as const, name: '_t' }];
    expect(
      csv('o,lake,orders,a,d,,t_0\nr,lake,r,a,d,s,"r,1"\no,lake,orders,b,d,,t_0\n', { extendedFields }),
    ).toEqual([
      {
        name: 'o',
        target: { schema: 'lake', table: 'orders' },
        shards: {
          by: 'tables',
          tables: [
            { server: 'a', database: 'd', table: 't_0' },
            { server: 'b', database: 'd', table: 't_0' },
          ],
        },
        extendedFields,
        extendedKey: false,
      },
      {
        name: 'r',
        target: { schema: 'lake', table: 'r' },
        shards: { by: 'tables', tables: [{ server: 'a', database: 'd', schema: 's', table: 'r,1' }] },
        extendedFields,
        extendedKey: false,
      },
    ]);
  });

  it('is refused with the line that is wrong', () => {
    expect(trouble(() => csv('o,lake,orders,a,d,,t\no,lake,orders,a,,,t'))).toBe(
      'Line 3 of the file has no database.',
    );
    expect(trouble(() => csv('o,lake,orders,a,d,,t\n\no,lake,other,a,d,,u'))).toBe(
      'Lines 2 and 4 of the file name two targets of the virtual table o.',
    );
    expect(trouble(() => csv('o,lake,orders'))).toContain('Line 2 of the file has 3 fields');
    expect(trouble(() => csv('o,lake,"orders'))).toContain('Line 2 of the file has a quote');
    expect(trouble(() => csv(''))).toBe('The file names no source table.');
    const file = (text: string) => () => readVirtualTables({ format: 'csv', text });
    expect(trouble(file('virtual_table,tabel\n'))).toContain('the column "tabel"');
    expect(trouble(file('server,server\n'))).toContain('server twice');
    expect(trouble(file('server\n'))).toContain('lacks the column virtual_table, target_schema');
  });
});

describe('a YAML file of virtual tables', () => {
  const one = (more = '') =>
    `- name: o\n  target: { schema: lake, table: o }\n  shards: { by: rules, rules: [{ table: 'o_\\d+' }] }\n${more}`;

  it('has the form of the API, as a list or within an object', () => {
    const [table] = yaml(one());
    expect(table).toMatchObject({ name: 'o', shards: { rules: [{ table: 'o_\\d+' }] }, extendedKey: false });
    expect(yaml(`virtualTables:\n${one().replaceAll(/^/gm, '  ').trimEnd()}`)).toEqual([table]);
    const extendedFields = [{ part: 'server' as const, name: '_s' }];
    expect(yaml(one(), { extendedFields, extendedKey: true })).toMatchObject([
      { extendedFields, extendedKey: true },
    ]);
    expect(
      yaml(one('  extendedFields: []\n  extendedKey: false\n'), { extendedFields, extendedKey: true }),
    ).toEqual([table]);
  });

  it('is refused where it is no YAML, or of another form', () => {
    expect(trouble(() => yaml('- name: [o'))).toContain('no YAML');
    expect(trouble(() => yaml('5'))).toContain('neither a list');
    expect(trouble(() => yaml('virtualTables: []\nmore: 1'))).toContain('neither a list');
    expect(trouble(() => yaml(one('  extendedKey: true\n')))).toContain('extendedKey: needs at least one');
    expect(trouble(() => yaml(`${one()}- name: p`))).toContain('Virtual table 2 of the file: target');
    const laughs = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...[...'bcdefgh'].map((c, i) => `${c}: &${c} [${`*${'abcdefgh'[i]},`.repeat(9)}]`),
    ];
    expect(trouble(() => yaml(laughs.join('\n')))).toContain('no YAML that can be read');
  });
});

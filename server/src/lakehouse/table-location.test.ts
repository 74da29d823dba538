import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileStorage, isInside } from './file-storage.ts';
import { folderName, freeTableLocation, tableLocation } from './table-location.ts';

const storage = fileStorage();

describe('the folder of a table', () => {
  it('has the name of the table where that is a safe one', () => {
    for (const name of ['orders', 'Orders_2024-x', '-', '_', 'a'.repeat(100)])
      expect(folderName(name)).toBe(name);
    expect(tableLocation(storage, 'file:///w', { schema: 's', table: 't' })).toBe('file:///w/s/t');
  });

  it('is made safe, and told apart, where it is not', () => {
    const names = [
      '',
      '.',
      '..',
      'a/b',
      'a b',
      'a_b',
      'é',
      '表',
      '🌊',
      'a\u0000',
      'a\nb',
      'a%2Fb',
      'b'.repeat(101),
      'b'.repeat(300),
    ];
    const folders = names.map(folderName);
    for (const folder of folders) expect(folder).toMatch(/^[A-Za-z0-9_-]{1,100}$/);
    expect(new Set(folders).size).toBe(names.length);
    expect(folderName('a/b')).toMatch(/^a_b-[0-9a-f]{8}$/);
    // A name that looks like a made one is not that one.
    expect(folderName(folderName('a/b'))).not.toBe(folderName('a/b'));
  });

  it('is below the warehouse, whatever the names are', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('..', '.', '/', '../..', '', 'file:///etc'),
    );
    fc.assert(
      fc.property(name, name, (schema, table) => {
        const location = tableLocation(storage, 'file:///w/lake', { schema, table });
        expect(isInside(storage, 'file:///w/lake', location)).toBe(true);
        expect(resolve(storage.localPath(location)).split('/')).toHaveLength(5);
      }),
    );
  });

  it('is another one where a table is there already, by any case', () => {
    const free = (taken: string[]): string =>
      freeTableLocation(storage, 'file:///w', { schema: 's', table: 't' }, taken);
    expect(free([])).toBe('file:///w/s/t');
    expect(free(['file:///w/s/t2/metadata/0.json'])).toBe('file:///w/s/t');
    expect(free(['file:///w/S/T/metadata/0.json'])).toMatch(/^file:\/\/\/w\/s\/t-[0-9a-f]{8}$/);
  });
});

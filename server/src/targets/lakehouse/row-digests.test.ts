import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fileStorage } from '../../lakehouse/file-storage.ts';
import { writeMetadata } from '../../lakehouse/metadata-file.ts';
import { liveFiles } from '../../lakehouse/scan.ts';
import type { TableSchema } from '../../model/table.ts';
import { applyChanges } from './apply-changes.ts';
import { newTable } from './column-map.ts';
import { HeldKeys } from './held-keys.ts';
import { type DigestedState, RowDigests } from './row-digests.ts';
import { withSql } from './sql.ts';
import { Bench, column } from './testing/change-batches.ts';

const RULES = { infiniteDates: 'error', zeroDates: 'error', outOfRange: 'error' } as const;
const never = new AbortController().signal;
const storage = fileStorage();

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

/** A table of the lake that has these rows. */
async function lakeOf(
  schema: TableSchema,
  rows: readonly (readonly (string | null)[])[],
): Promise<DigestedState> {
  const lines = rows.map((values, at) => ({ ord: at + 1, op: 'I', values }));
  const batch = bench.batch(schema, [await bench.part(schema.columns, lines)], { exact: true });
  const options = {
    ...{ rules: RULES, targetBytes: 1 << 20, keyLimit: 1024, heldKeys: new HeldKeys(1 << 20) },
    scratch: bench.scratch,
  };
  const empty = newTable(schema, storage.location(join(bench.folder, schema.name.table)), Date.now());
  const applied = await withSql(bench.engine, never, (sql) =>
    applyChanges(sql, storage, empty, batch, options, never),
  );
  const { metadata } = await writeMetadata(storage, applied.metadata, null);
  return { metadata, files: await liveFiles(storage, metadata) };
}

const NAME = (table: string) => ({ schema: 's', table });
const KEY = { kind: 'key', columns: [0] } as const;

it('takes a value that the source cannot have for another one, in wider columns and in those that say where a row is from', async () => {
  const lake = await lakeOf(
    {
      name: NAME('merged'),
      columns: [
        column(1, 'k', { kind: 'int' }),
        column(2, 'n', { kind: 'long' }),
        column(3, 'price', { kind: 'decimal', precision: 10, scale: 4 }),
        column(4, 'of_table'),
      ],
      identity: KEY,
    },
    [
      ['1', '5', '1.5000', 'a'],
      ['2', '5000000000', '1.5000', 'a'],
      ['3', '7', '1.2349', 'a'],
      ['4', '7', '1.0000', 'b'],
      ['5', null, null, 'a'],
      ['6', '7', '1.0000', null],
    ],
  );
  const schema: TableSchema = {
    name: NAME('shard'),
    columns: [
      column(1, 'k', { kind: 'int' }),
      column(2, 'n', { kind: 'int' }),
      column(3, 'price', { kind: 'decimal', precision: 6, scale: 2 }),
    ],
    identity: KEY,
  };
  const table = { schema, constants: new Map([[4, 'a']]) };
  await using digests = await RowDigests.open(bench.engine, storage, table, RULES, never);
  const lines = '1,5,1.50\n2,,1.50\n3,7,1.23\n4,7,1.00\n5,,\n6,7,1.00\n';
  await digests.addLines('source', await bench.scratch(lines), 100);
  await digests.addLake('lake', lake, null);
  expect(await digests.compare('source', 'lake')).toBe(4);
  expect(await digests.candidateTexts(10, 0)).toEqual([['2'], ['3'], ['4'], ['6']]);
  await digests.addLines('before', await bench.scratch('2,,1.50\n3,7,1.23\n4,7,1.00\n6,7,1.00\n'), 100);
  await digests.addLake('now', lake, 'candidates');
  const looks = await digests.looks();
  expect(looks.map(({ key, before, lake: seen }) => [key, before !== null, seen !== null])).toEqual(
    ['2', '3', '4', '6'].map((key) => [[key], true, true]),
  );
  expect(looks.filter(({ before, lake: seen }) => before === seen)).toEqual([]);
});

it('counts rows that are equal where they have no key', async () => {
  const schema: TableSchema = {
    name: NAME('bag'),
    columns: [column(1, 'a', { kind: 'int' }), column(2, 'b')],
    identity: { kind: 'row' },
  };
  const lake = await lakeOf(schema, [
    ['1', 'x'],
    ['2', null],
    ['2', null],
    ['3', 'y'],
    ['4', 'extra'],
  ]);
  const table = { schema, constants: new Map() };
  await using digests = await RowDigests.open(bench.engine, storage, table, RULES, never);
  // In two pieces, as two chunks of a load.
  await digests.addLines('source', await bench.scratch('1,"x"\n1,"x"\n2,\n'), 100);
  await digests.addLines('source', await bench.scratch('2,\n3,"y"\n5,"missing"\n'), 100);
  await digests.addLake('lake', lake, null);
  expect(await digests.count('source')).toBe(6);
  expect(await digests.compare('source', 'lake')).toBe(3);
  // All rows come again, and those that nobody looks for are left out.
  await digests.addLines('before', await bench.scratch('1,"x"\n1,"x"\n2,\n2,\n3,"y"\n5,"missing"\n'), 100);
  await digests.addLake('now', lake, 'candidates');
  await digests.addLines('after', await bench.scratch('1,"x"\n2,\n2,\n3,"y"\n'), 100);
  expect(await digests.count('before')).toBe(3);
  const counts = (await digests.looks()).map(({ before, lake: seen, after }) => [before, seen, after]);
  expect(counts.sort()).toEqual([
    [null, '1', null],
    ['1', null, null],
    ['2', '1', '1'],
  ]);
});

it.each([
  ['by key', [0]],
  ['by all values', null],
])('takes -0 for another value than 0, and any NaN for the same: %s', async (what, key) => {
  const DOUBLE = { kind: 'double' } as const;
  const schema: TableSchema = {
    name: NAME(`zeros ${what}`),
    columns: [
      column(1, 'k', { kind: 'int' }),
      column(2, 'd', DOUBLE),
      column(3, 'f', { kind: 'float' }),
      column(
        4,
        'l',
        { kind: 'list', element: DOUBLE },
        { form: 'list', delimiter: ',', element: { form: 'plain' } },
      ),
    ],
    identity: key === null ? { kind: 'row' } : { kind: 'key', columns: key },
  };
  const same = [
    ['5', '-0', '-0', '{1,-0,NULL}'],
    ['6', 'NaN', '-NaN', '{NaN}'],
    ['7', null, null, null],
  ];
  const lake = await lakeOf(schema, [
    ...[
      ['1', '0', '1', '{}'],
      ['2', '-1', '-0', '{}'],
      ['3', '1', '1', '{0,-0}'],
      ['4', '0', '0', '{0}'],
    ],
    ...same,
  ]);
  await using digests = await RowDigests.open(
    bench.engine,
    storage,
    { schema, constants: new Map() },
    RULES,
    never,
  );
  const lines =
    '1,-0,1,"{}"\n2,-1,0,"{}"\n3,1,1,"{-0,0}"\n4,0,0,"{0}"\n5,-0,-0,"{1,-0,NULL}"\n6,-NaN,NaN,"{-NaN}"\n7,,,\n';
  await digests.addLines('source', await bench.scratch(lines), 100);
  await digests.addLake('lake', lake, null);
  // Without a key each side's row is one of its own.
  expect(await digests.compare('source', 'lake')).toBe(key === null ? 6 : 3);
  if (key !== null) expect(await digests.candidateTexts(10, 0)).toEqual([['1'], ['2'], ['3']]);
});

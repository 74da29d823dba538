import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../../tests/property/random.ts';
import { freshSeed } from '../../../../tests/support/seed.ts';
import type { ContentFile, LiveFile } from '../../lakehouse/data-file.ts';
import { writePositionDeletes } from '../../lakehouse/duckdb/parquet-write.ts';
import type { ScanColumn } from '../../lakehouse/duckdb/scan-sql.ts';
import { openWarehouse, type WarehouseFixture } from '../../lakehouse/query/warehouse-fixture.ts';
import { liveFiles } from '../../lakehouse/scan.ts';
import { findOld, type OldPlaces } from './find-old.ts';
import { HeldKeys, type KeyFiles } from './held-keys.ts';
import { type Sql, withSql } from './sql.ts';

const SEED = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());
const TABLE = { schema: 's', table: 't' };
const KEY: readonly ScanColumn[] = [
  { id: 1, name: 'c0', type: 'long' },
  { id: 2, name: 'c1', type: 'date' },
];
const LARGE = 60_000;
/** Two words of each key that differ, a position where they are not in order, and a bit for whether its row is deleted. */
const BYTES = LARGE * (4 + 4 + 4) + LARGE / 8;
/** With the upper half of the number; that it is the same for all is not known before it is read. */
const MOST_BYTES = BYTES + LARGE * 4;
const IN_ORDER = LARGE * 4;

let warehouse: WarehouseFixture;
const never = new AbortController().signal;
const connected = <T>(work: (sql: Sql) => Promise<T>): Promise<T> => withSql(warehouse.engine, never, work);

beforeAll(async () => {
  warehouse = await openWarehouse();
});
afterAll(() => warehouse.close());

async function keyFiles(): Promise<KeyFiles> {
  const all = await liveFiles(warehouse.storage, (await warehouse.load(TABLE)).metadata);
  const data = all.filter((file) => file.content === 'data');
  const deletes = all.filter((file) => file.content !== 'data');
  return { owner: 't', live: data, data, deletes, key: KEY };
}

const wordsOf = (ids: readonly number[]): readonly Int32Array[] => [
  Int32Array.from(ids, () => 0),
  Int32Array.from(ids, (id) => id - 2 ** 31),
  Int32Array.from(ids, (id) => 18_262 + (id % 7)),
];

/** Places of the rows under the keys, as `file position`. */
async function places(heldKeys: HeldKeys, keys: readonly number[]): Promise<readonly string[]> {
  const { live, deletes, key, owner } = await keyFiles();
  const asked = `SELECT id AS c0, DATE '2020-01-01' + CAST(id % 7 AS INTEGER) AS c1, true AS goes, false AS stays FROM (SELECT unnest([${keys.join(', ')}]::BIGINT[]) AS id)`;
  return connected(async (sql) => {
    const files = [...live, ...deletes];
    const { old } = await findOld(sql, warehouse.storage, heldKeys, {
      ...{ owner, files, key, keys: asked, rows: keys.length },
    });
    return found(sql, old);
  });
}

async function found(sql: Sql, old: OldPlaces): Promise<readonly string[]> {
  const rows =
    old.kind === 'none'
      ? []
      : old.kind === 'select'
        ? (await sql.rows(old.select)).map(([file, pos]) => `${file} ${pos}`)
        : [...old.places].flatMap(([file, positions]) => positions.map((pos) => `${file} ${pos}`));
  return rows.sort();
}

/** A table of a hundred rows in one file. */
async function hundredRows(table: { schema: string; table: string }): Promise<ContentFile> {
  await warehouse.create(table, [
    { name: 'id', type: { kind: 'long' }, required: true },
    { name: 'day', type: { kind: 'date' }, required: true },
  ]);
  const [file] = await warehouse.append(table, `SELECT i, DATE '2020-01-01' FROM range(100) r(i)`);
  return file!;
}

/** All files of the table, with a delete file that lists position 7. */
async function withoutSeventh(
  table: { schema: string; table: string },
  { path }: ContentFile,
): Promise<readonly LiveFile[]> {
  const { metadata } = await warehouse.load(table);
  const deletes = await writePositionDeletes(warehouse.connection, warehouse.storage, {
    select: `SELECT '${path}' AS file_path, 7::BIGINT AS pos`,
    folder: warehouse.storage.join(metadata.location, 'data'),
  });
  await warehouse.commit(table, { add: [deletes!], operation: 'delete' });
  return liveFiles(warehouse.storage, (await warehouse.load(table)).metadata);
}

describe(`old rows by their keys, SLUICE_TEST_SEED=${SEED}`, () => {
  it('are found in held files and in others, whatever was deleted before; each once', async () => {
    const random = new Random(SEED);
    await warehouse.create(TABLE, [
      { name: 'id', type: { kind: 'long' }, required: true },
      { name: 'day', type: { kind: 'date' }, required: true },
    ]);
    // The model: which row of which file a key is, and which rows are gone.
    const model = new Map<number, string>();
    const add = async (first: number, count: number, step: number): Promise<void> => {
      const [file] = await warehouse.append(
        TABLE,
        `SELECT id, DATE '2020-01-01' + CAST(id % 7 AS INTEGER) FROM (SELECT ${first} + i * ${step} AS id FROM range(${count}) r(i))`,
      );
      const ids = Array.from({ length: count }, (_, at) => first + at * step);
      for (const [at, id] of ids.entries()) model.set(id, `${file!.path} ${at}`);
      // What a commit wrote in the order of its keys it need not read.
      if (heldKeys !== null && random.once(2)) heldKeys.wroteKeys('t', file!.path, KEY, wordsOf(ids));
    };
    let heldKeys: HeldKeys | null = null;
    await add(0, LARGE, 2);
    await add(1_000_000, LARGE, -3);
    await add(2_000_000, 500, 1);
    let now = 0;
    heldKeys = new HeldKeys(100 << 20, () => now);
    for (let round = 0; round < 12; round++) {
      now += 2_000;
      const keys = [...model.keys()].filter(() => random.once(600));
      const strangers = [3, -5, 5_000_000];
      const expected = keys.map((key) => model.get(key)!).sort();
      expect(await places(heldKeys, [...keys, ...strangers])).toEqual(expected);
      expect(await places(new HeldKeys(0), [...keys, ...strangers])).toEqual(expected);
      // Small files are held at once, and are few rows; of large ones one at a time.
      expect(Math.floor((heldKeys.bytes + IN_ORDER) / BYTES)).toBe(Math.min(round, 2));
      const { metadata } = await warehouse.load(TABLE);
      const gone = keys.filter(() => random.once(2));
      const listed = gone.map((key) => model.get(key)!.split(' '));
      const deletes = await writePositionDeletes(warehouse.connection, warehouse.storage, {
        select: `SELECT * FROM (VALUES ${listed.map(([path, pos]) => `('${path}', ${pos}::BIGINT)`).join(', ')}) v(file_path, pos)`,
        folder: warehouse.storage.join(metadata.location, 'data'),
      });
      // What a commit wrote it need not read.
      const written = new Map<string, number[]>();
      for (const [path, pos] of listed) written.set(path!, [...(written.get(path!) ?? []), Number(pos)]);
      if (random.once(2)) heldKeys.wrote('t', deletes!.path, written);
      await warehouse.commit(TABLE, { add: [deletes!], operation: 'delete' });
      for (const key of gone) model.delete(key);
      // A key that was deleted comes again, in a younger file.
      if (gone[0] !== undefined) await add(gone[0], 1, 1);
      await add(3_000_000 + round * 1_000, 20, 3);
    }
  });

  it('what is held of a file goes with it, and when it is idle and there is no room', async () => {
    let now = 0;
    const heldKeys = new HeldKeys(MOST_BYTES, () => now);
    const files = await keyFiles();
    const [one, other] = files.data;
    const look = async (data: readonly LiveFile[], live = files.live) =>
      (await connected((sql) => heldKeys.of(sql, warehouse.storage, { ...files, live, data }))).size;
    expect([await look([one!]), await look([one!]), await look([one!])]).toEqual([0, 1, 1]);
    // There is room for one.
    expect([await look([other!]), await look([other!])]).toEqual([0, 0]);
    now += 6 * 60_000;
    expect([await look([other!]), await look([other!])]).toEqual([1, 1]);
    expect([await look([one!]), await look([one!])]).toEqual([0, 0]);
    expect(await look([], [one!])).toBe(0);
    expect(heldKeys.bytes).toBe(0);
    expect([await look([one!]), await look([one!])]).toEqual([0, 0]);
    now += 2_000;
    expect([await look([one!]), await look([one!])]).toEqual([1, 1]);
  });

  it('another key has others held', async () => {
    const files = await keyFiles();
    let now = 0;
    const heldKeys = new HeldKeys(100 << 20, () => now);
    const sizes: number[] = [];
    const short = KEY.slice(0, 1);
    for (const key of [KEY, KEY, KEY, short, short, short]) {
      now += 2_000;
      await connected((sql) => heldKeys.of(sql, warehouse.storage, { ...files, key }));
      sizes.push(Math.floor((heldKeys.bytes * 10) / BYTES));
    }
    // Both large files are held at the third look; half of the numbers are fewer.
    expect(sizes[2]).toBeGreaterThanOrEqual(16);
    expect(sizes[5]).toBeLessThan(sizes[2]!);
    expect(sizes[5]).toBeGreaterThanOrEqual(8);
  });

  it('keys are found by a scan where there is no room, and by words where there is: each for itself', async () => {
    const table = { schema: 's', table: 'large' };
    await warehouse.create(table, [{ name: 'id', type: { kind: 'long' }, required: true }]);
    const values = ['-9223372036854775808', '0', '9007199254740991', '9007199254740992', '9007199254740993'];
    const [file] = await warehouse.append(table, `SELECT unnest([${values.join(', ')}]::BIGINT[])`);
    const files = await liveFiles(warehouse.storage, (await warehouse.load(table)).metadata);
    const key = KEY.slice(0, 1);
    for (const heldKeys of [new HeldKeys(0), new HeldKeys(1 << 20)]) {
      for (const some of [
        values,
        [values[4]!],
        [values[3]!, values[1]!],
        ['9007199254740994'],
        [values[1]!],
        ['NULL', values[1]!],
        [],
      ])
        expect(
          await connected(async (sql) => {
            const keys = `SELECT unnest([${some.join(', ')}]::BIGINT[]) AS c0, true AS goes, false AS stays`;
            const asked = { owner: 'large', files, key, keys, rows: some.length };
            return found(sql, (await findOld(sql, warehouse.storage, heldKeys, asked)).old);
          }),
        ).toEqual(
          some
            .flatMap((one) => (values.includes(one) ? [`${file!.path} ${values.indexOf(one)}`] : []))
            .sort(),
        );
    }
  });

  it.each(['string', 'binary'] as const)(
    'keys of type %s are found by their digests as by a scan',
    async (kind) => {
      const table = { schema: 's', table: kind };
      await warehouse.create(table, [
        { name: 'id', type: { kind }, required: true },
        { name: 'part', type: { kind: 'long' }, required: true },
      ]);
      const id = kind === 'string' ? "'ü' || hash(r)" : "encode('ü' || hash(r))";
      const rows = (from: number): string => `SELECT ${id}, r % 3 FROM range(${from}, ${from + 3_000}) t(r)`;
      for (const from of [0, 3_000]) await warehouse.append(table, rows(from));
      const files = await liveFiles(warehouse.storage, (await warehouse.load(table)).metadata);
      const key: readonly ScanColumn[] = [
        { id: 1, name: 'c0', type: kind },
        { id: 2, name: 'c1', type: 'long' },
      ];
      const random = new Random(SEED);
      const heldKeys = new HeldKeys(1 << 20);
      for (let round = 0; round < 20; round++) {
        // Some that are there, and some whose other half is another's.
        const list = Array.from({ length: 1 + random.below(40) }, () => random.below(9_000)).join(', ');
        const keys = `SELECT DISTINCT ${id} AS c0, (r + ${random.below(2)}) % 3 AS c1, true AS goes, false AS stays FROM (SELECT unnest([${list}]::BIGINT[]) AS r)`;
        const placesBy = (held: HeldKeys): Promise<readonly string[]> =>
          connected(async (sql) => {
            const asked = { owner: kind, files, key, keys, rows: 40 };
            return found(sql, (await findOld(sql, warehouse.storage, held, asked)).old);
          });
        expect(await placesBy(heldKeys)).toEqual(await placesBy(new HeldKeys(0)));
      }
      expect(heldKeys.bytes).toBe(2 * (3_000 * 4 * 4 + 3_000 / 8));
    },
  );

  it('a delete file that was written here is not read, and counts only where it is of the table', async () => {
    const table = { schema: 's', table: 'written' };
    const file = await hundredRows(table);
    const live = await liveFiles(warehouse.storage, (await warehouse.load(table)).metadata);
    const heldKeys = new HeldKeys(1 << 20);
    const goneBy = async (deletes: readonly LiveFile[]): Promise<readonly number[]> => {
      const files = { owner: 'written', live, data: live, deletes, key: KEY };
      const [held] = (await connected((sql) => heldKeys.of(sql, warehouse.storage, files))).values();
      return Array.from({ length: 100 }, (_, at) => at).filter((at) => held!.isDeleted(at));
    };
    expect(await goneBy([])).toEqual([]);
    // None of these files exists, so that to read one would fail.
    const deletes = (path: string): LiveFile => ({
      ...{ ...live[0]!, content: 'position-deletes', path: `file:///none/${path}`, sequence: 9 },
    });
    heldKeys.wrote('written', 'file:///none/failed', new Map([[file.path, [3]]]));
    heldKeys.wrote('written', 'file:///none/done', new Map([[file.path, [7, 8]]]));
    heldKeys.wrote('written', 'file:///none/later', new Map([['file:///other', [5]]]));
    expect(await goneBy([deletes('done')])).toEqual([7, 8]);
    expect(await goneBy([deletes('done'), deletes('later')])).toEqual([7, 8]);
    await expect(goneBy([deletes('later')])).rejects.toThrow();
  });

  it('keys of a file that was written here are not read, and hold where it is of the table', async () => {
    const table = { schema: 's', table: 'rows' };
    const file = await hundredRows(table);
    const live = await liveFiles(warehouse.storage, (await warehouse.load(table)).metadata);
    const heldKeys = new HeldKeys(1 << 20);
    const words = wordsOf([7, 14, 21]);
    // None of these files exists, so that to read one would fail.
    const data = (name: string, records: number): LiveFile => ({
      ...{ ...live[0]!, path: `file:///none/${name}`, records, sequence: 9 },
    });
    const look = async (files: readonly LiveFile[], key = KEY): Promise<number> => {
      const asked = { owner: 'rows', live: files, data: files, deletes: [], key };
      return (await connected((sql) => heldKeys.of(sql, warehouse.storage, asked))).size;
    };
    // Of a table that nothing is looked for in nothing is held.
    heldKeys.wroteKeys('rows', 'file:///none/one', KEY, words);
    expect(heldKeys.bytes).toBe(0);
    expect(await look([live[0]!])).toBe(1);
    const before = heldKeys.bytes;
    for (const name of ['failed', 'one', 'other'])
      heldKeys.wroteKeys('rows', `file:///none/${name}`, KEY, words);
    expect(await look([live[0]!, data('one', 3)])).toBe(2);
    // One word of each key that differs, and the bits.
    expect(heldKeys.bytes).toBe(before + 3 * 4 + 1);
    // The other one was not of the table when it was looked at, and has to be read.
    await expect(look([live[0]!, data('other', 3)])).rejects.toThrow();
    // Nor is one that has other rows, or another key by now.
    heldKeys.wroteKeys('rows', 'file:///none/more', KEY, words);
    await expect(look([live[0]!, data('more', 4)])).rejects.toThrow();
    heldKeys.wroteKeys('rows', 'file:///none/changed', KEY, words);
    await expect(look([data('changed', 3)], KEY.slice(0, 1))).rejects.toThrow();
    expect(file.records).toBe(100);
    for (let n = 0; n < 20; n++) heldKeys.wroteKeys('rows', `file:///none/${n}`, KEY, words);
    expect(heldKeys.bytes).toBeLessThan(5 * 3 * 4);
  });

  it('delete files that were rewritten are not read again, where all that went into them is known', async () => {
    const table = { schema: 's', table: 'rewritten' };
    const file = await hundredRows(table);
    const all = await withoutSeventh(table, file);
    const live = all.filter(({ content }) => content === 'data');
    const [real] = all.filter(({ content }) => content !== 'data');
    // None of these files exists, so that to read one would fail.
    const none = (name: string): LiveFile => ({ ...real!, path: `file:///none/${name}`, sequence: 9 });
    const held = new HeldKeys(1 << 20);
    const gone = async (heldKeys: HeldKeys, ...deletes: LiveFile[]): Promise<readonly number[]> => {
      const files = { owner: 'rewritten', live, data: live, deletes, key: KEY };
      const [one] = (await connected((sql) => heldKeys.of(sql, warehouse.storage, files))).values();
      return Array.from({ length: 100 }, (_, at) => at).filter((at) => one!.isDeleted(at));
    };
    expect(await gone(held, real!)).toEqual([7]);
    held.wrote('rewritten', none('last').path, new Map([[file.path, [8]]]));
    held.rewrote({ from: [real!.path, none('last').path], to: [none('a').path, none('b').path] });
    expect(await gone(held, none('a'), none('b'))).toEqual([7, 8]);
    // Once more, and a commit with it.
    held.wrote('rewritten', none('new').path, new Map([[file.path, [9]]]));
    held.rewrote({ from: [none('a').path], to: [none('c').path] });
    expect(await gone(held, none('b'), none('c'), none('new'))).toEqual([7, 8, 9]);
    // The table was set back to before all of it.
    expect(await gone(held, real!)).toEqual([7]);
    // What was rewritten is not in the table: the commit failed, and the old file holds.
    held.rewrote({ from: [real!.path], to: [none('d').path] });
    expect(await gone(held, real!)).toEqual([7]);
    // Nobody has said what is in `other`.
    held.rewrote({ from: [real!.path, none('other').path], to: [none('e').path] });
    await expect(gone(held, none('e'))).rejects.toThrow();
    // No file came for those that went: that is no other than to be set back.
    const emptied = new HeldKeys(1 << 20);
    expect(await gone(emptied, real!)).toEqual([7]);
    emptied.rewrote({ from: [real!.path], to: [] });
    expect(await gone(emptied)).toEqual([]);
  });

  it('a row is there again where the table is set back to before its delete', async () => {
    const table = { schema: 's', table: 'back' };
    const file = await hundredRows(table);
    const all = await withoutSeventh(table, file);
    const data = all.filter(({ content }) => content === 'data');
    const heldKeys = new HeldKeys(1 << 20);
    const isGone = async (gone: readonly LiveFile[]): Promise<boolean | undefined> => {
      const files = { owner: 'back', live: data, data, deletes: gone, key: KEY };
      const [held] = (await connected((sql) => heldKeys.of(sql, warehouse.storage, files))).values();
      return held?.isDeleted(7);
    };
    const gone = all.filter(({ content }) => content !== 'data');
    expect([await isGone(gone), await isGone([]), await isGone(gone), await isGone(gone)]).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });
});

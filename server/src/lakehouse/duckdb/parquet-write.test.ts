import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContentFile, LiveFile } from '../data-file.ts';
import { fileStorage } from '../file-storage.ts';
import type { IcebergField, IcebergType } from '../metadata.ts';
import { bound } from './bounds.ts';
import { Engine, type EngineConnection } from './engine.ts';
import { keyRangePrune } from './key-range.ts';
import { writeDataFiles, writePositionDeletes } from './parquet-write.ts';
import { FILE_PATH_ID, POSITION_ID } from './position-delete.ts';
import { type ScanColumn, scanSql } from './scan-sql.ts';
import { quoteText } from './sql-text.ts';

const storage = fileStorage();
let root: string;
let engine: Engine;
let connection: EngineConnection;
let folder: string;

beforeAll(async () => {
  // The name has all that paths make trouble with: DuckDB's patterns, quotes, spaces, hive's equals sign.
  root = await mkdtemp(join(tmpdir(), "sluice-a=b [x]*? 'q' %41-"));
  engine = await Engine.open({
    threads: 2,
    memoryBytes: 256 << 20,
    tempFolder: join(root, 't'),
    maxTempBytes: 1 << 30,
  });
  connection = await engine.connect();
  folder = storage.join(storage.location(root), 'table', 'data');
});

afterAll(async () => {
  engine.close();
  await rm(root, { recursive: true });
});

const field = (id: number, name: string, type: IcebergType): IcebergField => ({
  id,
  name,
  required: false,
  type,
});
const live = (file: ContentFile, sequence: number): LiveFile => ({ ...file, sequence });
const ID: ScanColumn = { id: 1, name: 'id', type: 'long' };

async function write(
  select: string,
  fields: readonly IcebergField[],
  maxBytes?: number,
): Promise<readonly ContentFile[]> {
  return writeDataFiles(connection, storage, {
    select,
    fields,
    folder,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
}

async function ids(files: readonly LiveFile[]): Promise<bigint[]> {
  const rows = await connection.rows(`SELECT id FROM ${scanSql(storage, files, [ID])} ORDER BY id`);
  return rows.map((row) => row.id as bigint);
}

async function deletePositions(pairs: readonly (readonly [string, number])[]): Promise<ContentFile> {
  const values = pairs.map(([path, position]) => `(${quoteText(path)}, ${position}::BIGINT)`).join(', ');
  const file = await writePositionDeletes(connection, storage, {
    select: `SELECT * FROM (VALUES ${values})`,
    folder,
  });
  return file!;
}

describe('writeDataFiles', () => {
  it('bounds texts that begin with U+FEFF', async () => {
    const [file] = await write("SELECT unnest(['m', chr(65279) || 'b', chr(65279)])", [
      field(1, 'k', 'string'),
    ]);
    expect(Buffer.from(file!.lowerBounds.get(1)!).toString()).toBe('m');
    expect(Buffer.from(file!.upperBounds.get(1)!)).toEqual(Buffer.from('\ufeffb'));
  });

  it('writes every type, reads it back, and describes it', async () => {
    const list: IcebergType = {
      type: 'list',
      'element-id': 31,
      'element-required': false,
      element: 'string',
    };
    const fields = [
      field(1, 'b', 'boolean'),
      field(2, 'i', 'int'),
      field(3, 'l', 'long'),
      field(4, 'f', 'float'),
      field(5, 'd', 'double'),
      field(6, 'dec', 'decimal(38, 10)'),
      field(7, 'da', 'date'),
      field(8, 'ti', 'time'),
      field(9, 'ts', 'timestamp'),
      field(10, 'tz', 'timestamptz'),
      field(11, 'Sp "x"', 'string'),
      field(12, 'u', 'uuid'),
      field(13, 'bi', 'binary'),
      field(14, 'li', list),
      field(15, 'A', 'int'),
      field(16, 'a', 'int'),
    ];
    const first = `SELECT true, -7, 9223372036854775807, 'nan'::FLOAT, -0.0::DOUBLE, -1.5::DECIMAL(38, 10), DATE '2024-02-29', TIME '23:59:59.999999',
      TIMESTAMP '2024-02-29 12:00:00.5', TIMESTAMPTZ '2024-02-29 12:00:00.5+00', 'he"l,lo' || chr(10), 'ffffffff-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID,
      '\\x00\\xFF'::BLOB, ['a', NULL], 1, 2`;
    const second = `SELECT ${Array.from({ length: 16 }, () => 'NULL').join(', ')}`;
    const [file] = await write(`${first} UNION ALL ${second}`, fields);
    expect(file).toMatchObject({ content: 'data', records: 2, referencedDataFile: null });
    expect(file!.path).toMatch(/\/table\/data\/[0-9a-f-]{36}\.parquet$/);
    for (const { id, type } of fields) {
      if (typeof type !== 'string') continue;
      expect(file!.valueCounts.get(id), String(id)).toBe(2);
      expect(file!.nullCounts.get(id), String(id)).toBe(1);
      expect(file!.columnSizes.get(id), String(id)).toBeGreaterThan(0);
      const bounded = !['uuid', 'float'].includes(type);
      expect(file!.lowerBounds.has(id), type).toBe(bounded);
      expect(file!.upperBounds.has(id), type).toBe(bounded);
    }
    expect(file!.columnSizes.get(31)).toBeGreaterThan(0);
    expect(file!.nanCounts.get(5)).toBe(0);
    expect(file!.nanCounts.has(4)).toBe(false);
    expect(Buffer.from(file!.lowerBounds.get(6)!).toString('hex')).toBe(
      Buffer.from(bound('decimal(38, 10)', 'lower', '-1.5')!).toString('hex'),
    );
    const columns = fields.map(({ id, type }) => ({ id, name: `x${id}`, type }));
    const scan = scanSql(storage, [live(file!, 1)], columns);
    const names = columns.map((column) => column.name).join(', ');
    const back = `SELECT hash(row(${names})) AS h FROM ${scan}`;
    const source = `SELECT hash(row(${names})) AS h FROM (${first} UNION ALL ${second}) t(${names})`;
    const rows = await connection.rows(
      `SELECT (SELECT list(h ORDER BY h) FROM (${back})) = (SELECT list(h ORDER BY h) FROM (${source})) AS same`,
    );
    expect(rows).toEqual([{ same: true }]);
    const types = await connection.rows(`SELECT column_type AS t FROM (DESCRIBE SELECT * FROM ${scan})`);
    expect(types.map((row) => row.t)).toEqual([
      'BOOLEAN',
      'INTEGER',
      'BIGINT',
      'FLOAT',
      'DOUBLE',
      'DECIMAL(38,10)',
      'DATE',
      'TIME',
      'TIMESTAMP',
      'TIMESTAMP WITH TIME ZONE',
      'VARCHAR',
      'UUID',
      'BLOB',
      'VARCHAR[]',
      'INTEGER',
      'INTEGER',
    ]);
  });

  it('keeps -0 and 0 apart, in lists too', async () => {
    const list: IcebergType = { type: 'list', 'element-id': 3, 'element-required': false, element: 'float' };
    const zero = "CASE i % 2 WHEN 0 THEN '-0' ELSE '0' END";
    const [file] = await write(
      `SELECT CAST(${zero} AS DOUBLE), [CAST(${zero} AS FLOAT)] FROM range(1000) r(i)`,
      [field(1, 'd', 'double'), field(2, 'l', list)],
    );
    const scan = scanSql(
      storage,
      [live(file!, 1)],
      [
        { id: 1, name: 'd', type: 'double' },
        { id: 2, name: 'l', type: list },
      ],
    );
    expect(
      await connection.rows(
        `SELECT CAST(d AS VARCHAR) AS d, CAST(l AS VARCHAR) AS l, CAST(count(*) AS INT) AS n FROM ${scan} GROUP BY 1, 2 ORDER BY 1`,
      ),
    ).toEqual([
      { d: '-0.0', l: '[-0.0]', n: 500 },
      { d: '0.0', l: '[0.0]', n: 500 },
    ]);
  });

  it('finds bytes that many rows have', async () => {
    const select = "SELECT CASE WHEN range % 5 = 0 THEN unhex('00ff0041') END FROM range(3000)";
    const [file] = await write(select, [field(1, 'b', 'binary')]);
    const scan = scanSql(storage, [live(file!, 1)], [{ id: 1, name: 'b', type: 'binary' }]);
    for (const where of [
      "WHERE b = unhex('00ff0041')",
      "SEMI JOIN (SELECT unhex('00ff0041') AS b) USING (b)",
    ])
      expect(await connection.rows(`SELECT count(*) AS n FROM ${scan} ${where}`)).toEqual([{ n: 600n }]);
  });

  it('writes no file for no rows', async () => {
    const before = await readdir(storage.localPath(folder));
    expect(await write('SELECT range FROM range(0)', [field(1, 'id', 'long')])).toEqual([]);
    expect(await write('SELECT range FROM range(0)', [field(1, 'id', 'long')], 1000)).toEqual([]);
    expect(await readdir(storage.localPath(folder))).toEqual(before);
  });

  it('splits by size, and no row is lost', async () => {
    const files = await write(
      'SELECT range, hash(range)::VARCHAR FROM range(1000000)',
      [field(1, 'id', 'long'), field(2, 's', 'string')],
      1_000_000,
    );
    expect(files.length).toBeGreaterThan(2);
    expect(files.reduce((sum, file) => sum + file.records, 0)).toBe(1_000_000);
    const [row] = await connection.rows(
      `SELECT count(*) AS n, count(DISTINCT id) AS d, sum(id)::BIGINT AS s FROM ${scanSql(
        storage,
        files.map((file) => live(file, 1)),
        [ID],
      )}`,
    );
    expect(row).toEqual({ n: 1_000_000n, d: 1_000_000n, s: 499_999_500_000n });
  });

  it('keeps the order of the query in its one file', async () => {
    const files = await write('SELECT range FROM range(1000000) WHERE range % 3 <> 0', [
      field(1, 'id', 'long'),
    ]);
    const [row] = await connection.rows(
      `SELECT count(*) AS n FROM ${scanSql(
        storage,
        files.map((file) => live(file, 1)),
        [ID],
        { positions: true },
      )} WHERE "#pos" <> (id // 3) * 2 + id % 3 - 1`,
    );
    expect(row).toEqual({ n: 0n });
  });

  it('leaves nothing behind when the query fails', async () => {
    const before = await readdir(storage.localPath(folder));
    const failing = "SELECT CASE WHEN range = 900000 THEN error('broken') ELSE range END FROM range(1000000)";
    await expect(write(failing, [field(1, 'id', 'long')])).rejects.toThrow('broken');
    await expect(write(failing, [field(1, 'id', 'long')], 1000)).rejects.toThrow('broken');
    expect(await readdir(storage.localPath(folder))).toEqual(before);
  });
});

describe('scanSql', () => {
  it('gives an empty, typed relation for no files', async () => {
    const rows = await connection.rows(
      `DESCRIBE SELECT * FROM ${scanSql(storage, [], [{ id: 1, name: 'We"ird', type: 'decimal(4, 1)' }], { positions: true })}`,
    );
    expect(rows.map((row) => [row.column_name, row.column_type])).toEqual([
      ['We"ird', 'DECIMAL(4,1)'],
      ['#file', 'VARCHAR'],
      ['#pos', 'BIGINT'],
    ]);
    expect(await ids([])).toEqual([]);
  });

  it('applies deletes to files of the same or an older sequence only, and only to the file that they name', async () => {
    const [a] = await write('SELECT range FROM range(5)', [field(1, 'id', 'long')]);
    const [b] = await write('SELECT 10 + range FROM range(5)', [field(1, 'id', 'long')]);
    const [c] = await write('SELECT 20 + range FROM range(5)', [field(1, 'id', 'long')]);
    const ofA = await deletePositions([
      [a!.path, 0],
      [a!.path, 4],
    ]);
    const ofBoth = await deletePositions([
      [a!.path, 1],
      [b!.path, 1],
    ]);
    expect(ofA.referencedDataFile).toBe(a!.path);
    expect(ofBoth.referencedDataFile).toBeNull();
    expect(Buffer.from(ofA.lowerBounds.get(FILE_PATH_ID)!).toString()).toBe(a!.path);
    expect(Buffer.from(ofA.upperBounds.get(POSITION_ID)!).readBigInt64LE()).toBe(4n);
    expect(await ids([live(a!, 1), live(b!, 1), live(c!, 1), live(ofA, 2), live(ofBoth, 3)])).toEqual([
      2n,
      3n,
      10n,
      12n,
      13n,
      14n,
      20n,
      21n,
      22n,
      23n,
      24n,
    ]);
    // Same sequence: hit. Older than the data: not.
    expect(await ids([live(a!, 2), live(ofA, 2)])).toEqual([1n, 2n, 3n]);
    expect(await ids([live(a!, 3), live(ofA, 2), live(ofBoth, 3), live(b!, 4)])).toEqual([
      0n,
      2n,
      3n,
      4n,
      10n,
      11n,
      12n,
      13n,
      14n,
    ]);
  });

  it('says where a row is, with deletes and without', async () => {
    const [a] = await write('SELECT range FROM range(3)', [field(1, 'id', 'long')]);
    const [b] = await write('SELECT 10 + range FROM range(2)', [field(1, 'id', 'long')]);
    const gone = await deletePositions([[a!.path, 1]]);
    const sql = scanSql(storage, [live(a!, 1), live(b!, 1), live(gone, 2)], [ID], { positions: true });
    const rows = await connection.rows(`SELECT * FROM ${sql} ORDER BY id`);
    expect(rows.map((row) => [row.id, row['#file'], row['#pos']])).toEqual([
      [0n, a!.path, 0n],
      [2n, a!.path, 2n],
      [10n, b!.path, 0n],
      [11n, b!.path, 1n],
    ]);
  });

  it('does not join files that no delete touches', async () => {
    const [a] = await write('SELECT range FROM range(3)', [field(1, 'id', 'long')]);
    const [b] = await write('SELECT range FROM range(3)', [field(1, 'id', 'long')]);
    const gone = await deletePositions([[a!.path, 1]]);
    expect(scanSql(storage, [live(b!, 1), live(gone, 2)], [ID])).not.toContain('ANTI JOIN');
    expect(scanSql(storage, [live(a!, 1), live(b!, 1), live(gone, 2)], [ID])).toContain('UNION ALL');
  });

  it('follows renamed, added, dropped and widened columns by id', async () => {
    const [old] = await write("SELECT 1, 'x', 1.5::FLOAT", [
      field(1, 'id', 'int'),
      field(2, 'gone', 'string'),
      field(3, 'f', 'float'),
    ]);
    const [young] = await write('SELECT 2::BIGINT, 2.5::DOUBLE, true', [
      field(1, 'key', 'long'),
      field(3, 'f', 'double'),
      field(4, 'gone', 'boolean'),
    ]);
    const columns: ScanColumn[] = [
      { id: 4, name: 'gone', type: 'boolean' },
      { id: 1, name: 'Key"', type: 'long' },
      { id: 3, name: 'filename', type: 'double' },
      { id: 9, name: 'c1', type: 'string' },
    ];
    const rows = await connection.rows(
      `SELECT * FROM ${scanSql(storage, [live(old!, 1), live(young!, 2)], columns)} ORDER BY 2`,
    );
    expect(rows).toEqual([
      { gone: null, 'Key"': 1n, filename: 1.5, c1: null },
      { gone: true, 'Key"': 2n, filename: 2.5, c1: null },
    ]);
  });

  it('counts without columns', async () => {
    const [a] = await write('SELECT range FROM range(3)', [field(1, 'id', 'long')]);
    expect(await connection.rows(`SELECT count(*) AS n FROM ${scanSql(storage, [live(a!, 1)], [])}`)).toEqual(
      [{ n: 3n }],
    );
  });
});

describe('keyRangePrune', () => {
  it('keeps the files whose bounds meet the range, in every type of bound', async () => {
    const [low] = await write("SELECT range, 'a' || range, range::DECIMAL(9, 2) - 500 FROM range(100)", [
      field(1, 'id', 'long'),
      field(2, 's', 'string'),
      field(3, 'd', 'decimal(9, 2)'),
    ]);
    const [high] = await write(
      "SELECT 1000 + range, 'b' || range, range::DECIMAL(9, 2) + 500 FROM range(100)",
      [field(1, 'id', 'long'), field(2, 's', 'string'), field(3, 'd', 'decimal(9, 2)')],
    );
    const files = [live(low!, 1), live(high!, 1)];
    const prune = (id: number, type: IcebergType, from: string, to: string): number[] =>
      keyRangePrune(files, [
        { id, type, lower: bound(type, 'lower', from), upper: bound(type, 'upper', to) },
      ]).map((file) => files.indexOf(file as LiveFile));
    expect(prune(1, 'long', '99', '999')).toEqual([0]);
    expect(prune(1, 'long', '100', '1000')).toEqual([1]);
    expect(prune(1, 'long', '99', '1000')).toEqual([0, 1]);
    expect(prune(1, 'long', '100', '999')).toEqual([]);
    expect(prune(2, 'string', 'a99', 'az')).toEqual([0]);
    expect(prune(2, 'string', 'b', 'z')).toEqual([1]);
    expect(prune(3, 'decimal(9, 2)', '-500.00', '-1.00')).toEqual([0]);
    expect(prune(3, 'decimal(9, 2)', '1.00', '10000.00')).toEqual([1]);
    // A bound from before int became long has four bytes.
    const widened = {
      ...low!,
      sequence: 1,
      lowerBounds: new Map([[1, bound('int', 'lower', '0')!]]),
      upperBounds: new Map([[1, bound('int', 'upper', '99')!]]),
    };
    expect(
      keyRangePrune([widened], [{ id: 1, type: 'long', lower: bound('long', 'lower', '100'), upper: null }]),
    ).toEqual([]);
    expect(
      keyRangePrune([widened], [{ id: 7, type: 'long', lower: bound('long', 'lower', '100'), upper: null }]),
    ).toEqual([widened]);
  });
});

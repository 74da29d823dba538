import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogicalType } from '../../model/logical-type.ts';
import { writePositionDeletes } from '../duckdb/parquet-write.ts';
import { describeTable, listTables, previewSql, tableHistory, tableStats } from './table-info.ts';
import { openWarehouse, type WarehouseFixture } from './warehouse-fixture.ts';
import { type QueryResult, WarehouseQuery } from './warehouse-query.ts';

const column = (name: string, kind: LogicalType['kind'] | LogicalType, required = false) => ({
  name,
  type: (typeof kind === 'string' ? { kind } : kind) as LogicalType,
  required,
});
const shop = (table: string) => ({ schema: 'shop', table });
const MIB = 1 << 20;

let warehouse: WarehouseFixture;
let service: WarehouseQuery;
let dataFile: string;
const limits = (root: string) => ({
  threads: 2,
  memoryBytes: 128 * MIB,
  tempFolder: join(root, 'query-temp'),
  maxTempBytes: 32 * MIB,
  concurrent: 1,
  waiting: 2,
  resultBytes: 1 * MIB,
});

beforeAll(async () => {
  warehouse = await openWarehouse("sluice warehouse [1] 'q'-");
  const { storage, connection } = warehouse;
  await warehouse.create(
    shop('orders'),
    [column('id', 'long', true), column('total', { kind: 'decimal', precision: 12, scale: 2 })],
    ['id'],
  );
  const [file] = await warehouse.append(shop('orders'), 'SELECT range, range * 1.5 FROM range(1000)');
  dataFile = storage.localPath(file!.path);
  const gone = await writePositionDeletes(connection, storage, {
    select: `SELECT '${file!.path.replaceAll("'", "''")}', range FROM range(10)`,
    folder: storage.join((await warehouse.load(shop('orders'))).metadata.location, 'data'),
  });
  await warehouse.commit(shop('orders'), {
    add: [gone!],
    operation: 'delete',
    summary: { 'sluice.position': '0/1' },
  });
  await warehouse.create({ schema: 'Other "s"', table: 'My Table/x.csv' }, [
    column('A', 'int'),
    column('a', 'string'),
  ]);
  await warehouse.append({ schema: 'Other "s"', table: 'My Table/x.csv' }, "SELECT 1, 'x'");
  await warehouse.create({ schema: 'Other "s"', table: 'orders2' }, [column('x', 'int')]);
  await warehouse.create({ schema: 'shop', table: 'Orders2' }, [column('y', 'int')]);
  const kinds = [
    'boolean',
    'int',
    'long',
    'float',
    'double',
    'date',
    'time',
    'timestamp',
    'timestamptz',
    'string',
    'uuid',
    'binary',
  ] as const;
  await warehouse.create(shop('types'), [
    column('n', 'int'),
    ...kinds.map((kind) => column(`c_${kind}`, kind)),
    column('c_list', { kind: 'list', element: { kind: 'long' } }),
    column('c_dec', { kind: 'decimal', precision: 38, scale: 2 }),
  ]);
  await warehouse.append(
    shop('types'),
    `SELECT 1, true, -5, 9007199254740993, 'nan'::FLOAT, '-inf'::DOUBLE, DATE '2024-02-29', TIME '12:00:00.5', TIMESTAMP '2024-02-29 12:00:00.000001',
       TIMESTAMPTZ '2024-02-29 12:00:00+02', 'ä"', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID, '\\x00\\xFF'::BLOB, [1, NULL, 9007199254740993], 1.5
     UNION ALL SELECT 2, false, 7, 9007199254740991, 1.5, '-0.0'::DOUBLE, DATE '0044-03-15 (BC)', NULL, TIMESTAMP 'infinity', TIMESTAMPTZ '-infinity', '', NULL, ''::BLOB, [], NULL`,
  );
  service = new WarehouseQuery(
    { catalog: warehouse.catalog, storage, location: warehouse.location },
    limits(warehouse.root),
  );
});

afterAll(() => warehouse.close());

const never = new AbortController().signal;
const run = (sql: string, limit = 0, timeoutMs = 20_000): Promise<QueryResult> =>
  service.query(sql, { limit, timeoutMs, signal: never });

describe('WarehouseQuery', () => {
  it('reads live rows by qualified, unqualified and differently cased names', async () => {
    for (const name of ['shop.orders', 'orders', 'SHOP.ORDERS', '"shop"."orders"'])
      expect(await run(`SELECT count(*) AS n, min(id), sum(total) FROM ${name}`)).toEqual({
        columns: [
          { name: 'n', type: 'BIGINT' },
          { name: 'min(id)', type: 'BIGINT' },
          { name: 'sum(total)', type: 'DECIMAL(38,2)' },
        ],
        rows: [[990, 10, '749182.50']],
        truncated: false,
      });
  });

  it('keeps to the limit and says that there is more', async () => {
    const some = await run('SELECT id FROM orders ORDER BY id', 3);
    expect(some.rows).toEqual([[10], [11], [12]]);
    expect(some.truncated).toBe(true);
    expect((await run('SELECT id FROM orders', 990)).truncated).toBe(false);
    expect((await run('SELECT id FROM orders')).rows).toHaveLength(990);
  });

  it('gives what JSON numbers cannot hold as text', async () => {
    const { rows } = await run('SELECT * FROM types ORDER BY n');
    expect(rows).toEqual([
      [
        1,
        true,
        -5,
        '9007199254740993',
        'NaN',
        '-Infinity',
        '2024-02-29',
        '12:00:00.5',
        '2024-02-29 12:00:00.000001',
        '2024-02-29 10:00:00+00',
        'ä"',
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
        '\\x00ff',
        [1, null, '9007199254740993'],
        '1.50',
      ],
      [
        2,
        false,
        7,
        9007199254740991,
        1.5,
        '-0',
        '0044-03-15 (BC)',
        null,
        'infinity',
        '-infinity',
        '',
        null,
        '\\x',
        [],
        null,
      ],
    ]);
  });

  it('takes names with quotes, slashes and dots, and columns that differ in case', async () => {
    const result = await run('SELECT * FROM "Other ""s"""."My Table/x.csv"');
    expect(result.columns.map((one) => one.name)).toEqual(['A', 'a_2']);
    expect(result.rows).toEqual([[1, 'x']]);
    expect((await run('SELECT count(*) FROM "My Table/x.csv"')).rows).toEqual([[1]]);
  });

  it('finds the exact name before one that differs in case, and says when it cannot tell', async () => {
    expect((await run('SELECT * FROM orders2')).columns[0]?.name).toBe('x');
    expect((await run('SELECT * FROM "Orders2"')).columns[0]?.name).toBe('y');
    await expect(run('SELECT * FROM ORDERS2')).rejects.toMatchObject({ code: 'SQL_FAILED' });
    await expect(run('SELECT * FROM orders2, "Orders2"')).rejects.toMatchObject({ code: 'SQL_FAILED' });
  });

  it('takes what else only reads', async () => {
    expect((await run('SHOW TABLES')).rows).toHaveLength(5);
    expect((await run('SHOW ALL TABLES;', 2)).truncated).toBe(true);
    expect((await run('DESCRIBE shop.orders')).rows.map((row) => row.slice(0, 2))).toEqual([
      ['id', 'BIGINT'],
      ['total', 'DECIMAL(12,2)'],
    ]);
    expect(
      (await run('WITH a AS (SELECT id FROM orders), b AS (SELECT * FROM a) SELECT count(*) FROM b -- end'))
        .rows,
    ).toEqual([[990]]);
    expect(
      (
        await run(
          'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT max(n) FROM r',
        )
      ).rows,
    ).toEqual([[5]]);
    expect((await run('VALUES (1, 2)')).rows).toEqual([[1, 2]]);
    expect((await run('SELECT * FROM range(3)')).rows).toEqual([[0], [1], [2]]);
    expect((await run('SUMMARIZE orders')).rows).toHaveLength(2);
    expect((await run(`${previewSql(shop('orders'))}`, 1)).rows).toHaveLength(1);
  });

  it('sees one state of the catalog per statement', async () => {
    const tables = warehouse.catalog.tables.bind(warehouse.catalog);
    let reads = 0;
    const counted = {
      ...warehouse.catalog,
      tables: () => {
        reads++;
        return tables();
      },
    };
    const one = new WarehouseQuery(
      { catalog: counted, storage: warehouse.storage, location: warehouse.location },
      limits(warehouse.root),
    );
    await one.query('SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM types)', {
      limit: 0,
      timeoutMs: 20_000,
      signal: never,
    });
    expect(reads).toBe(1);
  });
});

describe('WarehouseQuery against attacks', () => {
  const path = (): string => dataFile.replaceAll("'", "''");

  it.each([
    'INSERT INTO orders VALUES (1, 1)',
    'UPDATE orders SET id = 1',
    'DELETE FROM orders',
    'DROP VIEW orders',
    'CREATE TABLE x (i INT)',
    'CREATE VIEW v AS SELECT 1',
    "COPY orders TO '/tmp/out.csv'",
    "COPY (SELECT 1) TO '/tmp/out.csv'",
    "ATTACH '/tmp/x.db'",
    'DETACH memory',
    'INSTALL httpfs',
    'LOAD httpfs',
    'SET threads = 8',
    'RESET threads',
    'PRAGMA database_list',
    'PRAGMA version',
    'CALL pragma_version()',
    "EXPORT DATABASE '/tmp/x'",
    "IMPORT DATABASE '/tmp/x'",
    'CHECKPOINT',
    'VACUUM',
    'BEGIN',
    'PREPARE p AS SELECT 1',
    'EXECUTE p',
    'USE memory',
    'EXPLAIN SELECT 1',
    'EXPLAIN ANALYZE SELECT 1',
    'CREATE MACRO m() AS 1',
    'CREATE SECRET s (TYPE s3)',
    'SELECT 1; SELECT 2',
    'SELECT 1; DROP VIEW orders',
    '',
    ';',
    '-- nothing',
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM READ_CSV_AUTO('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM main.read_text('/etc/passwd')",
    "SELECT (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT * FROM orders WHERE EXISTS (FROM read_text('/etc/passwd'))",
    "WITH a AS (FROM read_text('/etc/passwd')) SELECT * FROM a",
    "SELECT * FROM orders, LATERAL (SELECT * FROM read_text('/etc/passwd'))",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM parquet_metadata('x')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('orders')",
    'SELECT * FROM duckdb_settings()',
    'SELECT * FROM duckdb_secrets()',
    'SELECT * FROM duckdb_views()',
    "SELECT * FROM json_execute_serialized_sql('x')",
    "SELECT getenv('HOME')",
    "SELECT current_setting('temp_directory')",
    "SELECT write_log('x')",
    'SELECT pg_get_viewdef(1)',
    'SELECT * FROM orders AT (VERSION => 1)',
    'SHOW DATABASES',
    'SELECT * FROM (SHOW TABLES)',
    'SELECT * FROM memory.shop.orders',
    "DESCRIBE SELECT * FROM read_csv('/etc/passwd')",
    "SUMMARIZE FROM read_csv('/etc/passwd')",
  ])('refuses %s', async (sql) => {
    await expect(run(sql)).rejects.toMatchObject({ code: 'SQL_REFUSED' });
  });

  it.each([
    "SELECT * FROM '/etc/passwd'",
    'SELECT * FROM "/etc/passwd"',
    "SELECT * FROM '/etc/*.csv'",
    "FROM 'https://example.org/x.parquet'",
    'SELECT * FROM information_schema.tables',
    'SELECT * FROM sqlite_master',
    'SELECT * FROM duckdb_views',
    'SELECT * FROM pg_catalog.pg_class',
    'SELECT * FROM nowhere',
    'SELECT nothing FROM orders',
    'SELEC 1',
    'WITH "/etc/passwd" AS (SELECT 1 AS x) SELECT * FROM "/etc/passwd"',
    'WITH "x.csv" AS (SELECT 1) SELECT * FROM "x.csv"',
    'SELECT $1',
    "SELECT cast('x' AS INTEGER)",
    'WITH orders3 AS (SELECT 1) SELECT * FROM shop.orders3',
  ])('fails %s', async (sql) => {
    await expect(run(sql)).rejects.toMatchObject({ code: 'SQL_FAILED' });
  });

  it('reads no file of the warehouse past its tables', async () => {
    await expect(run(`SELECT * FROM read_parquet('${path()}')`)).rejects.toMatchObject({
      code: 'SQL_REFUSED',
    });
    await expect(run(`SELECT * FROM '${path()}'`)).rejects.toMatchObject({ code: 'SQL_FAILED' });
    await expect(run(`WITH "${dataFile}" AS (SELECT 1) SELECT * FROM "${dataFile}"`)).rejects.toMatchObject({
      code: 'SQL_FAILED',
    });
  });

  it('reads no data file outside the warehouse, even where a table names one', async () => {
    const { metadata } = await warehouse.load(shop('orders'));
    const outside = { ...metadata, location: warehouse.storage.location(join(warehouse.root, 'outside')) };
    await warehouse.create({ schema: 'bad', table: 'escape' }, [column('id', 'long')]);
    const { connection, storage } = warehouse;
    const { writeDataFiles } = await import('../duckdb/parquet-write.ts');
    const add = await writeDataFiles(connection, storage, {
      select: 'SELECT 1',
      fields: [{ id: 1, name: 'id', required: false, type: 'long' }],
      folder: storage.join(outside.location, 'data'),
    });
    await warehouse.commit({ schema: 'bad', table: 'escape' }, { add });
    await expect(run('SELECT * FROM bad.escape')).rejects.toMatchObject({ code: 'SQL_REFUSED' });
  });

  it('ends a query that takes too long, and one that is called off', async () => {
    const slow = 'SELECT sum(hash(a.range + b.range)) FROM range(100000000) a, range(100000000) b';
    await expect(run(slow, 0, 300)).rejects.toMatchObject({ code: 'SQL_LIMIT' });
    const stop = new AbortController();
    const running = service.query(slow, { limit: 0, timeoutMs: 20_000, signal: stop.signal });
    setTimeout(() => stop.abort(new Error('gone')), 100);
    await expect(running).rejects.toThrow('gone');
    await expect(
      run('WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r', 0, 500),
    ).rejects.toMatchObject({ code: 'SQL_LIMIT' });
  });

  it('ends a query that takes too much memory, disk or result', async () => {
    await expect(
      run('SELECT md5(range::VARCHAR) m FROM range(20000000) ORDER BY m', 1),
    ).rejects.toMatchObject({ code: 'SQL_LIMIT' });
    await expect(
      run("SELECT string_agg(repeat('x', 1000), '') FROM range(1000000)", 1),
    ).rejects.toMatchObject({ code: 'SQL_LIMIT' });
    await expect(run('SELECT repeat(md5(range::VARCHAR), 10) FROM range(100000)')).rejects.toMatchObject({
      code: 'SQL_LIMIT',
    });
  });

  it('runs so many at a time, lets some wait, and turns the rest away', async () => {
    const started = Array.from({ length: 5 }, () => run('SELECT count(*) FROM orders'));
    const ended = await Promise.allSettled(started);
    expect(
      ended.map((one) => (one.status === 'fulfilled' ? 'ok' : (one.reason as { code: string }).code)),
    ).toEqual(['ok', 'ok', 'ok', 'SQL_LIMIT', 'SQL_LIMIT']);
    expect((await run('SELECT 1')).rows).toEqual([[1]]);
  });
});

describe('table info', () => {
  it('lists, describes, counts and tells the history', async () => {
    await writeFile(join(warehouse.root, 'no-metadata.json'), 'not json');
    const name = shop('broken');
    await warehouse.catalog.commit([
      {
        name,
        from: null,
        to: warehouse.storage.location(join(warehouse.root, 'no-metadata.json')),
        uuid: 'x',
      },
    ]);
    const list = await listTables(warehouse.catalog, warehouse.storage);
    expect(list.find((one) => one.table === 'orders')).toMatchObject({
      schema: 'shop',
      rows: 990,
      dataFiles: 1,
      deleteFiles: 1,
    });
    expect(list.find((one) => one.table === 'broken')).toHaveProperty('error');
    const loaded = await warehouse.load(shop('orders'));
    expect(describeTable(loaded).columns).toEqual([
      { name: 'id', type: 'long', required: true, key: true, id: 1, doc: null },
      { name: 'total', type: 'decimal(12, 2)', required: false, key: false, id: 2, doc: null },
    ]);
    expect(await tableStats(warehouse.storage, loaded.metadata)).toMatchObject({
      rows: 990,
      deletedRows: 10,
      snapshots: 2,
      columns: [
        { name: 'id', nulls: 0 },
        { name: 'total', nulls: 0 },
      ],
    });
    const history = tableHistory(loaded.metadata);
    expect(history.map((one) => [one.operation, one.rows, one.current])).toEqual([
      ['delete', 990, true],
      ['append', 1000, false],
    ]);
    expect(history[0]?.summary['sluice.position']).toBe('0/1');
    expect(history[0]?.parentId).toBe(history[1]?.snapshotId);
  });
});

import type { MergeReport, ReportedVirtualTable } from '@sluice/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../demo/api.ts';
import { mergeReportText } from '../../server/src/cli/commands/merge-report-text.ts';
import { TestLake } from '../support/lake.ts';
import { sharedMysql, type TestMysqlDatabase } from '../support/mysql.ts';
import { sharedPostgres, type TestConnection, type TestDatabase } from '../support/postgres.ts';

let lake: TestLake;
let api: Api;
let postgres: readonly TestDatabase[];
let mysql: readonly TestMysqlDatabase[];
let mariadb: TestMysqlDatabase;

async function addSource(name: string, type: string, connection: TestConnection): Promise<void> {
  const { sslmode: _, ...rest } = connection;
  await api.post('/data-sources', { name, type, ...rest });
}

beforeAll(async () => {
  lake = await TestLake.start();
  api = await lake.api();
  postgres = await Promise.all([sharedPostgres().createDatabase(), sharedPostgres().createDatabase()]);
  mysql = await Promise.all([sharedMysql('mysql').createDatabase(), sharedMysql('mysql').createDatabase()]);
  mariadb = await sharedMysql('mariadb').createDatabase();
  await addSource('pg', 'postgres', postgres[0]!.connection);
  await addSource('my0', 'mysql', mysql[0]!.connection);
  await addSource('my1', 'mysql', mysql[1]!.connection);
  await addSource('maria', 'mariadb', mariadb.connection);
  await api.post('/folders', { name: 'f' });
}, 120_000);
afterAll(async () => {
  await lake?.[Symbol.asyncDispose]();
  for (const database of [...(postgres ?? []), ...(mysql ?? []), ...(mariadb ? [mariadb] : [])])
    await database[Symbol.asyncDispose]();
});

async function draft(name: string, spec: object): Promise<void> {
  await api.post('/tasks', { name, folder: 'f', spec: { pipelineType: 2, ...spec } });
}
const report = (name: string): Promise<MergeReport> => api.get<MergeReport>(`/tasks/${name}/merge-report`);
const refused = (table: ReportedVirtualTable | undefined): string[] =>
  table?.refusals.map(({ kind, message }) => `${kind} ${message.replace(/^[^:]*: /, '')}`) ?? [];

describe('the report of a merge', () => {
  it('has the shards of each database of PostgreSQL, what differs and the merged schema; then it is published', async () => {
    const [a, b] = [postgres[0]!, postgres[1]!];
    await a.query(`CREATE SCHEMA s; CREATE TABLE s.orders_0 (id int PRIMARY KEY, amount numeric(10,2) NOT NULL, at date);
      CREATE TABLE s.orders_1 (id bigint PRIMARY KEY, amount numeric(8,4) NOT NULL, note varchar(20));
      CREATE TABLE s.orders_1_old (id text PRIMARY KEY); CREATE TABLE s.other (x int)`);
    await b.query('CREATE TABLE orders_2 (note text, id int PRIMARY KEY, amount int NOT NULL)');
    await draft('pg-orders', {
      sources: [{ dataSource: 'pg', server: 'eu' }],
      virtualTables: [
        {
          name: 'orders',
          target: { schema: 'lake', table: 'orders' },
          shards: { by: 'rules', rules: [{ database: `${a.name}|${b.name}`, table: 'orders_\\d' }] },
          extendedFields: [
            { part: 'server', name: '_server' },
            { part: 'database', name: '_db' },
          ],
          extendedKey: true,
        },
      ],
    });
    const found = await report('pg-orders');
    expect(found.passed).toBe(true);
    const names = [a.name, b.name].sort();
    expect(found.sources).toMatchObject([
      {
        server: 'eu',
        dataSource: { name: 'pg' },
        databases: names.map((name) =>
          name === a.name ? { name, tables: 4, matched: 2 } : { name, matched: 1 },
        ),
      },
    ]);
    const [orders] = found.virtualTables;
    expect(
      new Set(orders?.shards.map(({ database, schema, table }) => `${database}.${schema}.${table}`)),
    ).toEqual(new Set([`${a.name}.s.orders_0`, `${a.name}.s.orders_1`, `${b.name}.public.orders_2`]));
    expect(
      new Set(orders?.columns.map((one) => `${one.name} ${one.type} ${one.nullable} ${one.inKey}`)),
    ).toEqual(
      new Set([
        'id long false true',
        'amount decimal(14, 4) false false',
        'at date true false',
        'note string true false',
        '_server string false true',
        '_db string false true',
      ]),
    );
    const amount = orders?.differences.find(({ column }) => column === 'amount');
    expect(amount?.merged).toEqual({ type: 'decimal(14, 4)', nullable: false });
    expect(amount?.definitions.map(({ native, shards }) => `${native} ${shards.names}`).sort()).toEqual([
      `integer eu/${b.name}.public.orders_2`,
      `numeric(10,2) eu/${a.name}.s.orders_0`,
      `numeric(8,4) eu/${a.name}.s.orders_1`,
    ]);
    const at = orders?.differences.find(({ column }) => column === 'at');
    expect(at?.missingIn).toMatchObject({ count: 2 });
    expect(mergeReportText(found)).toContain('The shards go together exactly.');

    expect(await api.post('/tasks/pg-orders/publish')).toMatchObject({ version: 1 });
    expect(await api.get('/tasks/pg-orders/status')).toMatchObject({ state: 'stopped', publishedVersion: 1 });
    await expect(api.call('DELETE', '/data-sources/pg')).rejects.toMatchObject({ code: 'CONFLICT' });
    await api.post('/tasks/pg-orders/undeploy', { confirm: true });
    expect(await api.get('/tasks/pg-orders/status')).toMatchObject({ state: 'draft' });
  }, 60_000);

  it('names every refusal with its shards, for servers of MySQL and MariaDB, and nothing is published', async () => {
    const [a, b] = [mysql[0]!, mysql[1]!];
    await a.query('CREATE TABLE t_0 (id int PRIMARY KEY, flag tinyint(1), v varchar(10), d datetime(6))');
    await a.query('CREATE TABLE k_0 (id int PRIMARY KEY, x int)');
    await a.query('CREATE TABLE alone (id int PRIMARY KEY)');
    await b.query('CREATE TABLE t_1 (id int PRIMARY KEY, flag int, v text, d date)');
    await b.query('CREATE TABLE k_1 (id int, x int, PRIMARY KEY (x, id))');
    await mariadb.query('CREATE TABLE t_2 (id bigint unsigned PRIMARY KEY, Flag int, v int)');
    await mariadb.query('CREATE TABLE k_2 (id varchar(9) PRIMARY KEY, x int)');
    const table = (name: string, pattern: string, more: object = {}) => ({
      name,
      target: { schema: 'lake', table: name },
      shards: { by: 'rules', rules: [{ table: pattern }] },
      ...more,
    });
    const sources = ['my0', 'my1', 'maria'].map((dataSource) => ({ dataSource }));
    await draft('refused', {
      sources,
      virtualTables: [
        table('t', 't_\\d', { extendedFields: [{ part: 'table', name: 'V' }] }),
        table('k', 'k_\\d'),
        table('twin', 't_0|alone'),
        table('none', 'nothing'),
        table('listed', '', {
          shards: {
            by: 'tables',
            tables: [
              { server: 'my0', database: a.name, table: 'alone' },
              { server: 'my0', database: a.name, table: 'gone' },
            ],
          },
        }),
      ],
    });
    const found = await report('refused');
    expect(found.passed).toBe(false);
    const [t, k, twin, none, listed] = found.virtualTables;
    const [t0, t1, t2] = [`my0/${a.name}.t_0`, `my1/${b.name}.t_1`, `maria/${mariadb.name}.t_2`];
    expect(refused(t)).toEqual([
      `shard shared ${t0} belongs to twin too.`,
      `invalid modify column flag is tinyint(1) (boolean) in ${t0} and int (int) in ${t1}; no type holds the values of both exactly.`,
      expect.stringMatching(/^invalid modify column v is varchar\(10\) .* and int\(11\) \(int\) in maria/),
      `invalid modify column d is datetime(6) (timestamp) in ${t0} and date (date) in ${t1}; no type holds the values of both exactly.`,
      `column name case the column is called flag in ${t0} and Flag in ${t2}; query engines take these for one.`,
      `extended field collision the extended field V (table) has the name of the column v of ${t0}.`,
    ]);
    expect(t?.columns.find(({ name }) => name === 'id')).toMatchObject({
      type: 'decimal(20, 0)',
      inKey: true,
    });
    expect(refused(k)).toEqual([
      `pk column different my0/${a.name}.k_0 has the key id, my1/${b.name}.k_1 has the key id, x.`,
      expect.stringMatching(
        /^pk column type mismatch id is int \(int\) in my0\/.* and varchar\(9\) .* in maria\//,
      ),
    ]);
    expect(refused(twin)).toEqual([
      `shard shared my0/${a.name}.alone belongs to listed too.`,
      `shard shared ${t0} belongs to t too.`,
    ]);
    expect(none?.refusals).toMatchObject([{ kind: 'nothing matched' }]);
    expect(refused(listed)).toEqual([
      `shard missing There is no source table my0/${a.name}.gone.`,
      `shard shared my0/${a.name}.alone belongs to twin too.`,
    ]);
    expect(mergeReportText(found)).toContain('✗ pk column different');
    await expect(api.post('/tasks/refused/publish')).rejects.toMatchObject({ code: 'MERGE_REFUSED' });

    // A parameter says how a tinyint(1) is read.
    const flags = {
      pipelineType: 2,
      sources: sources.slice(0, 2),
      parameters: { tinyint1: 'int' },
      virtualTables: [table('flags', 't_[01]')],
    };
    await api.call('PUT', '/tasks/refused/draft', flags);
    expect(
      refused((await report('refused')).virtualTables[0]).map((text) => text.split(' is ', 1)[0]),
    ).toEqual(['invalid modify column d']);
  }, 60_000);

  it('says which server cannot be read, and goes on with the others', async () => {
    await mysql[0]!.query('CREATE TABLE lone (id int PRIMARY KEY)');
    await addSource('dead', 'mysql', { ...mysql[0]!.connection, port: 1 });
    await draft('half', {
      sources: [
        { dataSource: 'dead' },
        { dataSource: 'my0' },
        { dataSource: 'my1', databases: ['not there'] },
      ],
      virtualTables: [
        {
          name: 'x',
          target: { schema: 'lake', table: 'x' },
          shards: { by: 'rules', rules: [{ table: 'lone' }] },
        },
      ],
    });
    const found = await report('half');
    expect(found.passed).toBe(false);
    expect(found.sources).toMatchObject([
      { server: 'dead', error: { code: 'SOURCE_UNREACHABLE' }, databases: [] },
      { server: 'my0', error: null, databases: [{ matched: 1, error: null }] },
      {
        server: 'my1',
        databases: [{ name: 'not there', error: { code: expect.stringMatching(/^SOURCE_/) } }],
      },
    ]);
    expect(found.virtualTables[0]?.shards).toHaveLength(1);
    await expect(api.post('/tasks/half/publish')).rejects.toMatchObject({ code: 'MERGE_REFUSED' });
  }, 60_000);

  it('takes virtual tables from CSV and YAML', async () => {
    await mysql[1]!.query('CREATE TABLE file_1 (id int PRIMARY KEY)');
    const head = 'server,table,database,virtual_table,target_table,target_schema';
    const csv = `${head}\r\nuno,file_1,${mysql[1]!.name},listed,filed,lake\r\n`;
    const file = { format: 'csv', text: csv, extendedFields: [{ part: 'server', name: '_server' }] };
    const sources = [{ dataSource: 'my1', server: 'uno' }];
    await draft('filed', { sources, virtualTableFile: file });
    const one = await report('filed');
    expect(one).toMatchObject({
      passed: true,
      virtualTables: [{ name: 'listed', shards: [{ server: 'uno' }] }],
    });
    expect(one.virtualTables[0]?.columns.map(({ name }) => name)).toEqual(['id', '_server']);
    const yaml = `virtualTables:
  - name: ruled
    target: { schema: lake, table: ruled }
    shards: { by: rules, rules: [{ table: 'file_\\d' }] }
`;
    await api.call('PUT', '/tasks/filed/draft', {
      pipelineType: 2,
      sources,
      virtualTableFile: { format: 'yaml', text: yaml },
    });
    expect(await report('filed')).toMatchObject({
      passed: true,
      virtualTables: [{ name: 'ruled', shards: [{ table: 'file_1' }] }],
    });
  }, 60_000);

  it('is of merges only', async () => {
    await api.post('/tasks', { name: 'mirror', folder: 'f', spec: { dataSource: 'pg', database: 'x' } });
    await expect(report('mirror')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });
});

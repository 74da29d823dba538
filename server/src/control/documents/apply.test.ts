import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AppliedTasks } from '@sluice/contract';
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { sharedPostgres, type TestDatabase } from '../../../../tests/support/postgres.ts';
import { runCommandLine } from '../../cli/program.ts';
import { type RunningServer, startServer } from '../../serve.ts';
import { dataDirLayout, openToken } from '../../store/data-dir.ts';

const runnerScript = fileURLToPath(new URL('../../../dist/sync/runner.js', import.meta.url));
const PASSWORD = 'do-not-write-me';

let folder: string;
let database: TestDatabase;
let server: RunningServer;
let env: Record<string, string>;

beforeAll(async () => {
  expect(existsSync(runnerScript), 'needs the build: npm run build').toBe(true);
  folder = await mkdtemp(join(tmpdir(), 'sluice-apply-'));
  database = await sharedPostgres().createDatabase();
  await database.query('CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE items (id int PRIMARY KEY)');
  const log = pino({ level: 'silent' });
  server = await startServer({ dataDir: join(folder, 'data'), port: 0, log, runnerScript });
  env = { SLUICE_URL: server.url, SLUICE_TOKEN: await openToken(dataDirLayout(server.dataDir)) };
  const { host, port, username, password } = database.connection;
  const to = ['--host', host, '--port', String(port), '--username', username, '--database', database.name];
  await sluice(['datasource', 'create', 'shop', ...to, '--password-stdin'], password);
  await sluice(['datasource', 'create', 'other', ...to, '--password-stdin'], PASSWORD);
  await sluice(['task', 'create-folder', 'f']);
}, 60_000);
afterAll(async () => {
  await server?.close();
  await database?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** @throws the error's code and message */
async function sluice(argv: string[], stdin = ''): Promise<string> {
  let out = '';
  let err = '';
  const code = await runCommandLine(argv, {
    env,
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
    stdinIsTerminal: false,
    write: (text) => {
      out += text;
    },
    note: (text) => {
      err += text;
    },
    readStdin: async () => stdin,
    ask: async () => false,
    line: async () => '',
    interrupted: () => new AbortController().signal,
  });
  if (code === 0) return out;
  const { error } = JSON.parse(err) as { error: { code: string; message: string } };
  throw new Error(`${error.code}: ${error.message}`);
}
const data = async <T>(argv: string[], stdin?: string): Promise<T> =>
  (JSON.parse(await sluice(argv, stdin)) as { data: T }).data;
const apply = (yaml: string, ...options: string[]) =>
  data<AppliedTasks>(['task', 'apply', '-f', '-', ...options], yaml);
const names = async () => (await data<{ name: string }[]>(['task', 'list'])).map(({ name }) => name);

const mirror = (name: string, more = '') => `---
name: ${name}
folder: f
pipelineType: 3
dataSource: shop
database: ${database.name}
${more}`;

beforeEach(async () => {
  for (const name of await names()) {
    await sluice(['task', 'undeploy', name, '-y']).catch(() => {});
    await sluice(['task', 'delete', name, '-y']);
  }
});

it('what was exported changes nothing when it is applied, for every pipeline type', async () => {
  const source = ['--folder', 'f', '--source', 'shop', '--database', database.name];
  await sluice(['task', 'create-realtime-sync', 'whole', ...source, '--set', 'infinite_dates=null']);
  await sluice([
    'task',
    'create-realtime-sync',
    'some',
    ...source,
    '--tables',
    'public.orders',
    '--sync-mode',
    '2',
  ]);
  await sluice([
    ...['task', 'create-merge-sync', 'merged', '--folder', 'f', '--source', 'shop', '--source', 'other=eu'],
    ...[
      '--match',
      'table=orders.*',
      '--target',
      'lake.orders',
      '--extended-field',
      'server=_s',
      '--extended-key',
    ],
  ]);
  const before = await data(['task', 'list']);
  const yaml = await sluice(['task', 'export', '--folder', 'f']);
  expect(yaml.match(/^---$/gm)).toHaveLength(3);
  expect(yaml).not.toMatch(/password:|do-not-write-me|dataSource: \d/);
  const { tasks } = await apply(yaml);
  expect(tasks).toEqual(
    ['merged', 'some', 'whole'].map((name) => ({ name, action: 'unchanged', changes: [], published: null })),
  );
  expect(await data(['task', 'list'])).toEqual(before);
  expect(await sluice(['task', 'export', '--all'])).toBe(yaml);
  // To another name and folder: another task with the same draft.
  const copied = yaml.replaceAll(/^name: /gm, 'name: copy-').replaceAll(/^folder: f$/gm, 'folder: copies');
  expect(await apply(copied)).toMatchObject({
    foldersMade: ['copies'],
    tasks: [{ action: 'created' }, {}, {}],
  });
  expect(await sluice(['task', 'export', '--folder', 'copies'])).toBe(
    copied.replaceAll('The task ', 'The task copy-'),
  );
}, 60_000);

it('publishes what is new, says what differs, and nothing when nothing is', async () => {
  const one = mirror('a', 'parameters: { commit_interval: 1s }\n');
  expect(await apply(one + mirror('b'), '--publish', '--dry-run')).toMatchObject({
    dryRun: true,
    tasks: [
      { name: 'a', action: 'created', published: { version: null } },
      { name: 'b', action: 'created', published: { version: null } },
    ],
  });
  expect(await names()).toEqual([]);
  await apply(one + mirror('b'), '--publish');
  expect(await apply(one, '--publish')).toMatchObject({ tasks: [{ action: 'unchanged', published: null }] });
  const other = one
    .replace('1s', '2s')
    .replace('pipelineType: 3', 'pipelineType: 1\ntables: [{ schema: public, table: orders }]');
  const changes = [
    { at: 'tables', before: null, after: '{"schema":"public","table":"orders"}' },
    { at: 'pipelineType', before: '3', after: '1' },
    { at: 'parameters.commit_interval', before: '1s', after: '2s' },
  ];
  const applied = await apply(other);
  expect(applied).toMatchObject({ tasks: [{ action: 'changed', published: null }] });
  expect(applied.tasks[0]!.changes).toHaveLength(3);
  expect(applied.tasks[0]!.changes).toEqual(expect.arrayContaining(changes));
  // The draft is that already; the version is not.
  expect(await apply(other, '--publish')).toMatchObject({
    tasks: [{ action: 'unchanged', changes: [], published: { version: 2 } }],
  });
  expect(await sluice(['task', 'export', 'a', '--version', '1'])).toContain('commit_interval: 1s');
  expect((await data<{ changes: object[] }>(['task', 'diff', 'a', '1', '2'])).changes).toEqual(
    expect.arrayContaining(changes),
  );
  expect(await data(['task', 'diff', 'a'])).toEqual({ from: 2, to: 'draft', changes: [] });
  await expect(sluice(['task', 'diff', 'a', '1', '9'])).rejects.toThrow(
    'NOT_FOUND: The task a has no version 9.',
  );
  expect(await sluice(['task', 'diff', 'a', '2', '1', '--format', 'table'])).toContain(
    'version 2 → version 1:\n',
  );
}, 60_000);

it('does all of a file or nothing of it', async () => {
  await apply(mirror('a'), '--publish');
  const changed = mirror('a', 'syncMode: 2\n');
  const refused = async (yaml: string, ...options: string[]) => {
    const before = await data(['task', 'list']);
    const message = await apply(yaml, ...options).then(
      () => 'it was applied',
      (error: Error) => error.message,
    );
    expect(await data(['task', 'list'])).toEqual(before);
    return message;
  };
  expect(
    await refused(
      `${changed}${mirror('b').replace('shop', 'nobody')}${mirror('c').replace('shop', 'no-one')}`,
    ),
  ).toBe(
    'NOT_FOUND: The file cannot be applied:\n  line 9, task "b": There is no data source "nobody".\n  line 15, task "c": There is no data source "no-one".',
  );
  expect(await refused(changed + mirror('b', 'vcluster: fast\n'))).toContain('There is no VCluster "fast"');
  expect(await refused(changed + mirror('b', 'more: 1\n'))).toContain(
    'line 14, column 1: more is not known here',
  );
  const missing = mirror('b').replace(
    'pipelineType: 3',
    'pipelineType: 1\ntables: [{ schema: public, table: gone }]',
  );
  expect(await refused(changed + missing, '--publish')).toMatch(
    /^NO_TABLES: .*task "b".*no table public\.gone/,
  );
  expect(await refused(changed + missing, '--publish', '--dry-run')).toMatch(/^NO_TABLES/);
  const elsewhere = mirror('a').replace('shop', 'other');
  expect(await refused(elsewhere + mirror('b'), '--publish')).toMatch(
    /^CONFLICT: .*line 2, task "a".*another data source/,
  );
  const file = join(folder, 'tasks.yaml');
  await writeFile(file, changed);
  expect(await data<AppliedTasks>(['task', 'apply', '-f', file])).toMatchObject({
    tasks: [{ action: 'changed' }],
  });
  await expect(sluice(['task', 'apply', '-f', join(folder, 'none.yaml')])).rejects.toThrow(
    /^USAGE.*cannot be read/,
  );
  await expect(sluice(['task', 'export'])).rejects.toThrow(/^USAGE/);
}, 60_000);

it('a task takes its tables, and names of their targets, from a file', async () => {
  const file = join(folder, 'tables.csv');
  const create = (...more: string[]) =>
    data<{ draft: object }>([
      ...['task', 'create-realtime-sync', 'listed', '--folder', 'f', '--source', 'shop'],
      ...['--database', database.name, '--tables-file', file, ...more],
    ]);
  await writeFile(
    file,
    'schema,table,target_table\npublic,orders,sales\npublic,gone,\npublic,items,\nlost,items,\n',
  );
  await expect(create()).rejects.toThrow(
    `NO_TABLES: The database ${database.name} lacks tables of the file:\n  line 3: there is no table public.gone\n  line 5: there is no table lost.items`,
  );
  await writeFile(file, 'schema,table,target_table\npublic,,x\norders\n');
  await expect(create()).rejects.toThrow(
    /^INVALID_REQUEST: The file cannot be read:\n {2}line 2: no table\n {2}line 3: 1 field/,
  );
  expect(await names()).toEqual([]);
  await writeFile(file, 'schema,table,target_table\npublic,orders,sales\npublic,items,\n');
  await expect(create('--tables', 'public.orders')).rejects.toThrow(/^USAGE/);
  const tables = [
    { schema: 'public', table: 'orders', target: { table: 'sales' } },
    { schema: 'public', table: 'items' },
  ];
  expect((await create()).draft).toMatchObject({ pipelineType: 1, tables });
  const yaml = await sluice(['task', 'export', 'listed']);
  expect(yaml).toContain('  - { schema: public, table: orders, target: { table: sales } }\n');
  expect(await apply(yaml)).toMatchObject({ tasks: [{ action: 'unchanged' }] });
  // Another target is a change of that table, not another table.
  expect((await apply(yaml.replace('table: sales', 'table: sold'))).tasks[0]!.changes).toEqual([
    { at: 'tables[public.orders].target.table', before: 'sales', after: 'sold' },
  ]);
}, 60_000);

it('says of a task that runs what counts now and what waits', async () => {
  const some = (more: string, ...tables: string[]) =>
    mirror(
      'a',
      `tables: [${tables.map((table) => `{ schema: public, table: ${table} }`).join(', ')}]\n${more}`,
    ).replace('pipelineType: 3', 'pipelineType: 1');
  await apply(some('', 'orders'), '--publish');
  await sluice(['task', 'start', 'a']);
  await sluice(['task', 'wait', 'a', '--for', 'incremental']);
  const published = async (yaml: string) => (await apply(yaml, '--publish')).tasks[0]!.published;
  expect(await published(some('', 'orders', 'items'))).toEqual({ version: 2, takesEffect: 'now', waits: [] });
  const waiting = some('targetSchema: lake\n', 'orders', 'items');
  expect(await sluice(['task', 'apply', '-f', '-', '--publish', '--format', 'table'], waiting)).toBe(
    '~ a: changed, published as version 3, which counts at the next start (targetSchema)\n    ~ targetSchema: {SOURCE_SCHEMA} → lake\n',
  );
  await sluice(['task', 'stop', 'a']);
}, 120_000);

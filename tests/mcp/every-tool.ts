import { expect } from 'vitest';
import type { TestDatabase } from '../support/postgres.ts';
import type { Agent } from './agent.ts';

interface Paged<T> {
  readonly items: readonly T[];
  readonly total: number;
}
interface Order {
  readonly outcome: string;
  readonly state: string;
}
interface Ids {
  readonly id: number;
}

/** A mirror's whole life by an agent's hands, with every tool there is. */
export async function everyTool(agent: Agent, database: TestDatabase): Promise<void> {
  await database.query(`CREATE TABLE orders (id int PRIMARY KEY, amount int NOT NULL);
    CREATE TABLE items (id int PRIMARY KEY, name text); CREATE TABLE logs (id int PRIMARY KEY, line text);
    INSERT INTO orders SELECT i, i FROM generate_series(1, 500) i; INSERT INTO items VALUES (1, 'a'), (2, 'b')`);
  await look(agent, database);
  const task = await configure(agent, database);
  await run(agent, database, task);
  await orders(agent, database, task);
  await compare(agent, database, task);
  await trouble(agent, database, task);
  await end(agent, task);
}

async function look(agent: Agent, { connection }: TestDatabase): Promise<void> {
  await agent.call('get_server_status');
  expect(await agent.call<Paged<object>>('LH_show_object_list', { object_type: 'VCLUSTERS' })).toMatchObject({
    items: [{ name: 'default_sync', type: expect.stringContaining('SYNC') }],
  });
  const { sslmode, ...place } = connection;
  const made = { ...place, type: 'postgres', sslmode };
  const { id } = await agent.call<Ids>('create_data_source', { ...made, name: 'shop' });
  await agent.call('create_data_source', { ...made, name: 'spare' });
  await agent.call('update_data_source', { datasource_id: 'spare', name: 'unused' });
  expect(
    (await agent.call<Paged<Ids>>('list_data_sources', { ds_type: 7, name: 'SHOP' })).items.map(
      (one) => one.id,
    ),
  ).toEqual([id]);
  expect(await agent.call<Paged<object>>('list_data_sources', { ds_type: 1 })).toMatchObject({ total: 1 });
  await agent.agree('delete_data_source', { datasource_id: 'unused' }, /deletes the data source unused/);
  expect(await agent.refused('test_data_source', { datasource_id: 'unused' })).toMatchObject({
    code: 'NOT_FOUND',
  });
  await agent.call('test_data_source', { datasource_id: id });
  expect(await agent.call('check_cdc', { datasource_id: id, database: connection.database })).toMatchObject({
    passed: true,
  });
  const namespaces = await agent.call<Paged<{ name: string }>>('list_namespaces', {
    datasource_id: id,
    limit: 1000,
  });
  expect(namespaces.items.map(({ name }) => name)).toContain(connection.database);
  const place1 = { datasource_id: id, namespace: connection.database };
  expect(await agent.call('list_metadata_objects', { ...place1, limit: 1, offset: 1 })).toMatchObject({
    items: [{ schema: 'public', table: 'logs' }],
    total: 3,
    nextOffset: 2,
  });
  expect(await agent.call('get_metadata_detail', { ...place1, object_name: 'orders' })).toMatchObject({
    key: ['id'],
  });
  expect(
    await agent.call('sample_metadata_object', { ...place1, object_name: 'items', limit: 1 }),
  ).toMatchObject({ columns: ['id', 'name'], rows: [['1', 'a']] });
}

async function configure(agent: Agent, { connection }: TestDatabase): Promise<number> {
  const folder = await agent.call<Ids>('create_folder', { name: 'agents' });
  await agent.call('create_folder', { name: 'empty' });
  await agent.agree('delete_folder', { data_folder_id: 'empty' }, /deletes the folder empty/);
  expect(await agent.call<Paged<object>>('list_folders')).toMatchObject({ items: [{ name: 'agents' }] });
  const made = await agent.call<{ task_id: number; draft: null }>('create_task', {
    task_name: 'mirror',
    data_folder_id: folder.id,
    task_type: 281,
  });
  const { task_id } = made;
  expect(made.draft).toBe(null);
  expect(await agent.refused('publish_task', { task_id })).toMatchObject({ code: 'CONFLICT' });
  expect(await agent.refused('save_task_configuration', { task_id })).toMatchObject({ code: 'CONFLICT' });
  const save = (tables: readonly string[], more: object) =>
    agent.call<{ draft: { tables: { table: string }[] } }>('save_cdc_realtime_task', {
      data_file_id: task_id,
      pipeline_type: 1,
      source_datasource_list: [{ datasourceId: 'shop', datasourceType: 7 }],
      sync_object_list: tables.map((tableName) => ({ schemaName: 'public', tableName })),
      target_datasource: { datasourceId: 0, datasourceType: 1 },
      sync_mode: 1,
      ...more,
    });
  await save(['logs'], { save_mode: 2 });
  await save(['orders'], { save_mode: 1 });
  expect((await save(['items'], { save_mode: 2 })).draft.tables.map(({ table }) => table)).toEqual([
    'orders',
    'items',
  ]);
  const parameters = { commit_interval: '200ms', discover_interval: '1s', full_load_concurrency: '1' };
  await agent.call('save_task_configuration', { task_id, parameters, vcluster: 'default_sync' });
  const configured = await agent.call<{ task_version: number; draft: object; studio_url: string }>(
    'get_task_detail',
    {
      task_id,
    },
  );
  // Its page for a person: Studio itself is there, whatever the place.
  const page = await fetch(configured.studio_url);
  expect([page.status, new URL(configured.studio_url).pathname]).toEqual([200, '/tasks/mirror']);
  expect(await page.text()).toContain('<div id="root"');
  expect(configured).toMatchObject({ task_version: 0, draft: { database: connection.database, parameters } });
  expect(await agent.refused('publish_task', { task_id, task_version: 7 })).toMatchObject({
    code: 'CONFLICT',
  });
  expect(await agent.call('publish_task', { task_id, task_version: 0 })).toMatchObject({ version: 1 });
  expect(await agent.call('list_task_versions', { task_id })).toMatchObject({ total: 1 });
  expect(await agent.call('list_tasks', { data_folder_id: 'agents' })).toMatchObject({
    items: [{ name: 'mirror', state: 'stopped' }],
  });
  await agent.call('save_task_configuration', { task_id, parameters: { full_load_concurrency: null } });
  expect(await agent.call('diff_task', { task_id })).toMatchObject({
    changes: [{ at: 'parameters.full_load_concurrency', after: null }],
  });
  const { yaml } = await agent.call<{ yaml: string }>('export_task', { task_id });
  expect(yaml).toContain('mirror');
  expect(await agent.call('apply_tasks', { yaml, publish: true })).toMatchObject({
    tasks: [{ name: 'mirror', published: { version: 2 } }],
  });
  return task_id;
}

async function run(agent: Agent, database: TestDatabase, task_id: number): Promise<void> {
  const start = await agent.call<Ids & { startMode: string }>('start_task', { task_id });
  expect(start.startMode).toBe('resume');
  expect(await agent.call('wait_task', { task_id, for: 'caught-up', wait_seconds: 60 })).toMatchObject({
    reached: true,
  });
  expect(await agent.call('get_task_status', { task_id })).toMatchObject({
    state: 'running',
    phase: 'incremental',
  });
  expect(await agent.call('list_task_tables', { task_id, limit: 1 })).toMatchObject({
    total: 2,
    nextOffset: 1,
  });
  expect(await agent.call('list_table_exceptions', { task_id })).toMatchObject({ total: 0 });
  await database.query('UPDATE orders SET amount = 0 WHERE id <= 100');
  await agent.call('wait_task', { task_id, for: 'caught-up' });
  expect(
    await agent.call('sql', { sql: 'SELECT count(*)::int FROM public.orders WHERE amount = 0' }),
  ).toMatchObject({ rows: [[100]] });
  expect(await agent.refused('sql', { sql: 'DROP TABLE public.orders' })).toMatchObject({
    code: 'SQL_REFUSED',
  });
  for (const tool of ['describe_lake_table', 'get_lake_table_stats', 'list_lake_table_snapshots'])
    await agent.call(tool, { schema_name: 'public', table_name: 'orders' });
  expect(
    await agent.call('LH_show_object_list', { object_type: 'TABLES', schema_name: 'public' }),
  ).toMatchObject({ total: 2 });
  expect(await agent.call('LH_show_object_list', { object_type: 'SCHEMAS' })).toMatchObject({
    items: [{ name: 'public', tables: 2 }],
  });
  const runs = await agent.call<Paged<Ids>>('list_task_run', { task_id });
  expect(runs.items.map(({ id }) => id)).toEqual([start.id]);
  const executions = await agent.call<Paged<Ids>>('list_executions', { run_id: start.id });
  const log = await agent.call<{ lines: string[] }>('get_execution_log', {
    execution_id: executions.items[0]?.id,
  });
  expect(log.lines.length).toBeGreaterThan(0);
}

async function orders(
  agent: Agent,
  { query }: { query: TestDatabase['query'] },
  task_id: number,
): Promise<void> {
  const one = { task_id, tables: ['public.orders'] };
  const settled = async () => {
    expect(await agent.call('wait_task', { task_id, for: 'caught-up' })).toMatchObject({ reached: true });
  };
  expect(await agent.call<Order[]>('pause_table', one)).toMatchObject([{ state: 'paused' }]);
  await query('UPDATE orders SET amount = 1 WHERE id <= 100');
  expect(await agent.call<Order[]>('recover_table', one)).toMatchObject([{ outcome: 'done' }]);
  await settled();
  await agent.agree('backfill_table', { ...one, where: 'id <= 10' }, /reads rows of theirs again/);
  await settled();
  await agent.agree('resync_table', one, /reads all of their rows again/);
  await settled();
  // Nothing is being loaded any more: both are refused by the run, each for its own reason.
  expect(await agent.call<Order[]>('prioritize_table', one)).toMatchObject([{ outcome: 'refused' }]);
  expect(await agent.agree<Order[]>('cancel_table', one, /gives up/)).toMatchObject([{ outcome: 'refused' }]);
  expect(await agent.agree<Order[]>('stop_table', one, /drops their changes/)).toMatchObject([
    { state: 'stopped' },
  ]);
  await agent.agree('start_table', one, /reads all rows of the others again/);
  await settled();
}

interface Comparison extends Ids {
  readonly state: string;
}

async function compare(agent: Agent, database: TestDatabase, task_id: number): Promise<void> {
  await database.query("UPDATE items SET name = 'c' WHERE id = 1");
  const begun = await agent.call<Comparison>('verify_task', {
    task_id,
    tables: ['public.orders', 'items'],
    wait_seconds: 0,
  });
  let now = begun;
  while (now.state === 'running')
    now = await agent.call<Comparison>('get_verification', { verification_id: begun.id, wait_seconds: 30 });
  expect(await agent.call('get_verification', { verification_id: begun.id })).toMatchObject({
    state: 'done',
    equal: true,
    tables: [{ verdict: 'equal' }, { verdict: 'equal' }],
  });
  expect(await agent.call('list_verifications', { task_id })).toMatchObject({ total: 1 });
}

async function trouble(agent: Agent, database: TestDatabase, task_id: number): Promise<void> {
  await database.query(
    'ALTER TABLE items REPLICA IDENTITY NOTHING; UPDATE orders SET amount = 5 WHERE id = 1',
  );
  const deadline = Date.now() + 60_000;
  let stopped = 0;
  while (stopped === 0 && Date.now() < deadline) {
    await agent.call('wait_task', { task_id, for: 'caught-up', wait_seconds: 2 });
    stopped = (await agent.call<Paged<object>>('list_table_exceptions', { task_id })).total;
  }
  expect(await agent.call('diagnose_task', { task_id })).toMatchObject({
    status: { state: 'running' },
    stoppedTables: {
      total: 1,
      first: [{ source: { table: 'items' }, error: { code: 'TABLE_NO_IDENTITY' } }],
    },
    sources: [{ findings: expect.any(Array), error: null }],
    pages: [{ code: 'TABLE_NO_IDENTITY', toDo: expect.any(String) }],
  });
  expect(await agent.call('explain_error', { code: 'TABLE_NO_IDENTITY' })).toMatchObject({ scope: 'table' });
  expect((await agent.call<object[]>('explain_error')).length).toBeGreaterThan(50);
  for (const list of [
    'list_alerts',
    'list_alert_rules',
    'list_alert_policies',
    'list_alert_channels',
    'list_alert_deliveries',
  ])
    await agent.call(list);
  const events = await agent.call<{ by: string; kind: string }[]>('list_task_events', {
    task_id,
    kind: 'table.order',
  });
  expect(events[0]).toMatchObject({ by: expect.stringMatching(/^mcp$|@.* \(mcp\)$/) });
  await agent.call('list_events', { limit: 5 });
}

async function end(agent: Agent, task_id: number): Promise<void> {
  await agent.call('stop_task', { task_id });
  // What is agreed to for one thing is no agreement to another.
  const asked = await agent.call<{ confirmation: string }>('start_task', { task_id, from: 'stateless' });
  const other = await agent.call('undeploy_task', { task_id, confirmation: asked.confirmation });
  expect(other).toMatchObject({
    confirmationRequired: true,
    next: expect.stringContaining('other arguments'),
  });
  await agent.agree('start_task', { task_id, from: 'stateless' }, /loads every table anew/);
  await agent.call('stop_task', { task_id });
  const folder = 'agents';
  const merge = await agent.call<{ task_id: number }>('create_task', {
    task_name: 'merge',
    data_folder_id: folder,
  });
  const shards = { by: 'rules', rules: [{ table: 'orders' }] };
  await agent.call('save_cdc_realtime_task', {
    data_file_id: merge.task_id,
    pipeline_type: 2,
    source_datasource_list: [{ datasourceId: 'shop' }],
    virtual_tables: [{ name: 'all', target: { schema: 'merged', table: 'orders' }, shards }],
  });
  expect(await agent.call('get_merge_report', { task_id: merge.task_id })).toMatchObject({
    virtualTables: [{ name: 'all' }],
  });
  await agent.agree('delete_task', { task_id: merge.task_id }, /removes its draft/);
  await agent.agree('undeploy_task', { task_id }, /./);
  await agent.agree('delete_task', { task_id }, /removes its draft/);
}

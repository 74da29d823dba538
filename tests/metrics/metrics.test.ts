import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';
import { parseExposition, type Series } from './exposition-text.ts';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));

let database: TestDatabase;
let client: pg.Client;
let lake: TestLake;

beforeAll(async () => {
  database = await sharedPostgres().createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`CREATE TABLE watched (id int PRIMARY KEY, text text);
    INSERT INTO watched SELECT i, repeat('x', 100) FROM generate_series(1, 500) i;
    CREATE TABLE "odd ""name" (id int PRIMARY KEY)`);
  lake = await TestLake.start();
  await lake.createMirror('watch', database.connection);
  await lake.start('watch');
  await lake.caughtUp('watch');
});

afterAll(async () => {
  await lake?.[Symbol.asyncDispose]();
  await client?.end();
  await database?.[Symbol.asyncDispose]();
});

async function request(path: string, token?: string): Promise<Response> {
  return fetch(
    `${lake.url}${path}`,
    token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  );
}

async function scrape(): Promise<Series> {
  const token = (await readFile(join(lake.dataDir, 'token'), 'utf8')).trim();
  const answer = await request('/metrics', token);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return parseExposition(await answer.text());
}

/** Scrapes until it holds; the time limit is the test's. */
async function until(holds: (series: Series) => boolean): Promise<Series> {
  for (;;) {
    const series = await scrape();
    if (holds(series)) return series;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const task = { task: 'watch' };

describe('metrics', () => {
  it('count the rows of a load and of the log, and time the commits that brought them', {
    timeout: 60_000,
  }, async () => {
    await client.query("INSERT INTO watched SELECT i, 'later' FROM generate_series(1001, 1100) i");
    await lake.caughtUp('watch');
    const series = await until(
      (one) =>
        (one.value('sluice_read_bytes_total', { ...task, from: 'log' }) ?? 0) > 500 &&
        (one.value('sluice_commit_latency_seconds_count', task) ?? 0) > 0,
    );
    expect(series.value('sluice_rows_read_total', task)).toBe(600);
    expect(series.value('sluice_rows_written_total', task)).toBe(600);
    expect(series.value('sluice_table_rows_loaded', { ...task, table: 'public.watched' })).toBe(500);
    expect(series.value('sluice_table_rows_applied_total', { ...task, table: 'public.watched' })).toBe(100);
    expect(series.value('sluice_read_bytes_total', { ...task, from: 'load' })).toBeGreaterThan(50_000);
    expect(series.value('sluice_task_state', { ...task, state: 'running' })).toBe(1);
    expect(series.value('sluice_task_state', { ...task, state: 'failed' })).toBe(0);
    expect(series.value('sluice_task_phase', { ...task, phase: 'incremental' })).toBe(1);
    expect(series.value('sluice_tables', { ...task, state: 'live' })).toBe(2);
    expect(series.value('sluice_runner_memory_bytes', { ...task, kind: 'resident' })).toBeGreaterThan(1e7);
    expect(series.value('sluice_lake_table_rows', { table: 'public.watched' })).toBe(600);
    expect(series.value('sluice_commit_duration_seconds_count', task)).toBeGreaterThan(0);
    const latency = series.value('sluice_commit_latency_seconds_sum', task) ?? Number.NaN;
    expect(latency).toBeGreaterThan(0);
    expect(latency).toBeLessThan(60);
  });

  it('say how far the reader is behind: nothing, once it has read all', { timeout: 60_000 }, async () => {
    const series = await until((one) => one.value('sluice_position_lag_seconds', task) === 0);
    expect(series.value('sluice_position_lag_bytes', task)).toBeLessThan(1 << 20);
  });

  it('are for who has the token, unless the server was told otherwise; health is for all', async () => {
    expect((await request('/metrics')).status).toBe(401);
    expect(await (await request('/healthz')).json()).toEqual({ status: 'ok' });
    expect(await (await request('/readyz')).json()).toEqual({ status: 'ready' });
    await using open = await TestLake.start({ env: { SLUICE_OPEN_METRICS: '1' } });
    expect((await fetch(`${open.url}/metrics`)).status).toBe(200);
    expect((await fetch(`${open.url}/api/v1/status`)).status).toBe(401);
  });

  it('go on over a failover, and count it', { timeout: 60_000 }, async () => {
    const before = (await scrape()).value('sluice_commit_duration_seconds_count', task) ?? 0;
    expect(await lake.killRunner('watch')).toBe(true);
    await client.query('DELETE FROM watched WHERE id <= 10');
    const series = await until(
      (one) =>
        one.value('sluice_failovers_total', task) === 1 &&
        (one.value('sluice_commit_duration_seconds_count', task) ?? 0) > before &&
        one.value('sluice_lake_table_rows', { table: 'public.watched' }) === 590,
    );
    expect(series.value('sluice_rows_read_total', task)).toBe(610);
  });
});

describe('what is deployed with it', () => {
  const named = (text: string): string[] => [...new Set(text.match(/\bsluice_[a-z_]+/g) ?? [])].sort();

  it('has only metrics that there are', async () => {
    const { names } = await scrape();
    const rules = readFileSync(join(DEPLOY, 'prometheus', 'alerts.yml'), 'utf8');
    const dashboard = readFileSync(join(DEPLOY, 'grafana', 'sluice.json'), 'utf8');
    expect(named(rules).length).toBeGreaterThan(5);
    expect(named(dashboard).length).toBeGreaterThan(15);
    expect([...named(rules), ...named(dashboard)].filter((name) => !names.has(name))).toEqual([]);
  });

  it('is well-formed', () => {
    const rules = parse(readFileSync(join(DEPLOY, 'prometheus', 'alerts.yml'), 'utf8')) as {
      groups: { rules: { alert: string; expr: string }[] }[];
    };
    expect(rules.groups.flatMap((group) => group.rules).every((rule) => rule.alert && rule.expr)).toBe(true);
    const dashboard = JSON.parse(readFileSync(join(DEPLOY, 'grafana', 'sluice.json'), 'utf8')) as {
      panels: { id: number; targets: { expr: string }[] }[];
    };
    expect(new Set(dashboard.panels.map((panel) => panel.id)).size).toBe(dashboard.panels.length);
    expect(dashboard.panels.every((panel) => panel.targets.every((target) => target.expr !== ''))).toBe(true);
  });
});

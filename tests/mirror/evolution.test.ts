import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';
import { CASES, DEFAULTS, type EvolutionCase } from './evolution-cases.ts';
import { startPolling } from './poll-counts.ts';

const TASK = 'evolution';
const VARIANTS = ['busy', 'quiet'] as const;

const nameOf = (one: EvolutionCase, variant: string): string => `${one.name}_${variant}`;
const fill = (sql: string, table: string, n = 0): string =>
  sql.replaceAll('$N', String(n)).replaceAll('$', `public."${table}"`).replaceAll('@', table);

let database: TestDatabase;
let lake: TestLake;
/** What each phase found, by table; a test for each case reads it. */
const found = new Map<string, string[]>();

beforeAll(async () => {
  database = await sharedPostgres().createDatabase();
  lake = await TestLake.start();
  await runAll();
}, 400_000);

afterAll(async () => {
  await lake?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
}, 60_000);

/** All cases at once, phase by phase: what is one table's matter must not touch the others. */
async function runAll(): Promise<void> {
  const run = async (sql: string, table: string, n = 0): Promise<void> => {
    await database.query(fill(sql, table, n));
  };
  for (const one of CASES)
    for (const variant of VARIANTS) {
      const table = nameOf(one, variant);
      const create = one.create ?? [
        `CREATE TABLE $ (id int PRIMARY KEY, a text, b int${one.columns === undefined ? '' : `, ${one.columns}`})`,
      ];
      for (const sql of create) await run(sql, table);
      await run(one.fill ?? DEFAULTS.fill, table);
    }
  await lake.createMirror(TASK, database.connection);
  await lake.start(TASK);
  await lake.caughtUp(TASK, 120);
  note('after the load', await lake.differences(database.url));
  const stable = CASES.filter((one) => one.shrinks !== true).flatMap((one) =>
    VARIANTS.map((v) => nameOf(one, v)),
  );
  const polling = startPolling(lake, stable);

  for (const one of CASES) {
    const busy = nameOf(one, 'busy');
    await run(one.before ?? DEFAULTS.before, busy);
    for (const sql of one.ddl) await run(sql, busy);
    await run(one.after, busy, 1000);
    for (const sql of one.ddl) await run(sql, nameOf(one, 'quiet'));
  }
  await lake.caughtUp(TASK, 120);
  const busyTables = (text: string): boolean => /_busy:/.test(text);
  note('after DDL and rows', (await lake.differences(database.url)).filter(busyTables));
  // What no row follows is noticed by the next look at the source's catalog.
  await settles('after DDL alone');

  for (const one of CASES)
    for (const variant of VARIANTS)
      await run(one.after.replace(/DELETE[^;]*/, ''), nameOf(one, variant), 2000);
  await lake.caughtUp(TASK, 120);
  note('after more rows', await lake.differences(database.url));
  for (const text of await polling.stop()) note('to a reader', [text]);
}

async function settles(when: string): Promise<void> {
  let left: readonly string[] = [];
  try {
    await lake.until(async () => {
      left = await lake.differences(database.url);
      return left.length === 0;
    }, 20);
  } catch {
    note(when, left);
  }
}

function note(when: string, differences: readonly string[]): void {
  for (const text of differences) {
    const table = /^public\.([^:]*):/.exec(text)?.[1] ?? '';
    found.set(table, [...(found.get(table) ?? []), `${when}: ${text}`]);
  }
}

it.each(CASES.flatMap((one) => VARIANTS.map((variant) => [nameOf(one, variant), one] as const)))(
  '%s',
  async (table, one) => {
    expect(found.get(table) ?? []).toEqual([]);
    const state = (await lake.tables(TASK)).find((row) => row.source.table === table);
    expect(state).toMatchObject({ state: 'live', error: null });
    if (one.noReload === true) expect(await loads(table)).toBe(1);
  },
);

it('is one attempt from beginning to end', async () => {
  expect((await lake.newestRun(TASK))?.attempts).toHaveLength(1);
  expect(found.get('') ?? []).toEqual([]);
});

async function loads(table: string): Promise<number> {
  const run = await lake.newestRun(TASK);
  const api = await lake.api();
  const { lines } = await api.get<{ lines: string[] }>(
    `/attempts/${run!.attempts.at(-1)!.id}/log?tail=10000`,
  );
  return lines.filter((line) => {
    const { msg, table: of } = JSON.parse(line) as { msg?: string; table?: string };
    return msg === 'full load begins' && of === `public.${table}`;
  }).length;
}

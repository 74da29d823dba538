import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import {
  type Flavour,
  type OwnMysql,
  sharedMysql,
  startMysql,
  type TestMysqlDatabase,
} from '../support/mysql.ts';
import { CASES, type DdlCase, DEFAULTS } from './ddl-cases.ts';
import { NUMBERS } from './numbers.ts';

const TASK = 'ddl';

/**
 *   busy    rows are written right before and right after
 *   quiet   nothing follows until the lake has caught up
 *   behind  as busy, while the runner is stopped: the log is read when the catalog is far ahead of it
 */
type Variant = 'busy' | 'quiet' | 'behind';

interface Server {
  readonly flavour: Flavour;
  /** binlog_row_metadata: MINIMAL (MySQL) and NO_LOG (MariaDB) are the servers' defaults. */
  readonly metadata: 'the default' | 'FULL';
  readonly variants: readonly Variant[];
}

/** One flavour a file: the files are shared among the processes of a run of all tests. */
export function describeDdl(flavour: Flavour): void {
  describe.each<Server>([
    { flavour, metadata: 'the default', variants: ['busy', 'quiet', 'behind'] },
    { flavour, metadata: 'FULL', variants: ['behind'] },
  ])('$flavour, row metadata $metadata', eachCase);
}

function eachCase({ flavour, metadata, variants }: Server): void {
  const cases = CASES.filter((one) => one.only === undefined || one.only === flavour);
  /** What each phase found, by table; a test for each case reads it. */
  const found = new Map<string, string[]>();
  let own: OwnMysql | null = null;
  let database: TestMysqlDatabase;
  let lake: TestLake;

  beforeAll(async () => {
    own =
      metadata === 'FULL' ? await startMysql(flavour, { settings: { 'binlog-row-metadata': 'FULL' } }) : null;
    database = await (own ?? sharedMysql(flavour)).createDatabase();
    lake = await TestLake.start();
    await runAll();
  }, 400_000);

  afterAll(async () => {
    await lake?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
    await own?.[Symbol.asyncDispose]();
  }, 60_000);

  const nameOf = (one: DdlCase, variant: Variant): string => `${one.name}_${variant}`;
  const fill = (sql: string, table: string, n = 0): string =>
    sql
      .replaceAll('$N', String(n))
      .replace(/\$(x?)/g, (_, other: string) => `\`${database.name}\`.\`${table}${other}\``)
      .replace(/@(?!@|\w)|@(?=_)/g, table);

  /** All cases at once, phase by phase: what is one table's matter must not touch the others. */
  async function runAll(): Promise<void> {
    for (const sql of NUMBERS) await database.query(sql);
    for (const one of cases)
      for (const variant of variants) {
        const table = nameOf(one, variant);
        const create = one.create ?? [
          `CREATE TABLE $ (id int PRIMARY KEY, a varchar(50), b int${one.columns === undefined ? '' : `, ${one.columns}`})`,
        ];
        for (const sql of create) await run(sql, table);
        await run(one.fill ?? DEFAULTS.fill, table);
      }
    await lake.createMirror(TASK, database.connection, { type: flavour });
    await lake.start(TASK);
    await lake.caughtUp(TASK, 120);

    if (variants.includes('busy')) {
      for (const one of cases) await change(one, 'busy');
      for (const one of cases) for (const sql of one.ddl) await run(sql, nameOf(one, 'quiet'));
      await lake.caughtUp(TASK, 120);
      await note('after DDL', /_(busy|quiet)x?$/);
    }

    await lake.stop(TASK);
    for (const one of cases) await change(one, 'behind');
    await lake.start(TASK);
    await lake.caughtUp(TASK, 120);
    await note('after DDL that was read late', /_behindx?$/);

    for (const one of cases)
      for (const variant of variants)
        await run(one.after.replace(/DELETE[^;]*/, 'DO 0'), nameOf(one, variant), 2000);
    await lake.caughtUp(TASK, 120);
    await note('after more rows', /./);
  }

  async function change(one: DdlCase, variant: Variant): Promise<void> {
    const table = nameOf(one, variant);
    await run(one.before ?? DEFAULTS.before, table);
    for (const sql of one.ddl) await run(sql, table);
    await run(one.after, table, 1000);
  }

  async function run(sql: string, table: string, n = 0): Promise<void> {
    const text = fill(sql, table, n);
    await database.query(text).catch((error: Error) => {
      throw new Error(`${error.message}: ${text}`);
    });
  }

  async function note(when: string, tables: RegExp): Promise<void> {
    for (const text of await lake.differences(database.connection, (name) => tables.test(name))) {
      const table = text.slice(database.name.length + 1, text.indexOf(':'));
      found.set(table, [...(found.get(table) ?? []), `${when}: ${text}`]);
    }
  }

  it.each(cases.flatMap((one) => variants.map((variant) => [nameOf(one, variant), one] as const)))(
    '%s',
    async (table, one) => {
      expect([...(found.get(table) ?? []), ...(found.get(`${table}x`) ?? [])]).toEqual([]);
      const state = (await lake.tables(TASK)).find((row) => row.source.table === table);
      expect(state).toMatchObject({ state: 'live', error: null });
      if (one.noReload === true) expect(await loads(table)).toEqual(['full load begins']);
    },
  );

  it('is one attempt before and one after the stop', async () => {
    const runs = await (await lake.api()).get<readonly { readonly id: number }[]>(`/tasks/${TASK}/runs`);
    expect(runs).toHaveLength(2);
    expect((await lake.newestRun(TASK))?.attempts).toHaveLength(1);
  });

  /** The full loads of a table in both runs, with what the log says of a reason. */
  async function loads(table: string): Promise<readonly string[]> {
    const api = await lake.api();
    const said: string[] = [];
    for (const { id } of await api.get<readonly { readonly id: number }[]>(`/tasks/${TASK}/runs`)) {
      const run = await api.get<{ attempts: { id: number }[] }>(`/runs/${id}`);
      for (const attempt of run.attempts) {
        const { lines } = await api.get<{ lines: string[] }>(`/attempts/${attempt.id}/log?tail=10000`);
        for (const line of lines) {
          const entry = JSON.parse(line) as { msg?: string; table?: string; reason?: string };
          if (entry.table !== `${database.name}.${table}`) continue;
          if (entry.msg === 'full load begins' || entry.msg === 'a table is loaded anew')
            said.push([entry.msg, ...(entry.reason === undefined ? [] : [entry.reason])].join(': '));
        }
      }
    }
    return said;
  }
}

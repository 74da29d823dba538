import { rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely } from 'kysely';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import {
  MIGRATIONS,
  type Migration,
  migrate,
  SCHEMA_VERSION,
} from '../../server/src/store/migrations/migrate.ts';
import { openMetastore } from '../../server/src/store/open-metastore.ts';
import { sqliteDialect } from '../../server/src/store/sqlite-dialect.ts';
import type { Metastore } from '../../server/src/store/tables.ts';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';

/** A metastore of the first version is brought to this one, step by step, with rows in every table. */

const SPEC = JSON.stringify({
  dataSource: 1,
  database: 'shop',
  schemas: [],
  tables: [],
  pipelineType: 3,
  syncMode: 1,
  targetSchema: '{SOURCE_SCHEMA}',
  targetTable: '{SOURCE_TABLE}',
  vcluster: 'default_sync',
  parameters: { commit_interval: '1s' },
});

/** As the first version wrote them. */
const FIRST_ROWS = [
  `INSERT INTO data_sources VALUES (1, 'shop', 7, '{"host":"db","port":5432,"username":"u","database":"shop","sslmode":"prefer"}', 'sealed', 10, 20)`,
  `INSERT INTO folders VALUES (1, 'all', 10)`,
  `INSERT INTO tasks VALUES (1, 'mirror', 'k1', 1, 281, '${SPEC}', 1, 10, 20)`,
  `INSERT INTO task_versions VALUES (1, 1, '${SPEC}', 20)`,
  `INSERT INTO runs VALUES (1, 1, 1, 'stopped', 'resume', NULL, 1, 30, 40, 2, NULL)`,
  `INSERT INTO attempts VALUES (1, 1, 1, 4711, 'failed', 30, 35, '{"code":"RUNNER_DIED","message":"m","remedy":"r"}', 'logs/1.log', 1, 1)`,
  `INSERT INTO namespaces VALUES ('public', '{}')`,
  `INSERT INTO iceberg_tables VALUES ('public', 't', 'f3c1b1b0-0000-4000-8000-000000000000', 'file:///w/t/metadata/1.json', 40)`,
  `INSERT INTO checkpoints VALUES (1, 1, '16/B374D848', 42, 40, 'incremental', 7, 8)`,
  `INSERT INTO lanes VALUES (1, 1, 'public', 't', '16384', 'public', 't', 'live', NULL, 1, NULL, 5, 6, 2, '16/B374D848', 40, 300, 1, 25)`,
  `INSERT INTO lanes VALUES (2, 1, 'public', 'u', '16385', 'public', 'u', 'loading', NULL, 1, '{}', 5, NULL, 0, NULL, NULL, NULL, 0, 25)`,
  `INSERT INTO lane_schemas VALUES (1, 1, '{}')`,
  `INSERT INTO chunks VALUES (2, 0, '{}', '[]', 5)`,
  `INSERT INTO segments VALUES (1, 2, 1, 'segments/s.parquet', 3, 100, 1, 3, '16/B374D848')`,
];

const tablesOf = (db: Database.Database): readonly string[] =>
  (
    db
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
      )
      .all() as { name: string }[]
  ).map(({ name }) => name);

const columnsOf = (db: Database.Database, table: string, schema = 'main'): readonly string[] =>
  (db.prepare(`SELECT name FROM pragma_table_info('${table}', '${schema}')`).all() as { name: string }[]).map(
    ({ name }) => name,
  );

/** A new file with the tables of the first version. */
function firstVersion(file: string): Database.Database {
  const db = new Database(file);
  for (const statement of MIGRATIONS[0]?.statements ?? []) db.exec(statement);
  db.exec('PRAGMA user_version = 1');
  return db;
}

async function emptyFolder<T>(work: (file: string) => Promise<T>): Promise<T> {
  const file = join(tmpdir(), `sluice-upgrade-${process.pid}-${Date.now()}.db`);
  try {
    return await work(file);
  } finally {
    for (const end of ['', '-wal', '-shm']) await rm(`${file}${end}`, { force: true });
  }
}

describe('a metastore of the first version', () => {
  it('keeps every row through every step', () =>
    emptyFolder(async (file) => {
      const first = firstVersion(file);
      for (const row of FIRST_ROWS) first.exec(row);
      const tables = tablesOf(first);
      const columns = new Map(tables.map((table) => [table, columnsOf(first, table)]));
      /** What the first version knows of its tables. */
      const content = (db: Database.Database): unknown =>
        tables.map((table) => [
          table,
          db.prepare(`SELECT ${columns.get(table)?.join(', ')} FROM ${table} ORDER BY 1, 2`).all(),
        ]);
      const before = content(first);
      const empty = tables.filter((table) => first.prepare(`SELECT 1 FROM ${table}`).get() === undefined);
      first.close();
      expect(empty).toEqual([]);

      const steps: Migration[] = [];
      for (const step of MIGRATIONS) {
        steps.push(step);
        const upgrading = new Kysely<Metastore>({ dialect: sqliteDialect({ file, patienceMs: 1000 }) });
        await migrate(upgrading, steps).finally(() => upgrading.destroy());
        const db = new Database(file);
        try {
          expect(db.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: step.version });
          expect(db.prepare('PRAGMA foreign_key_check').all()).toEqual([]);
          expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
          expect(content(db), `after step ${step.version}`).toEqual(before);
        } finally {
          db.close();
        }
      }
      const now = await openMetastore(file);
      try {
        const lanes = await now.selectFrom('lanes').select(['since', 'priority']).orderBy('id').execute();
        expect(lanes).toEqual([
          { since: 40, priority: 0 },
          { since: 25, priority: 0 },
        ]);
      } finally {
        await now.destroy();
      }
    }));

  it('is one that a task goes on from: no row is lost, and no table is loaded again', async () => {
    await using database = await sharedPostgres().createDatabase();
    await database.query(`CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE u (v int);
      ALTER TABLE u REPLICA IDENTITY FULL; INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 500) i;
      INSERT INTO u SELECT i FROM generate_series(1, 50) i`);
    await using lake = await TestLake.start();
    await lake.createMirror('old', database.connection);
    await lake.start('old');
    await lake.caughtUp('old');
    await database.query("UPDATE t SET v = 'w' WHERE id < 100; DELETE FROM u WHERE v < 10");
    await lake.caughtUp('old');
    await lake.stop('old');
    await lake.killServer();
    expect(await makeFirstVersion(join(lake.dataDir, 'metastore.db'))).toBe(SCHEMA_VERSION);

    await lake.restart();
    expect(await lake.status('old')).toMatchObject({ state: 'stopped', phase: 'incremental', error: null });
    expect(await lake.differences(database.url)).toEqual([]);
    await database.query(
      "INSERT INTO t VALUES (1000, 'new'); DELETE FROM t WHERE id < 10; INSERT INTO u VALUES (99)",
    );
    await lake.start('old');
    await lake.caughtUp('old');
    expect(await lake.differences(database.url)).toEqual([]);
    expect(await lake.attemptLog('old')).not.toContain('full load begins');
    expect((await lake.newestRun('old'))?.attempts).toHaveLength(1);
  }, 120_000);
});

/**
 * Puts what the first version has a place for into a file of that version, in the place of the one that is there.
 * @returns the version that the file had
 */
async function makeFirstVersion(file: string): Promise<number> {
  const old = `${file}.old`;
  const db = firstVersion(old);
  let version: number;
  try {
    // Tables come in no order that their references would like.
    db.exec('PRAGMA foreign_keys = OFF');
    db.exec(`ATTACH '${file}' AS now`);
    ({ user_version: version } = db.prepare('PRAGMA now.user_version').get() as { user_version: number });
    db.exec('DELETE FROM vclusters');
    for (const table of tablesOf(db)) {
      const columns = columnsOf(db, table).join(', ');
      db.exec(`INSERT INTO main.${table} (${columns}) SELECT ${columns} FROM now.${table}`);
    }
    db.exec('DETACH now');
  } finally {
    db.close();
  }
  for (const end of ['-wal', '-shm']) await rm(`${file}${end}`, { force: true });
  await rename(old, file);
  return version;
}

import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isForeignKeyViolation, isUniqueViolation } from './metastore-error.ts';
import { MIGRATIONS, migrate, SCHEMA_VERSION } from './migrations/migrate.ts';
import { type MetastoreDb, openMetastore } from './open-metastore.ts';

let folder: string;
let file: string;
const opened: MetastoreDb[] = [];
const open = async (patienceMs = 15_000) => {
  const db = await openMetastore(file, { patienceMs });
  opened.push(db);
  return db;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-store-'));
  file = join(folder, 'metastore.db');
});
afterEach(async () => {
  for (const db of opened.splice(0)) await db.destroy();
  await rm(folder, { recursive: true, force: true });
});

describe('openMetastore', () => {
  it('sets what durability and concurrency need', async () => {
    const db = await open();
    const pragma = async (name: string) =>
      Object.values((await sql.raw<Record<string, unknown>>(`PRAGMA ${name}`).execute(db)).rows[0] ?? {})[0];
    expect(await pragma('journal_mode')).toBe('wal');
    expect(await pragma('synchronous')).toBe(2);
    expect(await pragma('foreign_keys')).toBe(1);
    expect(await pragma('user_version')).toBe(SCHEMA_VERSION);
  });

  it('has the VCluster default_sync from the start, and keeps rows when opened again', async () => {
    const first = await open();
    await first.insertInto('folders').values({ name: 'f', created_at: 1 }).execute();
    const second = await open();
    expect(await second.selectFrom('vclusters').select(['name', 'type']).execute()).toEqual([
      { name: 'default_sync', type: 'SYNC' },
    ]);
    expect(await second.selectFrom('folders').select('name').execute()).toEqual([{ name: 'f' }]);
  });

  it('tells which rule a row breaks', async () => {
    const db = await open();
    const folderRow = { name: 'f', created_at: 1 };
    await db.insertInto('folders').values(folderRow).execute();
    const twice = await db
      .insertInto('folders')
      .values(folderRow)
      .execute()
      .catch((error: unknown) => error);
    expect(isUniqueViolation(twice)).toBe(true);
    const orphan = await db
      .insertInto('task_versions')
      .values({ task_id: 99, version: 1, spec_json: '{}', published_at: 1 })
      .execute()
      .catch((error: unknown) => error);
    expect(isForeignKeyViolation(orphan)).toBe(true);
    expect(isUniqueViolation(orphan)).toBe(false);
  });

  it('refuses values that it could not give back as they were', async () => {
    const db = await open();
    const put = (created_at: unknown) =>
      db
        .insertInto('folders')
        .values({ name: String(created_at), created_at: created_at as number })
        .execute();
    for (const value of [2 ** 53, 2n ** 53n, Number.NaN, true, undefined, {}])
      await expect(put(value)).rejects.toThrow(/cannot hold|NOT NULL/);
    await put(Number.MAX_SAFE_INTEGER);
    expect(await db.selectFrom('folders').select('created_at').execute()).toEqual([
      { created_at: Number.MAX_SAFE_INTEGER },
    ]);
  });

  it('rolls back what fails, and goes on', async () => {
    const db = await open();
    const failing = db.transaction().execute(async (trx) => {
      await trx.insertInto('folders').values({ name: 'gone', created_at: 1 }).execute();
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await db.selectFrom('folders').selectAll().execute()).toEqual([]);
  });

  it('says METASTORE_BUSY when the file stays locked, without holding the event loop', async () => {
    const db = await open(300);
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    let ticks = 0;
    const timer = setInterval(() => ticks++, 10);
    try {
      const write = db.insertInto('folders').values({ name: 'f', created_at: 1 }).execute();
      await expect(write).rejects.toMatchObject({ code: 'METASTORE_BUSY' });
      await expect(db.transaction().execute(async () => {})).rejects.toMatchObject({
        code: 'METASTORE_BUSY',
      });
      expect(ticks).toBeGreaterThan(5);
    } finally {
      clearInterval(timer);
      other.exec('ROLLBACK');
      other.close();
    }
    await db.insertInto('folders').values({ name: 'f', created_at: 1 }).execute();
  });

  it.each(['one write', 'one write that returns'])(
    'sees and writes what is there after %s met a lock',
    async (how) => {
      const db = await open(50);
      const other = new Database(file);
      const name = async () =>
        (await db.selectFrom('vclusters').select('name').executeTakeFirstOrThrow()).name;
      other.exec('BEGIN IMMEDIATE');
      const insert = db.insertInto('folders').values({ name: 'f', created_at: 1 });
      const write = how === 'one write' ? insert.execute() : insert.returning('id').execute();
      await expect(write).rejects.toMatchObject({ code: 'METASTORE_BUSY' });
      other.exec('COMMIT');
      // A statement that libsql leaves open would show the file as of the first of these reads from here on.
      for (const now of ['a', 'b', 'c']) {
        other.exec(`UPDATE vclusters SET name = '${now}'`);
        expect(await name()).toBe(now);
      }
      other.close();
      await db.insertInto('folders').values({ name: 'f', created_at: 1 }).execute();
      await db.transaction().execute(async (trx) => {
        await trx.insertInto('folders').values({ name: 'g', created_at: 1 }).execute();
      });
      expect(await db.selectFrom('folders').select('name').execute()).toEqual([{ name: 'f' }, { name: 'g' }]);
    },
  );

  it('says STORAGE_FULL when it cannot grow, and goes on when it can', async () => {
    const db = await open();
    const { rows } = await sql<{ page_count: number }>`PRAGMA page_count`.execute(db);
    await sql.raw(`PRAGMA max_page_count = ${(rows[0]?.page_count ?? 0) + 1}`).execute(db);
    const grow = db.transaction().execute(async (trx) => {
      await trx
        .insertInto('folders')
        .values({ name: 'x'.repeat(200_000), created_at: 1 })
        .execute();
    });
    await expect(grow).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    await sql.raw('PRAGMA max_page_count = 1000000').execute(db);
    await db.insertInto('folders').values({ name: 'f', created_at: 1 }).execute();
  });

  it('says STORAGE_FAILED for a file that is no metastore', async () => {
    await writeFile(file, 'not a database, but long enough to be looked at'.repeat(100));
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });

  it('loses no update of processes that write at once', async () => {
    const built = new URL('../../dist/store/open-metastore.js', import.meta.url);
    expect(existsSync(built), 'needs the build: npm run build').toBe(true);
    const script = join(folder, 'writer.mjs');
    // Reads, yields, writes: an update is lost unless the transaction holds the lock from its beginning.
    await writeFile(
      script,
      `import { openMetastore } from ${JSON.stringify(built.href)};
      const db = await openMetastore(process.argv[2]);
      for (let i = 0; i < 100; i++)
        await db.transaction().execute(async (trx) => {
          const row = await trx.selectFrom('folders').select('created_at').where('name', '=', 'counter').executeTakeFirstOrThrow();
          await new Promise(setImmediate);
          await trx.updateTable('folders').set({ created_at: row.created_at + 1 }).where('name', '=', 'counter').execute();
        });
      await db.destroy();`,
    );
    const db = await open();
    await db.insertInto('folders').values({ name: 'counter', created_at: 0 }).execute();
    const ends = [1, 2, 3].map(() => {
      const child = fork(script, [file], { stdio: 'inherit' });
      return new Promise<number | null>((resolve) => child.once('exit', resolve));
    });
    expect(await Promise.all(ends)).toEqual([0, 0, 0]);
    const row = await db.selectFrom('folders').select('created_at').executeTakeFirstOrThrow();
    expect(row.created_at).toBe(300);
  });
});

describe('migrate', () => {
  const next = { version: SCHEMA_VERSION + 1, statements: ['CREATE TABLE later (a INTEGER) STRICT'] };

  it('applies only the steps that are missing', async () => {
    const db = await open();
    await migrate(db, [...MIGRATIONS, next]);
    await migrate(db, [...MIGRATIONS, next]);
    await sql`INSERT INTO later VALUES (1)`.execute(db);
  });

  it('refuses a file of a newer version, and leaves it as it is', async () => {
    const db = await open();
    await migrate(db, [...MIGRATIONS, next]);
    await expect(open()).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('newer'),
    });
    await sql`INSERT INTO later VALUES (1)`.execute(db);
  });

  it('undoes a step that fails halfway', async () => {
    const db = await open();
    const broken = { ...next, statements: [...next.statements, 'CREATE TABLE folders (a)'] };
    await expect(migrate(db, [...MIGRATIONS, broken])).rejects.toThrow(/already exists/);
    await migrate(db, [...MIGRATIONS, next]);
  });

  it('opens once when several open a new file at the same time', async () => {
    const all = await Promise.all([open(), open(), open(), open()]);
    expect(await all[3].selectFrom('vclusters').selectAll().execute()).toHaveLength(1);
  });
});

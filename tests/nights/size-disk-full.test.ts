import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, open, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';

const run = promisify(execFile);

/** A file system of its own, of a size that a test can fill. */
class SmallDisk implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async mount(path: string, size: string): Promise<SmallDisk> {
    await mkdir(path, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
    return new SmallDisk(path);
  }

  /** Takes all the space that is left; the result gives it back. */
  async fill(): Promise<() => Promise<void>> {
    const path = join(this.path, 'somebody-elses-file');
    const file = await open(path, 'w');
    try {
      for (let piece = Buffer.alloc(1 << 20); piece.length > 0; )
        try {
          const { bytesWritten } = await file.write(piece);
          if (bytesWritten < piece.length) piece = piece.subarray(0, piece.length >> 1);
        } catch {
          piece = piece.subarray(0, piece.length >> 1);
        }
    } finally {
      await file.close();
    }
    return () => rm(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever still has a file open there keeps it until then.
    await run('umount', ['-l', this.path]);
    await rm(this.path, { recursive: true });
  }
}

/** null, or why no file system can be mounted here. */
async function mountRefused(): Promise<string | null> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-mount-'));
  try {
    await (await SmallDisk.mount(path, '1m'))[Symbol.asyncDispose]();
    return null;
  } catch (error) {
    await rm(path, { recursive: true });
    return (error as Error).message;
  }
}

const REFUSED = await mountRefused();

/** What the slot has promised never to ask for again. */
async function acknowledged(database: TestDatabase): Promise<bigint> {
  const { rows } = await database.query(
    `SELECT (confirmed_flush_lsn - '0/0')::bigint::text AS at FROM pg_replication_slots WHERE database = $1`,
    [database.name],
  );
  return BigInt(rows[0]?.at ?? '0');
}

async function storageFull(lake: TestLake): Promise<void> {
  await lake.until(async () => (await lake.status('full')).error?.code === 'STORAGE_FULL', 90);
  const status = await lake.status('full');
  expect(status.error?.remedy).toMatch(/Free space/);
  expect(['backing_off', 'starting', 'running']).toContain(status.run?.state);
}

describe.skipIf(REFUSED !== null)(
  // Where no file system can be mounted (no root, a sandbox), a disk cannot be made full without filling everybody's.
  `a full disk${REFUSED === null ? '' : ` (skipped: ${REFUSED})`}`,
  () => {
    // Only the warehouse, as where it has a volume of its own; and the whole data folder, the metastore with it.
    for (const place of ['warehouse', 'data folder'] as const) {
      it(`of the ${place}: the run waits, says so, and goes on`, { timeout: 240_000 }, async () => {
        await using database = await sharedPostgres().createDatabase();
        const volume = await mkdtemp(join(tmpdir(), 'sluice-full-'));
        await using disk = await SmallDisk.mount(volume, '160m');
        const dataDir =
          place === 'warehouse' ? await mkdtemp(join(tmpdir(), 'sluice-lake-')) : join(volume, 'lake');
        if (place === 'warehouse') await symlink(volume, join(dataDir, 'warehouse'));
        await using lake = await TestLake.start({ dataDir });
        await database.query(`
          CREATE TABLE rows (id int PRIMARY KEY, v text); CREATE TABLE other (id int PRIMARY KEY, v text);
          INSERT INTO rows SELECT i, md5(i::text) || md5((i * 7)::text) FROM generate_series(1, 20000) i; INSERT INTO other SELECT * FROM rows WHERE id < 100`);
        await lake.createMirror('full', database.connection, { parameters: { failover_limit: '0' } });

        let free = await disk.fill();
        if (place === 'data folder') {
          // Without a byte for the metastore nothing can be begun, and that is said.
          await expect(lake.start('full')).rejects.toMatchObject({ code: 'STORAGE_FULL' });
          await free();
          await lake.start('full');
          free = await disk.fill();
        } else await lake.start('full');
        await storageFull(lake);
        await free();
        await lake.caughtUp('full', 90);
        expect(await lake.differences(database.url)).toEqual([]);

        free = await disk.fill();
        const before = await acknowledged(database);
        await database.query(`
          UPDATE rows SET v = md5(v) WHERE id % 2 = 0; DELETE FROM rows WHERE id % 5 = 0; INSERT INTO other SELECT id + 1000, v FROM rows WHERE id < 50`);
        const { rows } = await database.query(`SELECT (pg_current_wal_lsn() - '0/0')::bigint::text AS at`);
        await storageFull(lake);
        // Nothing of it is durable, so none of it may be acknowledged; while the run tries again and again. (With the
        // metastore's disk full the next attempt cannot even be written down, and has to wait.)
        const failovers = (await lake.status('full')).run?.failovers ?? 0;
        if (place === 'warehouse')
          await lake.until(async () => ((await lake.status('full')).run?.failovers ?? 0) > failovers, 90);
        const now = await acknowledged(database);
        expect(now).toBeGreaterThanOrEqual(before);
        expect(now).toBeLessThan(BigInt(rows[0].at));
        await free();
        await lake.caughtUp('full', 90);
        expect(await lake.differences(database.url)).toEqual([]);
        expect(await lake.status('full')).toMatchObject({ error: null, run: { state: 'running' } });
      });
    }
  },
);

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from './engine.ts';

let folder: string;
let engine: Engine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-engine-'));
  engine = await Engine.open({
    threads: 2,
    memoryBytes: 64 << 20,
    tempFolder: join(folder, 'temp'),
    maxTempBytes: 16 << 20,
  });
});

afterAll(async () => {
  engine.close();
  await rm(folder, { recursive: true });
});

const SLOW = 'SELECT sum(hash(a.range + b.range)) FROM range(10000000) a, range(10000000) b';

describe('Engine', () => {
  it('runs in UTC, whatever the zone of the process', async () => {
    const connection = await engine.connect();
    const [row] = await connection.rows("SELECT TIMESTAMPTZ '2024-01-01 00:00:00+00'::VARCHAR AS t");
    expect(row?.t).toBe('2024-01-01 00:00:00+00');
    connection.close();
  });

  it('gives a text that begins with U+FEFF as it is', async () => {
    const connection = await engine.connect();
    const [row] = await connection.rows("SELECT chr(65279) AS one, chr(65279) || repeat('x', 20) AS long");
    expect(row).toEqual({ one: '\ufeff', long: `\ufeff${'x'.repeat(20)}` });
    connection.close();
  });

  it('ends a statement when the signal says so, and the connection can be used again', async () => {
    const connection = await engine.connect();
    const stop = new AbortController();
    const running = connection.rows(SLOW, stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(running).rejects.toThrow('enough');
    expect(await connection.rows('SELECT 1 AS x')).toEqual([{ x: 1 }]);
    connection.close();
  });

  it('refuses to start with a signal that is aborted already', async () => {
    const connection = await engine.connect();
    await expect(connection.run('SELECT 1', AbortSignal.abort(new Error('before')))).rejects.toThrow(
      'before',
    );
    connection.close();
  });

  it('runs statements of one connection one after the other', async () => {
    const connection = await engine.connect();
    await connection.run('CREATE TEMP TABLE steps(n INTEGER)');
    await Promise.all([1, 2, 3, 4].map((n) => connection.run(`INSERT INTO steps VALUES (${n})`)));
    const rows = await connection.rows('SELECT n FROM steps ORDER BY rowid');
    expect(rows.map((row) => row.n)).toEqual([1, 2, 3, 4]);
    connection.close();
  });

  it('says that the space for temporary files is used up', async () => {
    const connection = await engine.connect();
    const big = connection.run('CREATE TEMP TABLE big AS SELECT md5(range::VARCHAR) FROM range(6000000)');
    await expect(big).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    connection.close();
  });
});

import { fork } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DataDir, openSealer, openToken, prepareDataDir } from './data-dir.ts';
import { Secret } from './secrets.ts';
import { lockDataDir } from './server-lock.ts';

let folder: string;
let layout: DataDir;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-dir-'));
  layout = await prepareDataDir(join(folder, 'data'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const mode = async (path: string) => (await stat(path)).mode & 0o777;

describe('prepareDataDir', () => {
  it('lets nobody else in, also into a folder that was open', async () => {
    expect(await mode(layout.root)).toBe(0o700);
    await chmod(layout.root, 0o755);
    await prepareDataDir(layout.root);
    expect(await mode(layout.root)).toBe(0o700);
    expect((await readdir(layout.root)).sort()).toEqual(['logs', 'warehouse', 'work']);
  });

  it('says so when the place cannot be a folder', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(prepareDataDir(join(folder, 'file'))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });
});

describe('key and token', () => {
  it('are made once, for the owner only, also when several ask at once', async () => {
    const tokens = await Promise.all([openToken(layout), openToken(layout), openToken(layout)]);
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).toMatch(/^[\w-]{43}$/);
    const first = await openSealer(layout);
    const sealed = first.seal(new Secret('s'), 'x');
    expect((await openSealer(layout)).open(sealed, 'x').reveal()).toBe('s');
    expect([await mode(layout.token), await mode(layout.secretKey)]).toEqual([0o600, 0o600]);
    expect((await readdir(layout.root)).sort()).toEqual(['logs', 'secret.key', 'token', 'warehouse', 'work']);
  });

  it('are refused when the file holds something else', async () => {
    await writeFile(layout.secretKey, 'c2hvcnQ=');
    await writeFile(layout.token, 'short');
    await expect(openSealer(layout)).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(openToken(layout)).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});

describe('lockDataDir', () => {
  it('lets one in at a time, of many that ask at once', async () => {
    const tries = await Promise.allSettled([1, 2, 3, 4, 5].map(() => lockDataDir(layout)));
    const unlocks = tries.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    expect(unlocks).toHaveLength(1);
    await unlocks[0]?.();
    await (await lockDataDir(layout))();
  });

  it('respects another process, names it, and takes over as soon as it is dead', async () => {
    const script = join(folder, 'holder.cjs');
    await writeFile(
      script,
      `const Database = require(${JSON.stringify(createRequire(import.meta.url).resolve('libsql'))});
      new Database(process.argv[2]).exec('BEGIN EXCLUSIVE');
      process.send('held');
      setInterval(() => {}, 1000);`,
    );
    const child = fork(script, [layout.lock]);
    await new Promise((resolve) => child.once('message', resolve));
    await writeFile(layout.pid, `${child.pid}\n`);
    await expect(lockDataDir(layout)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(`process ${child.pid})`),
    });
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const unlock = await lockDataDir(layout);
    expect(await readFile(layout.pid, 'utf8')).toBe(`${process.pid}\n`);
    await unlock();
  });
});

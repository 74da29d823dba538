import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TimelineEvent } from '@sluice/contract';
import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';

const SLUICE = fileURLToPath(new URL('../../server/bin/sluice.js', import.meta.url));

/** A command line that goes on by itself. */
class Following implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | string>;
  out = '';
  err = '';

  constructor(lake: TestLake, ...argv: readonly string[]) {
    this.#child = spawn(process.execPath, [SLUICE, ...argv, '--data-dir', lake.dataDir], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk.toString();
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.err += chunk.toString();
    });
    this.#ended = new Promise((resolve) =>
      this.#child.once('close', (code, signal) => resolve(code ?? String(signal))),
    );
  }

  /** The kinds of the events that it has told. */
  get kinds(): readonly string[] {
    const lines = this.out.split('\n').slice(0, -1);
    return lines.map((line) => (JSON.parse(line) as TimelineEvent).kind);
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  /** The exit code, or the signal that ended it. */
  get ended(): Promise<number | string> {
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

it('tells events as they happen, until Ctrl-C, or until the server ends', async () => {
  await using database = await sharedPostgres().createDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using lake = await TestLake.start();
  await lake.createMirror('told', database.connection);
  await using all = new Following(lake, 'task', 'events', 'told', '--follow');
  await using some = new Following(
    lake,
    'task',
    'events',
    'told',
    '--follow',
    '--kind',
    'table.',
    '--limit',
    '1',
  );
  await using people = new Following(lake, 'task', 'events', 'told', '--follow', '--format', 'table');
  const before = ['task.created', 'task.published'];
  await lake.until(async () => all.kinds.length === before.length && people.out !== '');
  expect(all.kinds).toEqual(before);

  await lake.start('told');
  await lake.caughtUp('told');
  await lake.until(async () => all.kinds.filter((kind) => kind === 'table.state').length === 3);
  expect(all.kinds.slice(2, 5)).toEqual(['run.started', 'attempt.began', 'table.joined']);
  await lake.until(async () => some.kinds.length === 4);
  expect(some.kinds).toEqual(['table.joined', 'table.state', 'table.state', 'table.state']);
  await lake.until(async () => people.out.includes('catching_up → live'));
  expect(people.out).toMatch(/^\S+Z {2}\S+ {2}task.published {2}version 1 published$/m);
  expect(people.out).toMatch(/^\S+Z {2}sluice {2}table.state {2}public.t {2}catching_up → live$/m);

  some.interrupt();
  expect([await some.ended, some.err]).toEqual([0, '']);

  await lake.killServer();
  for (const one of [all, people]) {
    expect(await one.ended).toBe(1);
    expect(one.err).toContain('The server has ended, and nothing more is told.');
    expect(one.err).toContain('SERVER_UNREACHABLE');
  }
}, 120_000);

it('says at once that there is no such task, or no server', async () => {
  await using lake = await TestLake.start();
  await using nobody = new Following(lake, 'task', 'events', 'nobody', '--follow');
  expect(await nobody.ended).toBe(1);
  expect(nobody.err).toContain('NOT_FOUND');
  await lake.killServer();
  await using silent = new Following(lake, 'task', 'events', 'nobody', '--follow');
  expect(await silent.ended).toBe(1);
  expect(silent.err).toMatch(/No server answers at/);
}, 60_000);

import { fork } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TaskSpec } from '@sluice/contract';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DataDir, prepareDataDir } from '../store/data-dir.ts';
import { type MetastoreDb, openMetastore } from '../store/open-metastore.ts';
import { commandLine } from '../store/process-identity.ts';
import { attemptRows, runRow } from './run-rows.ts';
import { Supervisor } from './supervisor.ts';

/**
 * In place of the runner: a real process that does what the file `behaviour` in the data folder says, one word an
 * attempt (the last word for all that follow).
 */
const CHILD = `
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
const dataDir = process.argv[process.argv.indexOf('--data-dir') + 1];
const attempt = Number(process.argv[process.argv.indexOf('--attempt') + 1]);
const words = readFileSync(join(dataDir, 'behaviour'), 'utf8').trim().split(' ');
const word = words[Math.min(attempt, words.length) - 1];
console.log(JSON.stringify({ msg: 'attempt ' + attempt + ' does ' + word, heap: process.execArgv }));
const say = (message) => new Promise((resolve) => process.send(message, resolve));
const fail = async (code) => {
  await say({ kind: 'failed', error: { code, message: 'so it is', remedy: 'mend it' } });
  process.exit(1);
};
const until = new Promise((resolve) => process.on('message', (m) => m.kind === 'stop' && resolve()));
process.on('disconnect', () => process.exit(0));
await say({ kind: 'phase', phase: 'incremental' });
if (word === 'crash') process.kill(process.pid, 'SIGKILL');
else if (word === 'exit') process.exit(3);
else if (word === 'auth') await fail('SOURCE_AUTH');
else if (word === 'away') await fail('SOURCE_UNREACHABLE');
else if (word === 'fault') await fail('INTERNAL');
else if (word === 'last-word') { await say({ kind: 'stopped' }); setInterval(() => {}, 1000); }
else if (word === 'deaf') { setInterval(() => {}, 1000); }
else { await until; await say({ kind: 'stopped' }); process.disconnect(); }
`;

let folder: string;
let dataDir: DataDir;
let db: MetastoreDb;
let script: string;
let supervisor: Supervisor;
const taskId = 1;

const supervise = (graceMs = 5000) =>
  new Supervisor({ db, dataDir, log: pino({ level: 'silent' }), script, graceMs });
const behave = (words: string) => writeFile(join(dataDir.root, 'behaviour'), words);

/** Waits for a condition, not for a time. */
async function until<T>(what: string, look: () => Promise<T | null | false | undefined>): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await supervisor.waitForChange(25, AbortSignal.timeout(1000));
  }
}
const inState = (runId: number, state: string) =>
  until(`run ${runId} is ${state}`, async () => {
    const row = await runRow(db, runId);
    return row.state === state && row;
  });
const attempt = async (runId: number, number: number) =>
  until(`attempt ${number} has a process`, async () =>
    (await attemptRows(db, runId)).find((row) => row.number === number && row.pid !== null),
  );

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-supervisor-'));
  dataDir = await prepareDataDir(join(folder, 'data'));
  db = await openMetastore(dataDir.metastore);
  script = join(folder, 'child.mjs');
  await writeFile(script, CHILD);
  const now = Date.now();
  await db.insertInto('folders').values({ name: 'f', created_at: now }).execute();
  const spec = JSON.stringify(
    TaskSpec.parse({
      dataSource: 1,
      database: 'd',
      parameters: { failover_limit: '1', runner_memory: '1000' },
    }),
  );
  await db
    .insertInto('tasks')
    .values({
      name: 't',
      source_key: 't',
      folder_id: 1,
      task_type: 281,
      draft_json: spec,
      published_version: 1,
      created_at: now,
      updated_at: now,
    })
    .execute();
  await db
    .insertInto('task_versions')
    .values({ task_id: 1, version: 1, spec_json: spec, published_at: now })
    .execute();
  supervisor = supervise();
});
afterEach(async () => {
  await supervisor.close();
  await db.destroy();
  await rm(folder, { recursive: true, force: true });
});

describe('a run', () => {
  it('runs, and stops when it is asked to', async () => {
    await behave('obey');
    const runId = await supervisor.start(taskId, 'resume', null);
    await inState(runId, 'running');
    await expect(supervisor.start(taskId, 'resume', null)).rejects.toMatchObject({ code: 'CONFLICT' });
    supervisor.stop(runId);
    const run = await inState(runId, 'stopped');
    expect(run).toMatchObject({ failovers: 0, error_json: null, ended_at: expect.any(Number) });
    const [only] = await attemptRows(db, runId);
    expect(only).toMatchObject({ number: 1, state: 'stopped', error_json: null });
    const log = await readFile(join(dataDir.root, only?.log_path ?? ''), 'utf8');
    expect(log).toContain('attempt 1 does obey');
    expect(log).toContain('--max-old-space-size=350');
    // And again: another run.
    expect(await supervisor.start(taskId, 'stateless', null)).toBe(runId + 1);
  });

  it('stops while it is still starting', async () => {
    await behave('obey');
    const runId = await supervisor.start(taskId, 'resume', null);
    supervisor.stop(runId);
    await inState(runId, 'stopped');
  });

  it('fails over when its process is killed, with the new attempt alone allowed to write', async () => {
    await behave('crash obey');
    const runId = await supervisor.start(taskId, 'resume', null);
    const waiting = await inState(runId, 'backing_off');
    expect(JSON.parse(waiting.error_json ?? '{}')).toMatchObject({
      code: 'RUNNER_DIED',
      message: expect.stringContaining('SIGKILL'),
    });
    const second = await attempt(runId, 2);
    expect(await inState(runId, 'running')).toMatchObject({ failovers: 1, error_json: null });
    const checkpoint = await db.selectFrom('checkpoints').select('attempt_id').executeTakeFirstOrThrow();
    expect(checkpoint.attempt_id).toBe(second.id);
    expect((await attemptRows(db, runId))[0]).toMatchObject({ state: 'failed', counted: 1, progressed: 0 });
  });

  it('has failed when it fails too often without progress', async () => {
    await behave('exit fault');
    const runId = await supervisor.start(taskId, 'resume', null);
    const run = await inState(runId, 'failed');
    expect(JSON.parse(run.error_json ?? '{}')).toMatchObject({
      code: 'FAILOVER_LIMIT',
      message: expect.stringContaining('INTERNAL: so it is'),
    });
    expect((await attemptRows(db, runId)).map((row) => JSON.parse(row.error_json ?? '{}').code)).toEqual([
      'RUNNER_DIED',
      'INTERNAL',
    ]);
  });

  it('goes on past the limit as long as there is progress', async () => {
    await behave('fault fault fault obey');
    const runId = await supervisor.start(taskId, 'resume', null);
    for (const number of [1, 2, 3]) {
      await attempt(runId, number);
      await db
        .updateTable('checkpoints')
        .set({ phase: 'incremental', position: `0/${number}` })
        .execute();
    }
    await attempt(runId, 4);
    await inState(runId, 'running');
  });

  it('has failed at once where a person must act', async () => {
    await behave('auth');
    const runId = await supervisor.start(taskId, 'resume', null);
    const run = await inState(runId, 'failed');
    expect(JSON.parse(run.error_json ?? '{}')).toEqual({
      code: 'SOURCE_AUTH',
      message: 'so it is',
      remedy: 'mend it',
    });
    expect(run.failovers).toBe(0);
  });

  it('waits for a source that is away, beyond any limit', async () => {
    await behave('away away obey');
    const runId = await supervisor.start(taskId, 'resume', null);
    await attempt(runId, 3);
    expect(await inState(runId, 'running')).toMatchObject({ failovers: 2 });
  });

  it('stops in the pause before the next attempt', async () => {
    await behave('away');
    const runId = await supervisor.start(taskId, 'resume', null);
    await inState(runId, 'backing_off');
    supervisor.stop(runId);
    await inState(runId, 'stopped');
  });

  it('is ended by force when it does not hear, and has stopped all the same', async () => {
    await supervisor.close();
    supervisor = supervise(200);
    await behave('deaf');
    const runId = await supervisor.start(taskId, 'resume', null);
    const { pid } = await attempt(runId, 1);
    await inState(runId, 'running');
    supervisor.stop(runId);
    await inState(runId, 'stopped');
    expect(await commandLine(pid ?? 0)).toBe('');
    expect(JSON.parse((await attemptRows(db, runId))[0]?.error_json ?? '{}').message).toContain('was killed');
  });

  it('fails when its script is missing, and says how', async () => {
    await supervisor.close();
    supervisor = new Supervisor({
      db,
      dataDir,
      log: pino({ level: 'silent' }),
      script: join(folder, 'none.mjs'),
    });
    const runId = await supervisor.start(taskId, 'resume', null);
    expect(JSON.parse((await inState(runId, 'failed')).error_json ?? '{}').message).toContain('exit code 1');
  });
});

describe('a server', () => {
  it('that shuts down leaves its runs to the next, which goes on without a failover', async () => {
    await behave('obey');
    const runId = await supervisor.start(taskId, 'resume', null);
    await inState(runId, 'running');
    await supervisor.close();
    expect((await runRow(db, runId)).state).toBe('running');
    expect((await attemptRows(db, runId)).map((row) => row.state)).toEqual(['stopped']);
    supervisor = supervise();
    await supervisor.recover();
    await attempt(runId, 2);
    expect(await inState(runId, 'running')).toMatchObject({ failovers: 0 });
  });

  it('ends what a killed one left behind, and goes on', async () => {
    await behave('obey');
    const runId = await supervisor.start(taskId, 'resume', null);
    const first = await attempt(runId, 1);
    await inState(runId, 'running');
    await supervisor.close();
    // As after SIGKILL of the server, with a runner that did not notice.
    await behave('deaf obey');
    const orphan = fork(script, ['--data-dir', dataDir.root, '--attempt', String(first.id)], {
      silent: true,
    });
    const gone = new Promise((resolve) => orphan.once('exit', (_, signal) => resolve(signal)));
    await new Promise((resolve) => orphan.once('message', resolve));
    await db
      .updateTable('attempts')
      .set({ state: 'running', pid: orphan.pid ?? null })
      .execute();
    supervisor = supervise();
    await supervisor.recover();
    expect(await gone).toBe('SIGKILL');
    expect((await attemptRows(db, runId))[0]).toMatchObject({ state: 'failed', counted: 0 });
    await attempt(runId, 2);
    await inState(runId, 'running');
  });

  it('never ends a stranger that has the process id of a runner by now', async () => {
    await behave('obey');
    const runId = await supervisor.start(taskId, 'resume', null);
    await inState(runId, 'running');
    await supervisor.close();
    await db.updateTable('attempts').set({ state: 'running', pid: process.pid }).execute();
    supervisor = supervise();
    await supervisor.recover();
    await attempt(runId, 2);
  });

  it('that was killed while a run stopped finds it stopped', async () => {
    await behave('obey');
    const runId = await supervisor.start(taskId, 'resume', null);
    await inState(runId, 'running');
    await supervisor.close();
    await db.updateTable('runs').set({ state: 'stopping' }).execute();
    supervisor = supervise();
    await supervisor.recover();
    await inState(runId, 'stopped');
  });
});

import { type ChildProcess, fork } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem, SluiceError, TableVerdict, type Verification } from '@sluice/contract';
import { z } from 'zod';
import { type Control, isoTime } from './context.ts';
import { findNamed } from './references.ts';
import { isEnded } from './run-machine.ts';
import { newestRun } from './run-rows.ts';

/** What a verifier says over IPC (verify/verifier.ts). */
const Said = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('verdict'), verdict: TableVerdict }),
  z.object({ kind: z.literal('done') }),
  z.object({ kind: z.literal('failed'), error: Problem }),
]);

const KEPT = 50;

interface Entry {
  view: Verification;
  readonly ended: Promise<void>;
  readonly child: ChildProcess;
}

/** Comparisons of lake and source, one at a time a task; they are forgotten with the server. */
export class Verifications {
  readonly #script: string;
  readonly #entries = new Map<number, Entry>();
  #last = 0;

  /** @param script the built verifier */
  constructor(script: string) {
    this.#script = script;
  }

  /** @throws SluiceError CONFLICT where the task does not run, or is being compared */
  async start(control: Control, ref: string, tables: readonly string[]): Promise<Verification> {
    const task = await findNamed(control.db, 'tasks', ref);
    const run = await newestRun(control.db, task.id);
    if (run === null || isEnded(run.state))
      throw new SluiceError(
        'CONFLICT',
        `The task ${task.name} does not run: what it has not read yet would look like a difference.`,
        { remedy: 'Start it, then compare.' },
      );
    const busy = [...this.#entries.values()].some(
      ({ view }) => view.taskId === task.id && view.state === 'running',
    );
    if (busy) throw new SluiceError('CONFLICT', `The task ${task.name} is being compared already.`);
    return this.#fork(control, task.id, tables).view;
  }

  #fork(control: Control, taskId: number, tables: readonly string[]): Entry {
    const id = ++this.#last;
    const { SLUICE_TOKEN: _, ...env } = process.env;
    const place = ['--data-dir', control.dataDir.root, '--task', String(taskId), '--number', String(id)];
    const child = fork(this.#script, [...place, '--', ...tables], {
      execArgv: ['--max-old-space-size=512'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env,
    });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-2000);
    });
    let finish: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const entry: Entry = {
      view: {
        id,
        taskId,
        state: 'running',
        startedAt: isoTime(Date.now()),
        endedAt: null,
        equal: null,
        error: null,
        tables: [],
      },
      ended,
      child,
    };
    const end = (state: 'done' | 'failed', error: Problem | null): void => {
      if (entry.view.state !== 'running') return;
      const equal =
        state === 'done' ? entry.view.tables.every(({ verdict }) => verdict !== 'different') : null;
      entry.view = { ...entry.view, state, error, equal, endedAt: isoTime(Date.now()) };
    };
    child.on('message', (message) => {
      const said = Said.safeParse(message);
      if (!said.success) return;
      if (said.data.kind === 'verdict')
        entry.view = { ...entry.view, tables: [...entry.view.tables, said.data.verdict] };
      else end(said.data.kind, said.data.kind === 'failed' ? said.data.error : null);
    });
    child.on('error', (error) => {
      end('failed', died(error.message));
      finish();
    });
    child.on('close', (code, signal) => {
      if (stderr !== '') control.log.warn({ verification: id, stderr }, 'a comparison wrote to stderr');
      end('failed', died(`It ended with ${signal ?? `exit code ${code}`}.`));
      void rm(join(control.dataDir.work, `verify-${id}`), { recursive: true, force: true })
        .catch(() => {})
        .finally(finish);
    });
    this.#entries.set(id, entry);
    for (const old of [...this.#entries.keys()].slice(0, -KEPT))
      if (this.#entries.get(old)?.view.state !== 'running') this.#entries.delete(old);
    return entry;
  }

  async list(control: Control, ref: string): Promise<Verification[]> {
    const task = await findNamed(control.db, 'tasks', ref);
    return [...this.#entries.values()]
      .filter(({ view }) => view.taskId === task.id)
      .map(({ view }) => view)
      .reverse();
  }

  /** Answers when it has ended, or when the signal aborts. @throws SluiceError NOT_FOUND */
  async get(id: number, signal: AbortSignal): Promise<Verification> {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new SluiceError('NOT_FOUND', `There is no comparison ${id}.`);
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    if (entry.view.state === 'running') await Promise.race([entry.ended, aborted]);
    return entry.view;
  }

  async close(): Promise<void> {
    const running = [...this.#entries.values()].filter(({ view }) => view.state === 'running');
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
  }
}

function died(how: string): Problem {
  return {
    code: 'RUNNER_DIED',
    message: `The process of the comparison ended without a word. ${how}`,
    remedy: 'See the log of the server, and compare again.',
  };
}

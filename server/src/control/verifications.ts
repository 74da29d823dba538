import { type ChildProcess, fork } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem, SluiceError, sourceTableText, TableVerdict, type Verification } from '@sluice/contract';
import { z } from 'zod';
import { callerName } from '../model/caller.ts';
import { recordEvent } from '../store/events.ts';
import {
  beginVerification,
  endVerification,
  equalOf,
  failVerifications,
  readVerification,
  readVerifications,
} from '../store/verifications.ts';
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

/** A comparison under way. */
interface Running {
  view: Verification;
  child: ChildProcess | null;
  /** Resolves when what it found is in the metastore. */
  readonly ended: Promise<void>;
}

/** Comparisons of lake and source, one at a time a task. */
export class Verifications {
  readonly #script: string;
  readonly #running = new Map<number, Running>();
  /** Tasks whose comparison is about to be in `#running`. */
  readonly #starting = new Set<number>();

  /** @param script the built verifier */
  constructor(script: string) {
    this.#script = script;
  }

  /** Those of an earlier server ended with it. */
  async recover(control: Control): Promise<void> {
    await failVerifications(control.db, died('The server ended meanwhile.'));
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
    if (this.busy(task.id))
      throw new SluiceError('CONFLICT', `The task ${task.name} is being compared already.`);
    this.#starting.add(task.id);
    try {
      const view = await beginVerification(control.db, task.id, callerName());
      this.#running.set(view.id, this.#fork(control, view, tables));
      return view;
    } finally {
      this.#starting.delete(task.id);
    }
  }

  busy(taskId: number): boolean {
    return (
      this.#starting.has(taskId) || [...this.#running.values()].some(({ view }) => view.taskId === taskId)
    );
  }

  #fork(control: Control, view: Verification, tables: readonly string[]): Running {
    const { id, taskId } = view;
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
    const running: Running = { view, child, ended };
    // It is told when it is kept: until then it runs.
    let end: Pick<Verification, 'state' | 'error'> | null = null;
    child.on('message', (message) => {
      const said = Said.safeParse(message);
      // A verdict that is lost must not look like a table without differences.
      if (!said.success) {
        end = { state: 'failed', error: died('It said what this server does not understand.') };
        child.kill('SIGKILL');
        return;
      }
      if (said.data.kind === 'verdict')
        running.view = { ...running.view, tables: [...running.view.tables, said.data.verdict] };
      else end ??= { state: said.data.kind, error: said.data.kind === 'failed' ? said.data.error : null };
    });
    const closed = async (how: string): Promise<void> => {
      if (stderr !== '') control.log.warn({ verification: id, stderr }, 'a comparison wrote to stderr');
      const { state, error } = end ?? { state: 'failed', error: died(how) };
      const { tables } = running.view;
      const ended = {
        ...running.view,
        state,
        error,
        equal: equalOf(state, tables),
        endedAt: isoTime(Date.now()),
      };
      await rm(join(control.dataDir.work, `verify-${id}`), { recursive: true, force: true }).catch(() => {});
      await record(control, ended).catch((error: unknown) =>
        control.log.error({ err: error, verification: id }, 'recording a comparison'),
      );
      running.view = ended;
      this.#running.delete(id);
      finish();
    };
    let left = false;
    const leave = (how: string): void => {
      if (left) return;
      left = true;
      void closed(how);
    };
    child.on('error', (error) => leave(error.message));
    child.on('close', (code, signal) => leave(`It ended with ${signal ?? `exit code ${code}`}.`));
    return running;
  }

  /** Newest first. */
  async list(control: Control, ref: string): Promise<Verification[]> {
    const task = await findNamed(control.db, 'tasks', ref);
    const kept = await readVerifications(control.db, task.id);
    return kept.map((one) => this.#running.get(one.id)?.view ?? one);
  }

  /** Answers when it has ended, or when the signal aborts. @throws SluiceError NOT_FOUND */
  async get(control: Control, id: number, signal: AbortSignal): Promise<Verification> {
    const running = this.#running.get(id);
    if (running !== undefined) {
      const aborted = new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([running.ended, aborted]);
      return running.view;
    }
    const kept = await readVerification(control.db, id);
    if (kept === null) throw new SluiceError('NOT_FOUND', `There is no comparison ${id}.`);
    return kept;
  }

  async close(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { child } of running) child?.kill('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
  }
}

/** What it found, and that it was made: the timeline tells a difference that nobody looks for. */
async function record(control: Control, view: Verification): Promise<void> {
  const { state, error, tables } = view;
  const of = (verdict: TableVerdict['verdict']): number =>
    tables.filter((one) => one.verdict === verdict).length;
  const wrong = tables.filter(({ verdict }) => verdict === 'different');
  await control.db.transaction().execute(async (transaction) => {
    await endVerification(transaction, view, Date.parse(view.endedAt ?? isoTime(Date.now())));
    await recordEvent(transaction, {
      kind: 'task.compared',
      taskId: view.taskId,
      by: view.by,
      detail: {
        verification: view.id,
        state,
        equal: of('equal'),
        different: wrong.map(
          ({ source, missing, extra, changed }) =>
            `${sourceTableText(source)} (${missing} missing, ${extra} extra, ${changed} changed)`,
        ),
        unsettled: of('unsettled'),
        skipped: of('skipped'),
        code: error?.code ?? null,
        message: error?.message ?? null,
      },
    });
  });
  if (wrong.length > 0)
    control.log.warn(
      { verification: view.id, task: view.taskId, tables: wrong.length },
      'lake and source differ',
    );
}

function died(how: string): Problem {
  return {
    code: 'RUNNER_DIED',
    message: `The process of the comparison ended before it was done. ${how}`,
    remedy: 'See the log of the server, and compare again.',
  };
}

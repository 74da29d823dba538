import { EventEmitter, once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ERRORS,
  type Problem,
  parseParameters,
  type RunState,
  SluiceError,
  type StartMode,
} from '@sluice/contract';
import { within } from '../model/deadline.ts';
import type { DataDir } from '../store/data-dir.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import { progressMark } from '../store/progress.ts';
import type { Logger } from '../telemetry/log.ts';
import { judgeFailure, pauseAfter } from './failover.ts';
import { endOrphan } from './orphans.ts';
import { Pulses } from './pulses.ts';
import { isEnded, RUN_MACHINE, type RunEvent } from './run-machine.ts';
import {
  attemptRows,
  endAttempt,
  insertAttempt,
  insertRun,
  runRow,
  setRunState,
  specOfVersion,
} from './run-rows.ts';
import { heapOf, type RunnerEnd, RunnerProcess } from './runner-process.ts';

export interface SupervisorOptions {
  readonly db: MetastoreDb;
  readonly dataDir: DataDir;
  readonly log: Logger;
  /** The built runner. */
  readonly script: string;
  /** How long a runner that was asked to stop may take. */
  readonly graceMs?: number;
}

/** Logs of older attempts of a run are deleted. */
const KEPT_LOGS = 50;
/** Pause before a step is tried again that the metastore refused (locked, disk full). */
const STEP_RETRY_MS = 2000;

interface ActiveRun {
  /** What happens to a run happens one after the other. */
  queue: Promise<void>;
  process: RunnerProcess | null;
  timer: NodeJS.Timeout | null;
}

/** Keeps one process alive for every run that is to be running. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #runs = new Map<number, ActiveRun>();
  readonly #unwritten = new Map<number, Problem>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #closing = false;
  readonly pulses = new Pulses();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Goes on with the runs that an earlier server left, once nothing of it lives any more. */
  async recover(): Promise<void> {
    const { db, dataDir, log } = this.#options;
    const left = await db
      .selectFrom('attempts')
      .innerJoin('runs', 'runs.id', 'attempts.run_id')
      .select(['attempts.id', 'attempts.pid', 'attempts.run_id'])
      .where('attempts.state', '=', 'running')
      .execute();
    for (const attempt of left) {
      if (attempt.pid !== null && (await endOrphan(attempt.pid, attempt.id, dataDir.root)))
        log.warn({ run: attempt.run_id, pid: attempt.pid }, 'ended a runner of an earlier server');
      const error = problem('RUNNER_DIED', 'The server ended while the attempt ran.');
      await endAttempt(db, attempt.id, { state: 'failed', error, progressed: false, counted: false });
    }
    const runs = await db
      .selectFrom('runs')
      .select('id')
      .where('state', 'not in', ['stopped', 'failed'])
      .execute();
    for (const run of runs) this.#happen(run.id, 'recovered', null);
  }

  /** @throws SluiceError CONFLICT where the task is not published, or a run of it has not ended */
  async start(taskId: number, mode: StartMode, position: string | null): Promise<number> {
    if (this.#closing) throw new SluiceError('CONFLICT', 'The server is shutting down.');
    const runId = await insertRun(this.#options.db, taskId, mode, position);
    this.#later(runId, () => this.#begin(runId, false));
    return runId;
  }

  /** Asks a run to stop; `waitForChange` tells when it has. */
  stop(runId: number): void {
    this.#happen(runId, 'stop_asked', null);
  }

  /** Tells a run that what it is to do has changed in the metastore. One that has no process now reads it at its next beginning. */
  look(runId: number): void {
    this.#runs.get(runId)?.process?.look();
  }

  /** Has a run look at its source's catalog (RunnerProcess). @returns false where no process of it has done so */
  async lookAtCatalog(runId: number): Promise<boolean> {
    return (await this.#runs.get(runId)?.process?.lookAtCatalog()) ?? false;
  }

  /** Resolves when some run has changed its state, after `ms`, or when the signal aborts. */
  async waitForChange(ms: number, signal: AbortSignal): Promise<void> {
    await once(this.#changes, 'change', { signal: within(signal, ms) }).catch(() => {});
  }

  /** Stops every runner and leaves the runs as they are: the next server goes on with them. */
  async close(): Promise<void> {
    this.#closing = true;
    const ends: Promise<unknown>[] = [];
    for (const run of this.#runs.values()) {
      if (run.timer !== null) clearTimeout(run.timer);
      run.timer = null;
    }
    // A step under way may be making a process right now: first it ends, then the process is asked.
    await Promise.all([...this.#runs.values()].map((run) => run.queue));
    for (const run of this.#runs.values()) {
      if (run.process === null) continue;
      run.process.stop();
      ends.push(run.process.ended);
    }
    await Promise.all(ends);
    await Promise.all([...this.#runs.values()].map((run) => run.queue));
    this.#changes.emit('change');
  }

  /** What keeps a run's last step from being written down (a full disk holds the metastore too); null: nothing does. */
  trouble(runId: number): Problem | null {
    return this.#unwritten.get(runId) ?? null;
  }

  #active(runId: number): ActiveRun {
    let run = this.#runs.get(runId);
    if (run === undefined) {
      run = { queue: Promise.resolve(), process: null, timer: null };
      this.#runs.set(runId, run);
    }
    return run;
  }

  #happen(runId: number, event: RunEvent, error: Problem | null, pauseMs = 0): void {
    this.#later(runId, () => this.#step(runId, event, error, pauseMs));
  }

  /** Queues a step. One that the metastore refuses for now is tried again; any other failure ends the run. */
  #later(runId: number, first: () => Promise<void>): void {
    const run = this.#active(runId);
    run.queue = run.queue.then(async () => {
      for (let step = first; ; ) {
        try {
          await step();
          this.#unwritten.delete(runId);
          break;
        } catch (thrown) {
          const error = SluiceError.from(thrown);
          this.#options.log.error({ run: runId, err: error }, 'a step of a run failed');
          const passing = ['METASTORE_BUSY', 'STORAGE_FULL', 'STORAGE_FAILED'].includes(error.code);
          if (this.#closing) break;
          if (!passing && step !== first) break;
          if (!passing) {
            run.process?.stop();
            // That is written down as patiently: a run that looks as if it went on would never be started again.
            step = () => setRunState(this.#options.db, runId, 'failed', error.toBody().error);
            continue;
          }
          this.#unwritten.set(runId, error.toBody().error);
          this.#changes.emit('change');
          await new Promise((resolve) => setTimeout(resolve, STEP_RETRY_MS));
        }
      }
      this.#changes.emit('change');
    });
  }

  async #step(runId: number, event: RunEvent, error: Problem | null, pauseMs: number): Promise<void> {
    const { db, log } = this.#options;
    const active = this.#active(runId);
    const row = await runRow(db, runId);
    const state = row.state as RunState;
    const { next, action } = RUN_MACHINE[state][event];
    if (next !== state) log.info({ run: runId, event, from: state, to: next }, 'run');
    if (action === 'begin_attempt' || action === 'fail_over')
      return this.#begin(runId, action === 'fail_over');
    if (next !== state) {
      // While it is stopping or running, what was wrong before stays visible; a new error replaces it.
      const kept =
        row.error_json === null || next === 'running' || next === 'stopped'
          ? null
          : JSON.parse(row.error_json);
      await setRunState(db, runId, next, error ?? kept);
    }
    if (action === 'ask_process_to_stop') active.process?.stop();
    if (action === 'pause' && !this.#closing)
      active.timer = setTimeout(() => this.#happen(runId, 'pause_over', null), pauseMs);
    if (action === 'end_stopped' || action === 'end_failed') {
      if (active.timer !== null) clearTimeout(active.timer);
      active.timer = null;
      if (active.process === null) this.#runs.delete(runId);
    }
  }

  async #begin(runId: number, failover: boolean): Promise<void> {
    if (this.#closing) return;
    const { db, dataDir, log, script, graceMs = 30_000 } = this.#options;
    const active = this.#active(runId);
    const run = await runRow(db, runId);
    if (isEnded(run.state) || run.state === 'stopping' || active.process !== null) return;
    const spec = await specOfVersion(db, run.task_id, run.version);
    const parameters = parseParameters(spec.parameters);
    const before = await progressMark(db, run.task_id);
    const attempt = await insertAttempt(db, run, failover);
    if (attempt.number > KEPT_LOGS) await this.#dropLog(runId, attempt.number - KEPT_LOGS);
    const runner = new RunnerProcess({
      script,
      dataDir: dataDir.root,
      attemptId: attempt.id,
      heapMb: heapOf(parameters.runnerMemory),
      logFile: join(dataDir.root, attempt.logPath),
      graceMs,
      onPhase: (phase) => {
        log.info({ run: runId, attempt: attempt.number, phase }, 'phase');
        this.#changes.emit('change');
      },
      onPulse: (pulse) => this.pulses.beat(run.task_id, attempt.id, pulse),
    });
    active.process = runner;
    log.info({ run: runId, attempt: attempt.number, pid: runner.pid, failover }, 'attempt began');
    void runner.ended.then((end) => {
      active.process = null;
      this.pulses.ended(run.task_id, attempt.id);
      this.#later(runId, () => this.#ended(runId, attempt.id, end, before));
    });
    const { pid } = runner;
    if (pid === null) return;
    this.#later(runId, async () => {
      await db.updateTable('attempts').set({ pid }).where('id', '=', attempt.id).execute();
      await this.#step(runId, 'spawned', null, 0);
    });
  }

  async #ended(runId: number, attemptId: number, end: RunnerEnd, before: string): Promise<void> {
    const { db, log } = this.#options;
    const run = await runRow(db, runId);
    const progressed = (await progressMark(db, run.task_id)) !== before;
    const asked = run.state === 'stopping' || this.#closing;
    log.info({ run: runId, attempt: attemptId, end, progressed }, 'attempt ended');
    if (end.kind === 'stopped') {
      await endAttempt(db, attemptId, { state: 'stopped', error: null, progressed, counted: false });
      if (asked && run.state !== 'stopping') return;
      return this.#step(runId, 'attempt_stopped', null, pauseAfter(1));
    }
    const spec = await specOfVersion(db, run.task_id, run.version);
    const parameters = parseParameters(spec.parameters);
    const past = (await attemptRows(db, runId)).filter(
      (row) => row.state === 'failed' && row.id !== attemptId,
    );
    const verdict = judgeFailure(
      end.error,
      progressed,
      past.map((row) => ({
        endedAt: row.ended_at ?? 0,
        progressed: row.progressed === 1,
        counted: row.counted === 1,
      })),
      // A run that is to end anyway does not fail for how often it failed before.
      {
        limit: asked ? Number.POSITIVE_INFINITY : parameters.failoverLimit,
        windowMs: parameters.failoverWindow,
      },
      Date.now(),
    );
    const counted = verdict.kind === 'retry' ? verdict.counted && !asked : false;
    await endAttempt(db, attemptId, { state: 'failed', error: end.error, progressed, counted });
    if (verdict.kind === 'give_up') return this.#step(runId, 'attempt_gave_up', verdict.error, 0);
    if (asked && run.state !== 'stopping') return;
    return this.#step(runId, 'attempt_failed', end.error, verdict.pauseMs);
  }

  async #dropLog(runId: number, number: number): Promise<void> {
    const file = join(this.#options.dataDir.logs, `run-${runId}`, `attempt-${number}.log`);
    for (const path of [file, `${file}.1`]) await rm(path, { force: true });
  }
}

function problem(code: 'RUNNER_DIED', message: string): Problem {
  return { code, message, remedy: ERRORS[code].remedy };
}

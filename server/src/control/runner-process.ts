import { type ChildProcess, fork } from 'node:child_process';
import type { Problem } from '@sluice/contract';
import { ERRORS } from '@sluice/contract';
import { z } from 'zod';
import type { Pulse } from '../model/pulse.ts';
import { AttemptLogWriter } from './attempt-log.ts';

/** model/pulse.ts */
const RunnerPulse = z.object({
  logBytes: z.number(),
  loadBytes: z.number(),
  commits: z.array(
    z.object({
      durationMs: z.number(),
      latencyMs: z.number().nullable(),
      laneIds: z.array(z.number()),
    }),
  ),
  waitingLines: z.number(),
  waitingBytes: z.number(),
  oldestWaitingMs: z.number().nullable(),
  lagBytes: z.number().nullable(),
  lagMs: z.number().nullable(),
  loads: z.array(z.object({ laneId: z.number(), rowsPerSecond: z.number(), chunksPerSecond: z.number() })),
  rssBytes: z.number(),
  heapBytes: z.number(),
});

/** What a runner says over IPC (sync/runner.ts). */
const RunnerMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('phase'), phase: z.string() }),
  z.object({
    kind: z.literal('failed'),
    error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }),
  }),
  z.object({ kind: z.literal('stopped') }),
  z.object({ kind: z.literal('pulse'), pulse: RunnerPulse }),
  z.object({ kind: z.literal('looked'), look: z.number() }),
]);

/** How an attempt's process ended. */
export type RunnerEnd = { readonly kind: 'stopped' } | { readonly kind: 'failed'; readonly error: Problem };

export interface RunnerOptions {
  /** The built script. */
  readonly script: string;
  readonly dataDir: string;
  readonly attemptId: number;
  readonly heapMb: number;
  readonly logFile: string;
  readonly graceMs: number;
  readonly onPhase: (phase: string) => void;
  readonly onPulse: (pulse: Pulse) => void;
}

/** A runner that has said its last word has this long to end. */
const LAST_WORD_MS = 10_000;

/** Part of runner_memory that V8's heap may take; DuckDB, buffers and code share the rest. */
export const heapOf = (runnerMemoryMb: number): number => Math.max(128, Math.floor(runnerMemoryMb * 0.35));

/**
 * Node's pool runs DuckDB's statements and every call to the file system. With its usual four the fsyncs of one table
 * wait behind the statements of others.
 */
const POOL_THREADS = '8';

/**
 * glibc gives each thread of the pool an arena of its own, and what a large statement took for its plan stays there: 27 MiB a
 * thread after half an hour of a steady load.
 */
const ARENAS = '2';

/** The process of one attempt. */
export class RunnerProcess {
  readonly #child: ChildProcess;
  readonly #options: RunnerOptions;
  #said: RunnerEnd | null = null;
  #killed: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Resolves, never rejects, when the process is gone and its log is complete. */
  readonly ended: Promise<RunnerEnd>;

  constructor(options: RunnerOptions) {
    this.#options = options;
    const { SLUICE_TOKEN: _, ...env } = process.env;
    const log = new AttemptLogWriter(options.logFile);
    this.#child = fork(
      options.script,
      ['--data-dir', options.dataDir, '--attempt', String(options.attemptId)],
      {
        execArgv: [`--max-old-space-size=${options.heapMb}`],
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        serialization: 'json',
        env: { UV_THREADPOOL_SIZE: POOL_THREADS, MALLOC_ARENA_MAX: ARENAS, ...env },
      },
    );
    this.#child.stdout?.on('data', (chunk: Buffer) => log.write(chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => log.write(chunk));
    this.#child.on('message', (message) => this.#hear(message));
    this.ended = new Promise((resolve) => {
      let failure: Error | null = null;
      this.#child.on('error', (error) => {
        failure = error;
        // A process that was never made does not close.
        if (this.#child.pid === undefined) finish(null, null);
      });
      const finish = (code: number | null, signal: NodeJS.Signals | null) => {
        if (this.#timer !== null) clearTimeout(this.#timer);
        log.close();
        resolve(this.#said ?? { kind: 'failed', error: this.#died(code, signal, failure) });
      };
      this.#child.once('close', finish);
    });
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** Asks it to stop; after the grace it is killed. */
  stop(): void {
    if (this.#child.connected) this.#child.send({ kind: 'stop' }, () => {});
    const { graceMs } = this.#options;
    this.#killAfter(graceMs, `It did not stop within ${graceMs / 1000} s and was killed.`);
  }

  /** What it is to do stands in the metastore and has changed there. */
  look(): void {
    if (this.#child.connected) this.#child.send({ kind: 'look' }, () => {});
  }

  readonly #looks = new Map<number, (done: boolean) => void>();
  #lastLook = 0;

  /**
   * Has it look at the source's catalog. Resolves with true when whatever that has shown is committed, and with false
   * when the process ended before.
   */
  async lookAtCatalog(): Promise<boolean> {
    const look = ++this.#lastLook;
    const answered = new Promise<boolean>((resolve) => this.#looks.set(look, resolve));
    if (this.#child.connected) this.#child.send({ kind: 'look', look }, () => {});
    const done = await Promise.race([answered, this.ended.then(() => false)]);
    this.#looks.delete(look);
    return done;
  }

  #hear(message: unknown): void {
    const parsed = RunnerMessage.safeParse(message);
    if (!parsed.success) return;
    if (parsed.data.kind === 'pulse') {
      this.#options.onPulse(parsed.data.pulse);
      return;
    }
    if (parsed.data.kind === 'looked') {
      this.#looks.get(parsed.data.look)?.(true);
      return;
    }
    if (parsed.data.kind === 'phase') {
      this.#options.onPhase(parsed.data.phase);
      return;
    }
    this.#said ??= parsed.data;
    this.#killAfter(LAST_WORD_MS, 'It did not end after its last word and was killed.');
  }

  #killAfter(ms: number, reason: string): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#killed = reason;
      this.#child.kill('SIGKILL');
    }, ms);
  }

  #died(code: number | null, signal: string | null, failure: Error | null): Problem {
    const how =
      this.#killed ??
      (failure !== null
        ? `It could not be started: ${failure.message}.`
        : signal !== null
          ? `It was ended by ${signal}.`
          : `It ended with exit code ${code}.`);
    return {
      code: 'RUNNER_DIED',
      message: `The process of the run ended without a word. ${how}`,
      remedy: ERRORS.RUNNER_DIED.remedy,
    };
  }
}

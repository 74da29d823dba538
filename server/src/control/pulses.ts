import type { Pulse } from '../model/pulse.ts';

export type OnPulse = (taskId: number, attemptId: number, pulse: Pulse) => void;

/** How long a commit's latency counts as of now. */
const RECENT_MS = 60_000;
/** A pulse comes every two seconds. */
const FRESH_MS = 15_000;

interface Heard {
  readonly attemptId: number;
  readonly pulse: Pulse;
  readonly at: number;
  readonly latencies: readonly { readonly at: number; readonly ms: number }[];
}

/** The last word of each task's living process; who wants every one of them listens. */
export class Pulses {
  readonly #last = new Map<number, Heard>();
  readonly #listeners = new Set<OnPulse>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  beat(taskId: number, attemptId: number, pulse: Pulse): void {
    const at = this.#now();
    const before = this.#last.get(taskId);
    const kept =
      before?.attemptId === attemptId ? before.latencies.filter((one) => at - one.at < RECENT_MS) : [];
    const added = pulse.commits.flatMap(({ latencyMs }) =>
      latencyMs === null ? [] : [{ at, ms: latencyMs }],
    );
    this.#last.set(taskId, { attemptId, pulse, at, latencies: [...kept, ...added] });
    for (const listener of this.#listeners) listener(taskId, attemptId, pulse);
  }

  /** The process is gone: what it said last is true no more. */
  ended(taskId: number, attemptId: number): void {
    if (this.#last.get(taskId)?.attemptId === attemptId) this.#last.delete(taskId);
  }

  /** What a process said that is not silent; null: none, or one that is. */
  fresh(taskId: number): Pulse | null {
    const heard = this.#last.get(taskId);
    return heard === undefined || this.#now() - heard.at > FRESH_MS ? null : heard.pulse;
  }

  of(taskId: number): { readonly pulse: Pulse; readonly at: number } | null {
    return this.#last.get(taskId) ?? null;
  }

  /**
   * How late a task is by what its process said: the worst of what became visible in the last minute and of what
   * still waits. What a process that fell silent left waiting grows older. null: no process.
   */
  lateness(taskId: number): { readonly latencyMs: number; readonly lagMs: number | null } | null {
    const heard = this.#last.get(taskId);
    if (heard === undefined) return null;
    const now = this.#now();
    const age = now - heard.at;
    const { oldestWaitingMs, lagMs } = heard.pulse;
    const recent = heard.latencies.filter((one) => now - one.at < RECENT_MS).map((one) => one.ms);
    const waiting = oldestWaitingMs === null ? 0 : oldestWaitingMs + age;
    return {
      latencyMs: Math.max(0, waiting, ...recent),
      lagMs: lagMs === null ? null : lagMs + (lagMs > 0 || age > RECENT_MS ? age : 0),
    };
  }

  /** @returns what ends the listening */
  listen(listener: OnPulse): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

import type { Pulse } from '../model/pulse.ts';

export type OnPulse = (taskId: number, attemptId: number, pulse: Pulse) => void;

/** The last word of each task's living process; who wants every one of them listens. */
export class Pulses {
  readonly #last = new Map<
    number,
    { readonly attemptId: number; readonly pulse: Pulse; readonly at: number }
  >();
  readonly #listeners = new Set<OnPulse>();

  beat(taskId: number, attemptId: number, pulse: Pulse): void {
    this.#last.set(taskId, { attemptId, pulse, at: Date.now() });
    for (const listener of this.#listeners) listener(taskId, attemptId, pulse);
  }

  /** The process is gone: what it said last is true no more. */
  ended(taskId: number, attemptId: number): void {
    if (this.#last.get(taskId)?.attemptId === attemptId) this.#last.delete(taskId);
  }

  of(taskId: number): { readonly pulse: Pulse; readonly at: number } | null {
    return this.#last.get(taskId) ?? null;
  }

  /** @returns what ends the listening */
  listen(listener: OnPulse): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

import type { Pulse } from '../model/pulse.ts';
import type { Instruments } from './instruments.ts';

/** What runs tell by their pulses. Sums go on over attempts: only what a process counted since its last pulse is added. */
export class RunMetrics {
  readonly #run: Instruments['run'];
  readonly #seen = new Map<number, { readonly attemptId: number; readonly pulse: Pulse }>();

  constructor(run: Instruments['run']) {
    this.#run = run;
  }

  hear(taskId: number, attemptId: number, task: string, pulse: Pulse): void {
    const last = this.#seen.get(taskId);
    const before = last?.attemptId === attemptId ? last.pulse : null;
    this.#seen.set(taskId, { attemptId, pulse });
    const added = (now: number, then: number | undefined): number => Math.max(0, now - (then ?? 0));
    this.#run.readBytes.inc({ task, from: 'log' }, added(pulse.logBytes, before?.logBytes));
    this.#run.readBytes.inc({ task, from: 'load' }, added(pulse.loadBytes, before?.loadBytes));
    for (const commit of pulse.commits) {
      this.#run.commitSeconds.observe({ task }, commit.durationMs / 1000);
      if (commit.latencyMs !== null) this.#run.latencySeconds.observe({ task }, commit.latencyMs / 1000);
    }
  }

  /** The gauges, of processes that live. */
  show(living: readonly { readonly task: string; readonly pulse: Pulse }[]): void {
    const run = this.#run;
    for (const gauge of [
      run.waitingLines,
      run.waitingBytes,
      run.oldestWaiting,
      run.lagBytes,
      run.lagSeconds,
      run.memory,
    ])
      gauge.reset();
    for (const { task, pulse } of living) {
      run.waitingLines.set({ task }, pulse.waitingLines);
      run.waitingBytes.set({ task }, pulse.waitingBytes);
      run.oldestWaiting.set({ task }, (pulse.oldestWaitingMs ?? 0) / 1000);
      if (pulse.lagBytes !== null) run.lagBytes.set({ task }, pulse.lagBytes);
      if (pulse.lagMs !== null) run.lagSeconds.set({ task }, pulse.lagMs / 1000);
      run.memory.set({ task, kind: 'resident' }, pulse.rssBytes);
      run.memory.set({ task, kind: 'heap' }, pulse.heapBytes);
    }
  }

  /** Tasks that are gone, or bear another name: their series end. */
  forget(taskIds: ReadonlySet<number>, names: ReadonlySet<string>): void {
    for (const id of this.#seen.keys()) if (!taskIds.has(id)) this.#seen.delete(id);
    for (const name of this.#names) {
      if (names.has(name)) continue;
      this.#names.delete(name);
      this.#run.commitSeconds.remove({ task: name });
      this.#run.latencySeconds.remove({ task: name });
      for (const from of ['log', 'load']) this.#run.readBytes.remove({ task: name, from });
    }
    for (const name of names) this.#names.add(name);
  }
  readonly #names = new Set<string>();
}

import type { PacePoint } from '@sluice/contract';
import type { Pulse } from '../model/pulse.ts';
import { isoTime } from './context.ts';
import type { Pulses } from './pulses.ts';

/** Half an hour of pulses, one every two seconds. */
const KEPT = 900;

interface Counted {
  readonly attemptId: number;
  readonly at: number;
  readonly bytes: number;
}

/** How each running task has fared of late, for who looks at it: made from the pulses of its processes. */
export class PaceHistory {
  readonly #points = new Map<number, PacePoint[]>();
  readonly #counted = new Map<number, Counted>();
  readonly #deaf: () => void;

  constructor(pulses: Pulses, now: () => number = Date.now) {
    this.#deaf = pulses.listen((taskId, attemptId, pulse) => this.#take(taskId, attemptId, pulse, now()));
  }

  #take(taskId: number, attemptId: number, pulse: Pulse, at: number): void {
    const counted = { attemptId, at, bytes: pulse.logBytes + pulse.loadBytes };
    const before = this.#counted.get(taskId);
    this.#counted.set(taskId, counted);
    const points = this.#points.get(taskId) ?? [];
    points.push(pacePoint(pulse, before?.attemptId === attemptId ? before : null, counted));
    if (points.length > KEPT) points.splice(0, points.length - KEPT);
    this.#points.set(taskId, points);
  }

  of(taskId: number): readonly PacePoint[] {
    return this.#points.get(taskId) ?? [];
  }

  close(): void {
    this.#deaf();
  }
}

/** Sums are of one process: the first pulse of an attempt has nothing before it to be measured against. */
export function pacePoint(pulse: Pulse, before: Counted | null, counted: Counted): PacePoint {
  const seconds = before === null ? 0 : (counted.at - before.at) / 1000;
  const latencies = pulse.commits.flatMap(({ latencyMs }) => latencyMs ?? []);
  return {
    at: isoTime(counted.at),
    latencyMs: latencies.length === 0 ? null : Math.max(...latencies),
    lagMs: pulse.lagMs,
    lagBytes: pulse.lagBytes,
    readBytesPerSecond:
      before === null || seconds <= 0 ? 0 : Math.max(0, (counted.bytes - before.bytes) / seconds),
    waitingBytes: pulse.waitingBytes,
  };
}

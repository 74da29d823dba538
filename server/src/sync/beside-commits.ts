import { SluiceError } from '@sluice/contract';
import { backfill } from './backfill.ts';
import { drain } from './catch-up.ts';
import type { CommitLoop } from './commit-loop.ts';
import type { Lane } from './lane.ts';
import { stopped } from './lane-turn.ts';
import type { RunContext } from './run-context.ts';
import { mergeSegments } from './segment-merge.ts';

/** What a run does for its tables beside the commits. What fails in it that is no table's own trouble ends the run. */
export class BesideCommits {
  readonly #fail: (error: unknown) => void;
  readonly #signal: AbortSignal;
  #queue: Promise<void> = Promise.resolve();
  readonly #drains = new Set<Promise<void>>();
  readonly #backfilling = new Set<Lane>();
  readonly #merging = new Set<Lane>();

  /** @param signal of the run's end, after which nothing is told of any more */
  constructor(fail: (error: unknown) => void, signal: AbortSignal) {
    this.#fail = fail;
    this.#signal = signal;
  }

  /** One after the other. */
  queue(work: () => Promise<void>): void {
    const turn = async (): Promise<void> => {
      if (!this.#signal.aborted) await work();
    };
    this.#queue = this.#queue.then(turn).catch((error: unknown) => {
      if (!this.#signal.aborted) this.#fail(error);
    });
  }

  /** Begins the backfills of these lanes that were not begun. */
  backfills(context: RunContext, lanes: () => Iterable<Lane>, commits: CommitLoop, loaded: () => void): void {
    for (const lane of lanes()) {
      if (lane.state !== 'backfilling' || this.#backfilling.has(lane)) continue;
      this.#backfilling.add(lane);
      this.queue(async () => {
        if (lane.state === 'backfilling') await backfill(context, lane, (step) => commits.handIn(step));
        this.#backfilling.delete(lane);
        loaded();
        // Given up and ordered again meanwhile.
        this.backfills(context, lanes, commits, loaded);
      });
    }
  }

  /** Makes few segments of the lane's many. */
  merge(context: RunContext, lane: Lane): void {
    if (this.#merging.has(lane)) return;
    this.#merging.add(lane);
    this.queue(() => mergeSegments(context, lane).finally(() => this.#merging.delete(lane)));
  }

  /** Applies the lane's segments, side by side with those of others. */
  drain(context: RunContext, lane: Lane, commits: CommitLoop): void {
    if (lane.draining) return;
    const work = drain(context, lane)
      .catch((error: unknown) => {
        if (this.#signal.aborted) return;
        const trouble = SluiceError.from(error);
        if (trouble.rule.scope !== 'table') this.#fail(error);
        // Sent back to the queue of loads meanwhile, and whatever went wrong with it.
        else if (lane.state === 'catching_up') commits.handIn(stopped(lane, trouble));
      })
      .finally(() => this.#drains.delete(work));
    this.#drains.add(work);
  }

  async drained(): Promise<void> {
    await Promise.allSettled(this.#drains);
  }

  /** Whatever was queued is done, or was given up. */
  async idle(): Promise<void> {
    // What is done may queue something.
    for (let last: Promise<void> | null = null; last !== this.#queue; ) {
      last = this.#queue;
      await last;
    }
  }
}

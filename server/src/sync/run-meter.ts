import type { Pulse, PulseCommit } from '../model/pulse.ts';
import { LoadPaces } from './load-pace.ts';

/** Between two pulses there is room for many more commits than are made. */
const MOST_COMMITS = 200;

/** Counts what a run does, for the server to show. Counting costs an addition a chunk or commit. */
export class RunMeter {
  readonly loads = new LoadPaces();
  #logBytes = 0;
  #loadBytes = 0;
  #commits: PulseCommit[] = [];
  #lagBytes: number | null = null;

  loadRead(bytes: number): void {
    this.#loadBytes += bytes;
  }

  committed(commit: PulseCommit & { readonly bytes: number }): void {
    this.#logBytes += commit.bytes;
    if (this.#commits.length < MOST_COMMITS)
      this.#commits.push({
        durationMs: commit.durationMs,
        latencyMs: commit.latencyMs,
        laneIds: commit.laneIds,
      });
  }

  lagSeen(bytes: number | null): void {
    this.#lagBytes = bytes;
  }

  /** What happened, and what waits now. */
  take(waiting: {
    readonly now: number;
    readonly lines: number;
    readonly bytes: number;
    readonly oldestMs: number | null;
    readonly lagMs: number | null;
  }): Pulse {
    const commits = this.#commits;
    this.#commits = [];
    const memory = process.memoryUsage();
    return {
      logBytes: this.#logBytes,
      loadBytes: this.#loadBytes,
      commits,
      waitingLines: waiting.lines,
      waitingBytes: waiting.bytes,
      oldestWaitingMs: waiting.oldestMs,
      lagBytes: this.#lagBytes,
      lagMs: waiting.lagMs,
      loads: this.loads.paces(waiting.now),
      rssBytes: memory.rss,
      heapBytes: memory.heapUsed,
    };
  }
}

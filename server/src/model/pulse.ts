/**
 * What a run's process tells the server every few seconds. Sums are of the process's own life; `commits` are those
 * since the last pulse.
 */
export interface Pulse {
  /** Of change lines, and of lines of full loads. */
  readonly logBytes: number;
  readonly loadBytes: number;
  readonly commits: readonly PulseCommit[];
  /** What was read and not committed yet. */
  readonly waitingLines: number;
  readonly waitingBytes: number;
  /** How long the oldest transaction among it has been committed at the source; null: none waits. */
  readonly oldestWaitingMs: number | null;
  /** From the place that is read to the end of the source's log; null where it is not known. */
  readonly lagBytes: number | null;
  readonly lagMs: number | null;
  /** Full loads under way of which a chunk is there. */
  readonly loads: readonly PulseLoad[];
  readonly rssBytes: number;
  readonly heapBytes: number;
}

export interface PulseLoad {
  readonly laneId: number;
  readonly rowsPerSecond: number;
  readonly chunksPerSecond: number;
}

export interface PulseCommit {
  readonly durationMs: number;
  /** From the commit of its oldest transaction at the source until all of it was visible; null: it had no rows. */
  readonly latencyMs: number | null;
  /** The tables whose rows it made visible. */
  readonly laneIds: readonly number[];
}

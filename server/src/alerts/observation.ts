import type { Problem } from '@sluice/contract';

/** What the rules look at: one task, as of now. */
export interface TaskObservation {
  readonly id: number;
  readonly name: string;
  readonly folder: string;
  /** By name; more than one for a merge. */
  readonly dataSources: readonly string[];
  /** RUN_STATES, or draft. */
  readonly state: string;
  readonly error: Problem | null;
  /** When attempts began that followed a failed one, milliseconds since 1970. */
  readonly failovers: readonly number[];
  /** The worst time to visible lately, what still waits included; null: nobody knows. */
  readonly latencyMs: number | null;
  readonly lagMs: number | null;
  readonly tables: readonly TableObservation[];
}

export interface TableObservation {
  readonly name: string;
  readonly blocked: Problem | null;
  /** Of its last commit, where that was lately. */
  readonly latencyMs: number | null;
}

import type { Logger } from 'pino';
import type { AskedSource } from '../sources/source.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import type { Target } from '../targets/target.ts';
import type { Membership } from './membership.ts';
import type { MergeTables } from './merge-tables.ts';
import type { RunRouter } from './router.ts';
import type { RunMeter } from './run-meter.ts';
import type { RunStore } from './run-store.ts';
import type { Work } from './work.ts';

/** What the parts of one attempt share. */
export interface RunContext {
  readonly work: Work;
  readonly source: AskedSource;
  readonly target: Target<MetastoreDb>;
  readonly store: RunStore;
  readonly router: RunRouter;
  /** Which tables are the task's, and where they go. */
  readonly membership: Membership;
  /** Of a sharded-table merge; null: a mirror. */
  readonly merges: MergeTables | null;
  readonly log: Logger;
  readonly meter: RunMeter;
  /** The task's folder for files that a crash may lose. */
  readonly spoolFolder: string;
  /** The task's folder for segments, which it may not. */
  readonly segmentFolder: string;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970, by this machine's clock. */
  readonly now: () => number;
  /** Whole milliseconds by a clock that nobody sets: how long something takes, and when it is due. */
  readonly elapsed: () => number;
}

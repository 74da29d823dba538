import type { PulseLoad } from '../model/pulse.ts';

/** What is known of a full load under way. */
export interface LoadSoFar {
  readonly rowsLoaded: number;
  /** By the source's statistics, when the load began; null: it has none. */
  readonly rowsEstimated: number | null;
  readonly chunks: { readonly total: number; readonly loaded: number } | null;
  readonly pace: Pick<PulseLoad, 'rowsPerSecond' | 'chunksPerSecond'> | null;
}

export interface LoadEstimate {
  readonly rowsPerSecond: number | null;
  readonly secondsLeft: number | null;
}

/**
 * How long a load will take, by the rows that the source estimates and by the chunks that are left: whichever is longer,
 * since neither is exact. Once more rows came than were estimated nobody knows, and nothing is said.
 */
export function loadEstimate({ rowsLoaded, rowsEstimated, chunks, pace }: LoadSoFar): LoadEstimate {
  if (pace === null) return { rowsPerSecond: null, secondsLeft: null };
  const rowsPerSecond = Math.round(pace.rowsPerSecond);
  const left = [
    ...(rowsEstimated === null ? [] : [timeFor(rowsEstimated - rowsLoaded, pace.rowsPerSecond)]),
    ...(chunks === null ? [] : [timeFor(chunks.total - chunks.loaded, pace.chunksPerSecond)]),
  ];
  const known = left.length > 0 && left.every((one) => one !== null);
  return { rowsPerSecond, secondsLeft: known ? Math.ceil(Math.max(...left)) : null };
}

function timeFor(amount: number, perSecond: number): number | null {
  return amount < 0 || perSecond <= 0 ? null : amount / perSecond;
}

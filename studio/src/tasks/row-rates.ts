/** Sums of a task at a moment, as a message told them. */
export interface RowSums {
  readonly at: number;
  readonly read: number;
  readonly written: number;
}

/** Rates are over a minute: a commit adds the rows of seconds at once. */
const SPAN_MS = 60_000;

export function withSums(before: readonly RowSums[], now: RowSums): readonly RowSums[] {
  const last = before.at(-1);
  // A task that began anew counts from nothing.
  if (last !== undefined && (now.read < last.read || now.written < last.written)) return [now];
  return [...before.filter(({ at }) => now.at - at <= SPAN_MS), now];
}

/** @returns rows a second; null before two moments are known */
export function rowRates(
  sums: readonly RowSums[],
): { readonly read: number; readonly written: number } | null {
  const first = sums[0];
  const last = sums.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < 1000) return null;
  const seconds = (last.at - first.at) / 1000;
  return { read: (last.read - first.read) / seconds, written: (last.written - first.written) / seconds };
}

import type { ContentFile } from './data-file.ts';
import type { SnapshotSummary } from './metadata.ts';

/** What a set of files sums up to. */
export interface Totals {
  readonly dataFiles: number;
  readonly deleteFiles: number;
  readonly positionDeleteFiles: number;
  readonly equalityDeleteFiles: number;
  readonly records: number;
  readonly positionDeletes: number;
  readonly equalityDeletes: number;
  readonly bytes: number;
}

export const NO_TOTALS: Totals = {
  dataFiles: 0,
  deleteFiles: 0,
  positionDeleteFiles: 0,
  equalityDeleteFiles: 0,
  records: 0,
  positionDeletes: 0,
  equalityDeletes: 0,
  bytes: 0,
};

export function totalsOf(files: Iterable<ContentFile>): Totals {
  const sum = { ...NO_TOTALS } as { -readonly [K in keyof Totals]: number };
  for (const file of files) {
    sum.bytes += file.bytes;
    if (file.content === 'data') {
      sum.dataFiles++;
      sum.records += file.records;
      continue;
    }
    sum.deleteFiles++;
    if (file.content === 'position-deletes') {
      sum.positionDeleteFiles++;
      sum.positionDeletes += file.records;
    } else {
      sum.equalityDeleteFiles++;
      sum.equalityDeletes += file.records;
    }
  }
  return sum;
}

const KEPT: readonly (readonly [string, keyof Totals])[] = [
  ['total-data-files', 'dataFiles'],
  ['total-delete-files', 'deleteFiles'],
  ['total-records', 'records'],
  ['total-position-deletes', 'positionDeletes'],
  ['total-equality-deletes', 'equalityDeletes'],
  ['total-files-size', 'bytes'],
];
const ADDED: readonly (readonly [string, keyof Totals])[] = [
  ['added-data-files', 'dataFiles'],
  ['added-delete-files', 'deleteFiles'],
  ['added-position-delete-files', 'positionDeleteFiles'],
  ['added-equality-delete-files', 'equalityDeleteFiles'],
  ['added-records', 'records'],
  ['added-position-deletes', 'positionDeletes'],
  ['added-equality-deletes', 'equalityDeletes'],
  ['added-files-size', 'bytes'],
];
const REMOVED: readonly (readonly [string, keyof Totals])[] = [
  ['deleted-data-files', 'dataFiles'],
  ['removed-delete-files', 'deleteFiles'],
  ['removed-position-delete-files', 'positionDeleteFiles'],
  ['removed-equality-delete-files', 'equalityDeleteFiles'],
  ['deleted-records', 'records'],
  ['removed-position-deletes', 'positionDeletes'],
  ['removed-equality-deletes', 'equalityDeletes'],
  ['removed-files-size', 'bytes'],
];

/** Optional snapshot summary fields (spec appendix F), under the names that the Java implementation gives them. */
export function summarize(
  operation: SnapshotSummary['operation'],
  extra: Readonly<Record<string, string>>,
  added: Totals,
  removed: Totals,
  total: Totals,
): SnapshotSummary {
  const fields: Record<string, string> = { ...extra };
  for (const [key, part] of ADDED) if (added[part] > 0) fields[key] = String(added[part]);
  for (const [key, part] of REMOVED) if (removed[part] > 0) fields[key] = String(removed[part]);
  for (const [key, part] of KEPT) fields[key] = String(total[part]);
  return { ...fields, operation };
}

/** @returns the totals that a summary states, or null where it does not state all of them */
export function statedTotals(summary: SnapshotSummary): Totals | null {
  const sum = { ...NO_TOTALS } as { -readonly [K in keyof Totals]: number };
  for (const [key, part] of KEPT) {
    const text = summary[key];
    if (text === undefined || !/^\d+$/.test(text)) return null;
    sum[part] = Number(text);
  }
  return sum;
}

/** Of what `statedTotals` knows; the parts of delete files by kind are not kept as totals. */
export function moveTotals(before: Totals, added: Totals, removed: Totals): Totals {
  const sum = { ...before } as { -readonly [K in keyof Totals]: number };
  for (const [, part] of KEPT) sum[part] += added[part] - removed[part];
  return sum;
}

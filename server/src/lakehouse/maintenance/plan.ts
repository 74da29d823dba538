import type { LiveFile } from '../data-file.ts';

export interface Thresholds {
  /** Of a data file; what maintenance makes is at most about so large. */
  readonly targetBytes: number;
  /** Data files below targetBytes / 4 are small; so many of them are worth a rewrite. */
  readonly smallFiles: number;
  /** A data file with a larger part of its rows deleted is rewritten. */
  readonly deletedFraction: number;
  /** More delete files than this are merged. */
  readonly deleteFiles: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  targetBytes: 128 * 1024 * 1024,
  smallFiles: 8,
  deletedFraction: 0.3,
  deleteFiles: 16,
};

export interface MaintenancePlan {
  /** Data files to be rewritten, each group into one. */
  readonly compactions: readonly (readonly LiveFile[])[];
  readonly mergeDeletes: boolean;
}

/**
 * What a table's files call for.
 * @param deleted deleted rows by data file (countDeletedRows); files without any may be missing
 */
export function planMaintenance(
  files: readonly LiveFile[],
  deleted: ReadonlyMap<string, number>,
  thresholds: Thresholds,
): MaintenancePlan {
  // Equality deletes hit by sequence and value: rows could not be moved to other files past them.
  if (files.some((file) => file.content === 'equality-deletes'))
    return { compactions: [], mergeDeletes: false };
  const deletes = files.filter((file) => file.content === 'position-deletes');
  return {
    compactions: planCompactions(files, deleted, thresholds),
    mergeDeletes: deletes.length > thresholds.deleteFiles,
  };
}

function planCompactions(
  files: readonly LiveFile[],
  deleted: ReadonlyMap<string, number>,
  thresholds: Thresholds,
): readonly (readonly LiveFile[])[] {
  const isHeavy = (file: LiveFile): boolean =>
    (deleted.get(file.path) ?? 0) > file.records * thresholds.deletedFraction;
  const isSmall = (file: LiveFile): boolean => file.bytes < thresholds.targetBytes / 4;
  const liveBytes = (file: LiveFile): number =>
    file.records === 0 ? 0 : (file.bytes * (file.records - (deleted.get(file.path) ?? 0))) / file.records;
  const groups: LiveFile[][] = [];
  let bytes = 0;
  for (const file of inOrder(files)) {
    if (!isHeavy(file) && !isSmall(file)) continue;
    const last = groups.at(-1);
    if (last && bytes + liveBytes(file) <= thresholds.targetBytes) {
      last.push(file);
      bytes += liveBytes(file);
    } else {
      groups.push([file]);
      bytes = liveBytes(file);
    }
  }
  return groups.filter((group) => group.length >= thresholds.smallFiles || group.some(isHeavy));
}

/** Data files as they joined the table, so that rows of the same age come to lie together. */
export function inOrder(files: readonly LiveFile[]): readonly LiveFile[] {
  return files.filter((file) => file.content === 'data').sort((a, b) => a.sequence - b.sequence);
}

import type { LiveFile } from '../data-file.ts';

export interface Thresholds {
  /** Of a data file; what maintenance makes is at most about so large. */
  readonly targetBytes: number;
  /** Data files below targetBytes / 4 are small; so many of about one size are worth a rewrite. */
  readonly smallFiles: number;
  /** A data file with a larger part of its rows deleted is rewritten. */
  readonly deletedFraction: number;
  /** More delete files than this are merged. */
  readonly deleteFiles: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  targetBytes: 128 * 1024 * 1024,
  smallFiles: 8,
  deletedFraction: 0.02,
  deleteFiles: 16,
};

/** What a backlog lets wait: so much more of it has to come together before it is done in spite of one. */
const BACKLOG_TIMES = 4;

/** The thresholds while a backlog is read: a rewrite then would take the processors from what it is to serve. */
export function besideBacklog(thresholds: Thresholds): Thresholds {
  return {
    ...thresholds,
    smallFiles: thresholds.smallFiles * BACKLOG_TIMES,
    deletedFraction: Math.min(0.5, thresholds.deletedFraction * BACKLOG_TIMES),
    deleteFiles: thresholds.deleteFiles * BACKLOG_TIMES,
  };
}

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

/** What the delete files of a table said when they were read last, and nothing was due. */
export interface CountedDeletes {
  /** Positions in all of them; one may be there twice. */
  readonly records: number;
  /** countDeletedRows */
  readonly deleted: ReadonlyMap<string, number>;
}

/** With so many times the positions of the last count they are worth being read again, and not after every commit. */
const RECOUNT = 1.1;

/** How many positions the delete files list. */
export function deletedRecords(files: readonly LiveFile[]): number {
  return files.reduce((sum, file) => sum + (file.content === 'position-deletes' ? file.records : 0), 0);
}

/**
 * Whether it is worth reading the delete files to plan. They say how many rows they delete, not of which files; where
 * it would all have to be of one file, or of those with the longest rows, and still be too little, nothing is due.
 * @param counted null: they were not read yet, or something was done since
 */
export function mayBeDue(
  files: readonly LiveFile[],
  thresholds: Thresholds,
  counted: CountedDeletes | null = null,
): boolean {
  const { targetBytes, deletedFraction } = thresholds;
  const known = planMaintenance(files, counted?.deleted ?? new Map(), thresholds);
  if (known.mergeDeletes || known.compactions.length > 0) return true;
  const deletedRows = deletedRecords(files);
  if (deletedRows === 0 || deletedRows <= (counted?.records ?? 0) * RECOUNT) return false;
  const data = inOrder(files);
  const isSmall = (file: LiveFile): boolean => file.bytes < targetBytes / 4;
  if (data.some((file) => !isSmall(file) && deletedRows > file.records * deletedFraction)) return true;
  const small = data.filter((file) => isSmall(file) && file.records > 0);
  let rows = deletedRows;
  let deadBytes = 0;
  for (const file of small.sort((a, b) => b.bytes / b.records - a.bytes / a.records)) {
    deadBytes += (Math.min(rows, file.records) * file.bytes) / file.records;
    rows = Math.max(0, rows - file.records);
  }
  const bytes = small.reduce((sum, file) => sum + file.bytes, 0);
  return isWorth(deadBytes, bytes, thresholds);
}

/** Whether so much of small files is deleted that they are written anew for that. */
function isWorth(deadBytes: number, bytes: number, { targetBytes, deletedFraction }: Thresholds): boolean {
  return deadBytes > bytes * deletedFraction && deadBytes > targetBytes / WORTH_PART;
}

/**
 * Large files with many deleted rows, and with them all small ones; or else of the small ones those that are worth it:
 * all of them where many of their rows are deleted, as if they were one large file, or a tier of them.
 */
function planCompactions(
  files: readonly LiveFile[],
  deleted: ReadonlyMap<string, number>,
  thresholds: Thresholds,
): readonly (readonly LiveFile[])[] {
  const { targetBytes, smallFiles, deletedFraction } = thresholds;
  const liveBytes = (file: LiveFile): number =>
    file.records === 0 ? 0 : (file.bytes * (file.records - (deleted.get(file.path) ?? 0))) / file.records;
  const sum = (some: readonly LiveFile[], of: (file: LiveFile) => number): number =>
    some.reduce((total, file) => total + of(file), 0);
  const isSmall = (file: LiveFile): boolean => file.bytes < targetBytes / 4;
  const all = inOrder(files);
  const heavy = new Set(
    all.filter((file) => !isSmall(file) && (deleted.get(file.path) ?? 0) > file.records * deletedFraction),
  );
  const small = all.filter(isSmall);
  const smallBytes = sum(small, (file) => file.bytes);
  const deadBytes = smallBytes - sum(small, liveBytes);
  const sheds = isWorth(deadBytes, smallBytes, thresholds);
  const chosen = new Set(sheds || heavy.size > 0 ? small : tierOf(small, liveBytes, thresholds));
  const groups: LiveFile[][] = [];
  let bytes = 0;
  for (const file of all) {
    if (!heavy.has(file) && !chosen.has(file)) continue;
    const last = groups.at(-1);
    if (last && last.length < MOST_FILES && bytes + liveBytes(file) <= targetBytes) {
      last.push(file);
      bytes += liveBytes(file);
    } else {
      groups.push([file]);
      bytes = liveBytes(file);
    }
  }
  return groups.filter(
    (group) => sheds || group.length >= smallFiles || group.some((file) => heavy.has(file)),
  );
}

/**
 * Files that are rewritten into one, at most: what reads them with their deletes grows with the square of their number. There
 * are so many only where maintenance could not be done for a while.
 */
const MOST_FILES = 64;

/** Less than this part of a file's size costs and frees next to nothing when it is written anew. */
const WORTH_PART = 64;

/**
 * Files of about one size: the smallest of which there are enough, and then each that is no larger than what is
 * together by then. So a row is written anew about as often as its file can double until it is large, and not each
 * time that a few files have come.
 */
function tierOf(
  small: readonly LiveFile[],
  liveBytes: (file: LiveFile) => number,
  { smallFiles, targetBytes }: Thresholds,
): readonly LiveFile[] {
  let tier: LiveFile[] = [];
  let bytes = 0;
  for (const file of [...small].sort((a, b) => liveBytes(a) - liveBytes(b))) {
    // While they are few, differences that are worth nothing make no other tier.
    const most = tier.length < smallFiles - 1 ? Math.max(bytes, targetBytes / WORTH_PART) : bytes;
    if (tier.length > 0 && liveBytes(file) > most) {
      if (tier.length >= smallFiles) break;
      tier = [];
      bytes = 0;
    }
    tier.push(file);
    bytes += liveBytes(file);
  }
  return tier.length >= smallFiles ? tier : [];
}

/** Data files as they joined the table, so that rows of the same age come to lie together. */
export function inOrder(files: readonly LiveFile[]): readonly LiveFile[] {
  return files.filter((file) => file.content === 'data').sort((a, b) => a.sequence - b.sequence);
}

import type { LakeTableStats } from '@sluice/contract';
import { count, percent } from '../format/numbers.ts';

export interface FileHealth {
  readonly tone: 'good' | 'warn';
  readonly title: string;
}

type Files = Pick<LakeTableStats, 'rows' | 'dataFiles' | 'deletedRows' | 'largestFileBytes'>;

const SMALL_BYTES = 32 * 2 ** 20;
/** Compaction begins at 8 files below 32 MiB and at 30 % deleted rows (docs/targets/lakehouse.md). */
const MANY_FILES = 16;
const MANY_DELETED = 0.3;

/** Of the rows in data files, those that are deleted and read for nothing; from 0 to 1. */
export function deletedShare({ rows, deletedRows }: Files): number {
  const read = (rows ?? 0) + deletedRows;
  return read === 0 ? 0 : deletedRows / read;
}

/** Whether readers open much that they do not need. */
export function fileHealth(files: Files): FileHealth {
  const share = deletedShare(files);
  if (share > MANY_DELETED)
    return { tone: 'warn', title: `${percent(share)} of the rows in its files are deleted` };
  const { dataFiles, largestFileBytes } = files;
  if ((dataFiles ?? 0) > MANY_FILES && (largestFileBytes ?? 0) < SMALL_BYTES)
    return { tone: 'warn', title: `${count(dataFiles ?? 0)} small files are opened by every reader` };
  return { tone: 'good', title: 'Its files are in good shape' };
}

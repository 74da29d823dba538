import type { LiveFile } from '../data-file.ts';
import type { EngineConnection } from '../duckdb/engine.ts';
import type { TableMetadata } from '../metadata.ts';
import { liveFiles } from '../scan.ts';
import type { Storage } from '../storage.ts';
import {
  discardCompaction,
  finishCompaction,
  type PreparedCompaction,
  prepareCompaction,
  type Rewriter,
} from './compaction.ts';
import {
  discardDeleteMerge,
  finishDeleteMerge,
  type PreparedDeleteMerge,
  prepareDeleteMerge,
} from './delete-merge.ts';
import { DeletedRows, type RewrittenDeletes } from './deleted-rows.ts';
import { type CountedDeletes, deletedRecords, mayBeDue, planMaintenance, type Thresholds } from './plan.ts';

/** One step of a table's upkeep, made in the background, to be put in by the table's writer just before its next commit. */
export type PreparedUpkeep =
  | { readonly kind: 'compaction'; readonly compaction: PreparedCompaction }
  | { readonly kind: 'delete-merge'; readonly merge: PreparedDeleteMerge };

/** What is known of one table from one look to the next, so that not each reads its delete files. */
export class UpkeepMemory {
  readonly deletedRows = new DeletedRows();
  /** null: they were not counted yet, or something was due when they were. */
  counted: CountedDeletes | null = null;
}

/** What is rewritten in less than a fifth of a second. */
const LARGE_BYTES = 4 * 1024 * 1024;

const bytesOf = (files: readonly LiveFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

/**
 * Plans, and does the slow part of the first thing that is due: one group of data files, or else the delete files.
 * @param memory the caller's for this table
 * @param large rewrites files that are large together; without it the connection does
 * @returns null where nothing is due
 * @throws SluiceError STORAGE_*; the signal's reason
 */
export async function prepareUpkeep(
  connection: EngineConnection,
  storage: Storage,
  metadata: TableMetadata,
  thresholds: Thresholds,
  memory: UpkeepMemory,
  signal?: AbortSignal,
  large?: Rewriter,
): Promise<PreparedUpkeep | null> {
  const files = await liveFiles(storage, metadata);
  if (!mayBeDue(files, thresholds, memory.counted)) return null;
  const deleted = await memory.deletedRows.count(connection, storage, files, signal);
  const plan = planMaintenance(files, deleted, thresholds);
  const isDue = plan.mergeDeletes || plan.compactions.length > 0;
  memory.counted = isDue ? null : { records: deletedRecords(files), deleted };
  const [group] = plan.compactions;
  if (group)
    return {
      kind: 'compaction',
      compaction: await prepareCompaction(
        connection,
        storage,
        metadata,
        group,
        signal,
        bytesOf(group) >= LARGE_BYTES ? large : undefined,
      ),
    };
  if (plan.mergeDeletes)
    return {
      kind: 'delete-merge',
      merge: await prepareDeleteMerge(connection, storage, metadata, signal, memory.deletedRows),
    };
  return null;
}

/** @returns metadata for writeMetadata, or null where the table has changed in a way that the step does not fit any more */
export async function finishUpkeep(
  connection: EngineConnection,
  storage: Storage,
  prepared: PreparedUpkeep,
  current: TableMetadata,
  summary: Readonly<Record<string, string>>,
): Promise<{ readonly metadata: TableMetadata; readonly deletes: RewrittenDeletes } | null> {
  return prepared.kind === 'compaction'
    ? finishCompaction(connection, storage, prepared.compaction, current, summary)
    : finishDeleteMerge(storage, prepared.merge, current, summary);
}

/** Only for a step that was not finished. */
export async function discardUpkeep(
  connection: EngineConnection,
  storage: Storage,
  prepared: PreparedUpkeep,
): Promise<void> {
  if (prepared.kind === 'compaction') await discardCompaction(connection, storage, prepared.compaction);
  else await discardDeleteMerge(storage, prepared.merge);
}

import type { ContentFile, LiveFile } from '../data-file.ts';
import type { EngineConnection } from '../duckdb/engine.ts';
import { writePositionDeletes } from '../duckdb/parquet-write.ts';
import { quoteTexts } from '../duckdb/sql-text.ts';
import type { TableMetadata } from '../metadata.ts';
import { liveFiles } from '../scan.ts';
import { writeSnapshot } from '../snapshot.ts';
import type { Storage } from '../storage.ts';
import { DeletedRows, deletedSql, type RewrittenDeletes } from './deleted-rows.ts';

/** A merge makes at most so many files: one per data file, or where more are touched, one per run of neighbouring paths. */
const MERGED_FILES = 8;

/**
 * The position deletes of a snapshot, written anew into few files that each name one data file, or a short range of paths,
 * so that a reader of a data file opens one of them.
 *
 * Between prepare and finish the writer may add delete files, which stay beside the merged ones, and remove data files with
 * the deletes on them. Merged files hold what the old ones held of live files, so the swap changes no row while all old ones
 * are live; if one of them is not, the merge is given up, and so it is where a data file with merged deletes is gone: no
 * position of a file that is gone may stay listed (see compaction.ts). A rewritten position gets a larger sequence than
 * it had. It hits one file, by path, that it hit before, so nothing else can come to be deleted.
 */
export interface PreparedDeleteMerge {
  readonly tableUuid: string;
  /** Paths of the delete files that go. */
  readonly replaced: readonly string[];
  /** Data files that the merged deletes name. */
  readonly touched: readonly string[];
  readonly output: readonly ContentFile[];
}

/**
 * @param deletedRows what is known of the table already
 * @throws SluiceError STORAGE_*; the signal's reason
 */
export async function prepareDeleteMerge(
  connection: EngineConnection,
  storage: Storage,
  metadata: TableMetadata,
  signal?: AbortSignal,
  deletedRows: DeletedRows = new DeletedRows(),
): Promise<PreparedDeleteMerge> {
  const live = await liveFiles(storage, metadata);
  const data = live.filter((file) => file.content === 'data');
  const deletes = live.filter((file) => file.content === 'position-deletes');
  const touched = [...(await deletedRows.count(connection, storage, live, signal)).keys()].sort(byBytes);
  const output: ContentFile[] = [];
  try {
    for (const paths of inRuns(touched, MERGED_FILES)) {
      const file = await writePositionDeletes(
        connection,
        storage,
        {
          select: `SELECT file, pos FROM ${deletedSql(storage, data, deletes)} WHERE file IN ${listText(paths)}`,
          folder: storage.join(metadata.location, 'data'),
        },
        signal,
      );
      if (file) output.push(file);
    }
    await storage.sync(output.map((file) => file.path));
  } catch (error) {
    await storage.remove(output.map((file) => file.path));
    throw error;
  }
  return {
    tableUuid: metadata['table-uuid'],
    replaced: deletes.map((file) => file.path),
    touched,
    output,
  };
}

/** @returns metadata for writeMetadata, or null where the merge was given up; its output is removed then */
export async function finishDeleteMerge(
  storage: Storage,
  prepared: PreparedDeleteMerge,
  current: TableMetadata,
  summary: Readonly<Record<string, string>>,
): Promise<{ readonly metadata: TableMetadata; readonly deletes: RewrittenDeletes } | null> {
  const live = await liveFiles(storage, current);
  if (!canFinish(prepared, current, live)) {
    await discardDeleteMerge(storage, prepared);
    return null;
  }
  const metadata = await writeSnapshot(storage, current, {
    add: prepared.output,
    remove: new Set(prepared.replaced),
    operation: 'replace',
    summary,
  });
  return { metadata, deletes: { from: prepared.replaced, to: prepared.output.map(({ path }) => path) } };
}

function canFinish(
  prepared: PreparedDeleteMerge,
  current: TableMetadata,
  live: readonly LiveFile[],
): boolean {
  if (current['table-uuid'] !== prepared.tableUuid) return false;
  const paths = new Set(live.map((file) => file.path));
  return [...prepared.replaced, ...prepared.touched].every((path) => paths.has(path));
}

export async function discardDeleteMerge(storage: Storage, prepared: PreparedDeleteMerge): Promise<void> {
  await storage.remove(prepared.output.map((file) => file.path));
}

/** Neighbours stay together, so that the bounds of file_path are short ranges. */
function inRuns(paths: readonly string[], runs: number): readonly (readonly string[])[] {
  const count = Math.min(runs, paths.length);
  return Array.from({ length: count }, (_, index) =>
    paths.slice(Math.floor((index * paths.length) / count), Math.floor(((index + 1) * paths.length) / count)),
  );
}

function listText(paths: readonly string[]): string {
  return `(SELECT unnest(${quoteTexts(paths)}))`;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

import { randomUUID } from 'node:crypto';
import { SluiceError } from '@sluice/contract';
import type { ContentFile, LiveFile } from '../data-file.ts';
import type { EngineConnection } from '../duckdb/engine.ts';
import { writeDataFiles, writePositionDeletes } from '../duckdb/parquet-write.ts';
import { FILE_COLUMN, POSITION_COLUMN, scanSql, splitByDeletes } from '../duckdb/scan-sql.ts';
import { quoteIdentifier, quoteText } from '../duckdb/sql-text.ts';
import type { IcebergField, TableMetadata } from '../metadata.ts';
import { liveFiles } from '../scan.ts';
import { writeSnapshot } from '../snapshot.ts';
import type { Storage } from '../storage.ts';
import { currentSchema } from '../table-metadata.ts';
import { deletedSql, type RewrittenDeletes } from './deleted-rows.ts';

/**
 * Rewriting a set F of data files into one file G, beside a writer that goes on committing.
 *
 * `prepareCompaction` reads F as of a base snapshot and writes the rows that are live there, in the order of the files and
 * then of the positions. `finishCompaction` swaps F for G in whatever is the table's metadata by then. Between the two, rows
 * of F may have been deleted; of inserts it need not know, they went into other files.
 *
 * Why no row is lost, and none comes back:
 * - A data file never changes, and a deleted position stays deleted while its file lives. So the rows of F that are live
 *   in the current snapshot are those live in the base less those deleted since: D = deleted now \ deleted in the base.
 * - The row at position p of the i-th file is in G at  offset(i) + p − |{b deleted in the base, b < p}|, where offset(i) is
 *   the number of rows that the files before it gave. That is exact because G holds precisely those rows in that order
 *   (an explicit ORDER BY; the count is checked). D translated this way is a new delete file N on G.
 * - If a file of F is no longer live, its rows were all deleted, or another rewrite moved them: then G would bring them
 *   back or double them, and the compaction is given up.
 *
 * Sequence numbers. A position delete hits the one file whose path it names, if that file's data sequence is not above the
 * delete's. G's path is new, so no delete from before names it, and none hits it. N and all deletes to come have to hit it: G
 * takes the largest sequence of F, which is below that of the snapshot that adds N, and of every later one. The same
 * number keeps the rule for equality deletes of other writers committed after the base: those have a larger sequence
 * than all of F had, so they hit G's rows as they would have hit F's. Equality deletes from before are another matter (they may
 * hit some files of F and not others), so a table that has any is not compacted.
 *
 * Delete files. Each that names a file of F goes; positions that it holds of other live files are written anew into N. So
 * no listed position is ever of a file that is gone, and total-records less total-position-deletes stays the table's
 * number of rows, which readers rely on (ClickHouse answers count() with it). A rewritten position has a larger sequence
 * than before, and still hits its file.
 */
export interface PreparedCompaction {
  readonly tableUuid: string;
  /** F, in the order of their rows in G. */
  readonly replaced: readonly ReplacedFile[];
  /** G; durable. null: no row of F was live. */
  readonly output: ContentFile | null;
  readonly sequence: number;
  /** Table of the engine: file and pos of what was deleted in the base. */
  readonly baseDeletes: string;
}

export interface ReplacedFile {
  readonly path: string;
  /** Of its first row in G, or where that would be. */
  readonly offset: number;
}

/** The long part of a compaction. It is data alone, so that another process can do it (compactor.ts). */
export interface Rewrite {
  /** F, in the order of their rows in G. */
  readonly files: readonly LiveFile[];
  /** A relation of SQL: file and pos of the rows of F that are deleted; null: none is. */
  readonly gone: string | null;
  readonly fields: readonly IcebergField[];
  /** Location of the folder of G. */
  readonly folder: string;
}

/** @returns G, not durable yet; null where no row of F is live @throws as writeDataFiles */
export type Rewriter = (rewrite: Rewrite, signal?: AbortSignal) => Promise<ContentFile | null>;

/** The rewriter on an engine's connection. */
export function rewriterOf(connection: EngineConnection, storage: Storage): Rewriter {
  return async (rewrite, signal) => {
    const select = await liveRowsSql(connection, storage, rewrite, signal);
    const { fields, folder } = rewrite;
    const [output] = await writeDataFiles(
      connection,
      storage,
      { select, fields, folder, dense: true },
      signal,
    );
    return output ?? null;
  };
}

/**
 * @param files F: data files of the metadata's current snapshot, in the order wanted
 * @param rewriter another than the connection
 * @throws SluiceError COMMIT_CONFLICT where a file is not live or there are equality deletes; STORAGE_*; the signal's reason
 */
export async function prepareCompaction(
  connection: EngineConnection,
  storage: Storage,
  metadata: TableMetadata,
  files: readonly LiveFile[],
  signal?: AbortSignal,
  rewriter?: Rewriter,
): Promise<PreparedCompaction> {
  const live = await liveFiles(storage, metadata);
  const deletes = deletesOf(live);
  const paths = new Set(live.map((file) => file.path));
  const missing = files.find((file) => !paths.has(file.path));
  if (missing) throw new SluiceError('COMMIT_CONFLICT', `${missing.path} is not part of the table.`);
  const baseDeletes = `base_deletes_${randomUUID().replaceAll('-', '')}`;
  try {
    await connection.run(
      `CREATE TABLE ${baseDeletes} AS SELECT file, pos FROM ${deletedSql(storage, files, deletes)}`,
      signal,
    );
    const replaced = await offsets(connection, files, baseDeletes, signal);
    const fields = currentSchema(metadata).fields;
    const all = files.reduce((sum, { records }) => sum + records, 0);
    // The table is this engine's; whoever has another one reads the delete files again.
    const gone = rewriter === undefined ? baseDeletes : deletedSql(storage, files, deletes);
    const rewrite = rewriter ?? rewriterOf(connection, storage);
    const output = await rewrite(
      {
        files,
        gone: replaced.rows === all ? null : gone,
        fields,
        folder: storage.join(metadata.location, 'data'),
      },
      signal,
    );
    if (output) await storage.sync([output.path]);
    const prepared = {
      tableUuid: metadata['table-uuid'],
      replaced: replaced.files,
      output,
      sequence: Math.max(...files.map((file) => file.sequence)),
      baseDeletes,
    };
    if ((output?.records ?? 0) !== replaced.rows) {
      await discardCompaction(connection, storage, prepared);
      throw new SluiceError(
        'INTERNAL',
        `A compaction wrote ${output?.records ?? 0} rows of ${replaced.rows} in ${metadata.location}.`,
      );
    }
    return prepared;
  } catch (error) {
    await dropBaseDeletes(connection, baseDeletes);
    throw error;
  }
}

/**
 * SELECT of the rows of the files that are not deleted, in the order of the files and then of the positions. DuckDB keeps the
 * order of what it reads where nothing but SELECT and WHERE is between (its manual, "Order Preservation"; the engine is told
 * so), and a join or a sort of whole rows takes as long as all the rest: so the deleted rows are a bit each, in a variable of
 * the connection.
 */
async function liveRowsSql(
  connection: EngineConnection,
  storage: Storage,
  { files, gone, fields }: Rewrite,
  signal: AbortSignal | undefined,
): Promise<string> {
  const columns = fields.map(({ id, type }) => ({ id, name: `f${id}`, type }));
  const names = columns.map((column) => quoteIdentifier(column.name)).join(', ');
  const select = `SELECT ${names} FROM ${scanSql(storage, files, columns, { positions: true })}`;
  if (gone === null) return select;
  let rows = 0;
  const firsts = files.map(({ path, records }) => {
    const first = rows;
    rows += records;
    return `${quoteText(path)}: ${first}`;
  });
  const rowOf = (file: string, position: string): string =>
    `MAP {${firsts.join(', ')}}["${file}"] + "${position}"`;
  await connection.run(
    `SET VARIABLE gone = (SELECT bitstring_agg(${rowOf('file', 'pos')}, 0, ${rows - 1}) FROM ${gone})`,
    signal,
  );
  const row = rowOf(FILE_COLUMN, POSITION_COLUMN);
  return `${select} WHERE get_bit(getvariable('gone'), CAST(${row} AS INTEGER)) = 0`;
}

async function offsets(
  connection: EngineConnection,
  files: readonly LiveFile[],
  baseDeletes: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly files: readonly ReplacedFile[]; readonly rows: number }> {
  const counts = await connection.rows(
    `SELECT file, count(*) AS rows FROM ${baseDeletes} GROUP BY file`,
    signal,
  );
  const deleted = new Map(counts.map((row) => [String(row.file), Number(row.rows)]));
  let rows = 0;
  const replaced = files.map(({ path, records }) => {
    const offset = rows;
    rows += records - (deleted.get(path) ?? 0);
    return { path, offset };
  });
  return { files: replaced, rows };
}

/**
 * Swaps F for G in the current metadata: reads the delete files that name F, writes at most one delete file and the manifests,
 * all durable. Prepared is used up either way.
 * @param summary joins the snapshot's summary: what the writer keeps in each (its position)
 * @returns metadata for writeMetadata, or null where the compaction was given up; its output is removed then
 */
export async function finishCompaction(
  connection: EngineConnection,
  storage: Storage,
  prepared: PreparedCompaction,
  current: TableMetadata,
  summary: Readonly<Record<string, string>>,
): Promise<{ readonly metadata: TableMetadata; readonly deletes: RewrittenDeletes } | null> {
  const live = await liveFiles(storage, current);
  if (!canFinish(prepared, current, live)) {
    await discardCompaction(connection, storage, prepared);
    return null;
  }
  const paths = new Set(prepared.replaced.map((file) => file.path));
  const data = live.filter((file) => file.content === 'data');
  const replaced = data.filter((file) => paths.has(file.path));
  const others = data.filter((file) => !paths.has(file.path));
  const { hitting } = splitByDeletes(replaced, deletesOf(live));
  const moved = prepared.output ? translatedSql(storage, prepared, prepared.output, replaced, hitting) : [];
  const selects = [...moved, `SELECT file, pos FROM ${deletedSql(storage, others, hitting)}`];
  const added =
    hitting.length === 0
      ? null
      : await writePositionDeletes(connection, storage, {
          select: selects.join(' UNION ALL '),
          folder: storage.join(current.location, 'data'),
        });
  if (added) await storage.sync([added.path]);
  const metadata = await writeSnapshot(storage, current, {
    add: [prepared.output, added].filter((file) => file !== null),
    remove: new Set([...paths, ...hitting.map((file) => file.path)]),
    operation: 'replace',
    summary,
    sequence: prepared.sequence,
  });
  await dropBaseDeletes(connection, prepared.baseDeletes);
  const deletes = { from: hitting.map(({ path }) => path), to: added === null ? [] : [added.path] };
  return { metadata, deletes };
}

function canFinish(prepared: PreparedCompaction, current: TableMetadata, live: readonly LiveFile[]): boolean {
  if (current['table-uuid'] !== prepared.tableUuid) return false;
  if (live.some((file) => file.content === 'equality-deletes')) return false;
  const paths = new Set(live.map((file) => file.path));
  return prepared.replaced.every((file) => paths.has(file.path));
}

/** D as positions of G. */
function translatedSql(
  storage: Storage,
  prepared: PreparedCompaction,
  output: ContentFile,
  replaced: readonly LiveFile[],
  hitting: readonly LiveFile[],
): string[] {
  const offsets = prepared.replaced.map(({ path, offset }) => `(${quoteText(path)}, ${offset}::BIGINT)`);
  // All deleted positions, with the number of those up to there that were deleted in the base.
  const now =
    `SELECT d.file, d.pos, b.pos IS NOT NULL AS in_base,` +
    ` count(b.pos) OVER (PARTITION BY d.file ORDER BY d.pos ROWS UNBOUNDED PRECEDING) AS before` +
    ` FROM ${deletedSql(storage, replaced, hitting)} AS d` +
    ` LEFT JOIN ${prepared.baseDeletes} AS b ON b.file = d.file AND b.pos = d.pos`;
  return [
    `SELECT ${quoteText(output.path)} AS file, o.first + n.pos - n.before AS pos FROM (${now}) AS n` +
      ` JOIN (VALUES ${offsets.join(', ')}) AS o(file, first) ON o.file = n.file WHERE NOT n.in_base`,
  ];
}

/** Gives a prepared compaction up. Only for one that was not finished. */
export async function discardCompaction(
  connection: EngineConnection,
  storage: Storage,
  prepared: PreparedCompaction,
): Promise<void> {
  await dropBaseDeletes(connection, prepared.baseDeletes);
  if (prepared.output) await storage.remove([prepared.output.path]);
}

async function dropBaseDeletes(connection: EngineConnection, table: string): Promise<void> {
  await connection.run(`DROP TABLE IF EXISTS ${table}`);
}

/** @throws SluiceError COMMIT_CONFLICT where there are equality deletes */
function deletesOf(live: readonly LiveFile[]): readonly LiveFile[] {
  if (live.some((file) => file.content === 'equality-deletes'))
    throw new SluiceError('COMMIT_CONFLICT', 'Tables with equality deletes are not compacted.');
  return live.filter((file) => file.content === 'position-deletes');
}

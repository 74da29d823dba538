import type { LiveFile } from '../data-file.ts';
import type { EngineConnection } from '../duckdb/engine.ts';
import { deletedPositionsSql, positionsSql, splitByDeletes } from '../duckdb/scan-sql.ts';
import { quoteTexts } from '../duckdb/sql-text.ts';
import type { Storage } from '../storage.ts';

/** Rows that a delete file lists, by data file's location. */
type Listed = ReadonlyMap<string, number>;

/**
 * How many rows of a table's data files are deleted. A delete file never changes and its name is never given again, so each
 * is read once.
 */
export class DeletedRows {
  #known: ReadonlyMap<string, Listed> = new Map();

  /** Data files without any are left out. A position that two delete files list, which Sluice never writes, counts twice. */
  async count(
    connection: EngineConnection,
    storage: Storage,
    files: readonly LiveFile[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, number>> {
    const deletes = files.filter((file) => file.content === 'position-deletes');
    const known = new Map<string, Listed>();
    const unread: LiveFile[] = [];
    for (const file of deletes) {
      const { path, records, referencedDataFile: only } = file;
      const listed = only === null ? this.#known.get(path) : new Map([[only, records]]);
      if (listed === undefined) unread.push(file);
      else known.set(path, listed);
    }
    for (const [path, listed] of await readListed(connection, storage, unread, signal))
      known.set(path, listed);
    this.#known = known;
    const counts = new Map<string, number>();
    for (const file of files.filter(({ content }) => content === 'data')) {
      const hitting = deletes.filter(({ sequence }) => sequence >= file.sequence);
      const count = hitting.reduce((sum, { path }) => sum + (known.get(path)?.get(file.path) ?? 0), 0);
      if (count > 0) counts.set(file.path, Math.min(count, file.records));
    }
    return counts;
  }
}

async function readListed(
  connection: EngineConnection,
  storage: Storage,
  files: readonly LiveFile[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, Listed>> {
  const read = new Map(files.map(({ path }) => [path, new Map<string, number>()]));
  if (files.length === 0) return read;
  const places = new Map(files.map(({ path }) => [storage.localPath(path), path]));
  const rows = await connection.rows(
    `SELECT "#path" AS path, file_path, count(*)::BIGINT AS rows FROM ${positionsSql(storage, files, { located: true })} GROUP BY ALL`,
    signal,
  );
  for (const row of rows)
    read.get(places.get(String(row.path)) ?? '')!.set(String(row.file_path), Number(row.rows));
  return read;
}

/**
 * The deleted positions of `data`, each once, as a SELECT in parentheses with columns file (location) and pos: what `deletes`
 * name of those files, by the rule of sequences.
 */
export function deletedSql(
  storage: Storage,
  data: readonly LiveFile[],
  deletes: readonly LiveFile[],
): string {
  const { touched, hitting } = splitByDeletes(data, deletes);
  if (hitting.length === 0) return '(SELECT NULL::VARCHAR AS file, NULL::BIGINT AS pos WHERE false)';
  const paths = quoteTexts(touched.map((file) => file.path));
  return (
    `(SELECT DISTINCT file_path AS file, pos FROM ${deletedPositionsSql(storage, touched, hitting)}` +
    ` WHERE file_path IN (SELECT unnest(${paths})))`
  );
}

/**
 * A rewrite of delete files: those that went, and those that came. Of each data file that was there before and stays, both
 * list the same positions.
 */
export interface RewrittenDeletes {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

import type { LiveFile } from '../data-file.ts';
import type { EngineConnection } from '../duckdb/engine.ts';
import { deletedPositionsSql, splitByDeletes } from '../duckdb/scan-sql.ts';
import { quoteTexts } from '../duckdb/sql-text.ts';
import type { Storage } from '../storage.ts';

/** How many rows of each data file are deleted; those without any are left out. Reads the delete files that name several data files. */
export async function countDeletedRows(
  connection: EngineConnection,
  storage: Storage,
  files: readonly LiveFile[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const data = files.filter((file) => file.content === 'data');
  const deletes = files.filter((file) => file.content === 'position-deletes');
  if (deletes.length === 0) return new Map();
  const rows = await connection.rows(
    `SELECT file, count(*)::BIGINT AS rows FROM ${deletedSql(storage, data, deletes)} GROUP BY file`,
    signal,
  );
  return new Map(rows.map((row) => [String(row.file), Number(row.rows)]));
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

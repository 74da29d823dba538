import type { LiveFile } from '../../lakehouse/data-file.ts';
import {
  deletedPositionsSql,
  FILE_COLUMN,
  POSITION_COLUMN,
  refuseEqualityDeletes,
  scanSql,
  splitByDeletes,
} from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteText } from '../../lakehouse/duckdb/sql-text.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import type { HeldKeys, KeyFiles } from './held-keys.ts';
import type { Sql } from './sql.ts';

/** Of more keys the look costs less than the rest of the step, and what is found is better not held. */
const FEW = 100_000;

/**
 * Where the rows under the keys of `touched` are. They are found first, and then held against what is deleted already: so
 * the few are hashed, and not all deleted positions.
 * @returns SELECT of a file's location and a position in it
 */
export async function findOld(
  { sql, storage, heldKeys }: { readonly sql: Sql; readonly storage: Storage; readonly heldKeys: HeldKeys },
  candidates: readonly LiveFile[],
  files: KeyFiles,
): Promise<string> {
  const { data, key } = files;
  const columns = key.map(({ name }) => name);
  const among = { relation: 'touched', columns };
  const [touched] = await sql.rows('SELECT count(*) FROM touched');
  if (Number(touched?.[0] ?? 0) > FEW) {
    const rows = scanSql(storage, candidates, key, { positions: true, among });
    return `SELECT "${FILE_COLUMN}" AS file, "${POSITION_COLUMN}" AS pos FROM ${rows}`;
  }
  const deletes = candidates.filter((file) => file.content !== 'data');
  refuseEqualityDeletes(deletes);
  const { hitting } = splitByDeletes(data, deletes);
  const on = columns.map((name, index) => `k.k${index} = t.${name}`).join(' AND ');
  await heldKeys.look(sql, storage, files, async (relations) => {
    const looks = [...relations].map(
      ([file, relation]) =>
        `SELECT ${quoteText(file.path)} AS file, k.rowid AS pos FROM ${relation} k SEMI JOIN touched t ON ${on}`,
    );
    const rest = data.filter((file) => !relations.has(file));
    if (rest.length > 0) {
      const rows = scanSql(storage, rest, key, { positions: true, among });
      looks.push(`SELECT "${FILE_COLUMN}" AS file, "${POSITION_COLUMN}" AS pos FROM ${rows}`);
    }
    await sql.run(`CREATE TEMP TABLE found AS ${looks.join(' UNION ALL ')}`);
  });
  const gone =
    hitting.length === 0
      ? ''
      : ` ANTI JOIN ${deletedPositionsSql(storage, data, hitting)} g ON g.file_path = f.file AND g.pos = f.pos`;
  return `SELECT f.file, f.pos FROM found f${gone}`;
}

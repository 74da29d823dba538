import type { LiveFile } from '../../lakehouse/data-file.ts';
import {
  deletedPositionsSql,
  FILE_COLUMN,
  POSITION_COLUMN,
  refuseEqualityDeletes,
  scanSql,
  splitByDeletes,
} from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteTexts } from '../../lakehouse/duckdb/sql-text.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import type { HeldFile, HeldKeys, KeyFiles } from './held-keys.ts';
import { keyNumbers } from './key-numbers.ts';
import type { Sql } from './sql.ts';

export interface OldRows extends KeyFiles {
  /** Rows of `touched`. */
  readonly keys: number;
}

/** Of more keys the look costs less than the rest of the step, and what is found is better not held. */
const FEW = 100_000;

/**
 * Where the live rows under the keys of `touched` are: by binary search in files whose keys are held, by a scan in the
 * others.
 * @returns SELECT of a file's location and a position in it
 */
export async function findOld(
  sql: Sql,
  storage: Storage,
  heldKeys: HeldKeys,
  files: OldRows,
): Promise<string> {
  const { data, deletes, key } = files;
  refuseEqualityDeletes(deletes);
  const among = { relation: 'touched', columns: key.map(({ name }) => name) };
  if (files.keys > FEW) {
    const rows = scanSql(storage, [...data, ...deletes], key, { positions: true, among });
    return `SELECT "${FILE_COLUMN}" AS file, "${POSITION_COLUMN}" AS pos FROM ${rows}`;
  }
  const held = await heldKeys.of(sql, storage, files);
  const looks: string[] = [];
  if (held.size > 0) looks.push(await search(sql, [...held], files));
  const rest = data.filter((file) => !held.has(file));
  if (rest.length > 0) looks.push(await scan(sql, storage, { ...files, data: rest }, among));
  return looks.join(' UNION ALL ');
}

async function search(
  sql: Sql,
  held: readonly (readonly [LiveFile, HeldFile])[],
  { key, keys: count }: OldRows,
): Promise<string> {
  const numbers = keyNumbers(key) ?? [];
  const wanted = numbers.map(() => new Float64Array(count));
  let rows = 0;
  await sql.chunks(`SELECT ${numbers.join(', ')} FROM touched ORDER BY ALL`, (chunk) => {
    for (const [n, column] of wanted.entries()) {
      const vector = chunk.getColumnVector(n);
      for (let row = 0; row < chunk.rowCount; row++) column[rows + row] = vector.getItem(row) as number;
    }
    rows += chunk.rowCount;
  });
  if (rows !== count) throw new Error(`${rows} keys were read, and ${count} counted`);
  await sql.run('CREATE TEMP TABLE places(file INTEGER, pos INTEGER)');
  await sql.connection.exclusive(async (native) => {
    const appender = await native.createAppender('places', 'main', 'temp');
    try {
      for (const [index, [, { keys, isDeleted }]] of held.entries()) {
        const found = (position: number): void => {
          if (isDeleted(position)) return;
          appender.appendInteger(index + 1);
          appender.appendInteger(position);
          appender.endRow();
        };
        keys.find(wanted, count, found);
      }
    } finally {
      appender.closeSync();
    }
  });
  const paths = quoteTexts(held.map(([{ path }]) => path));
  return `SELECT ${paths}[file] AS file, CAST(pos AS BIGINT) AS pos FROM places`;
}

/** Rows are found first, and then held against what is deleted: so the few are hashed, and not all deleted positions. */
async function scan(
  sql: Sql,
  storage: Storage,
  { data, deletes, key }: KeyFiles,
  among: { readonly relation: string; readonly columns: readonly string[] },
): Promise<string> {
  const { hitting } = splitByDeletes(data, deletes);
  const rows = scanSql(storage, data, key, { positions: true, among });
  await sql.run(
    `CREATE TEMP TABLE found AS SELECT "${FILE_COLUMN}" AS file, "${POSITION_COLUMN}" AS pos FROM ${rows}`,
  );
  const gone =
    hitting.length === 0
      ? ''
      : ` ANTI JOIN ${deletedPositionsSql(storage, data, hitting)} g ON g.file_path = f.file AND g.pos = f.pos`;
  return `SELECT f.file, f.pos FROM found f${gone}`;
}

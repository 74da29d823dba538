import type { LiveFile } from '../../lakehouse/data-file.ts';
import {
  deletedPositionsSql,
  FILE_COLUMN,
  POSITION_COLUMN,
  refuseEqualityDeletes,
  type ScanColumn,
  scanSql,
  splitByDeletes,
} from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteTexts } from '../../lakehouse/duckdb/sql-text.ts';
import type { Places } from '../../lakehouse/position-delete-file.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { type BatchKeys, type GoingKeys, readBatchKeys } from './batch-keys.ts';
import type { HeldFile, HeldKeys } from './held-keys.ts';
import { holdingKeys, inRange } from './holding-keys.ts';
import type { Sql } from './sql.ts';

/** Whose old rows are looked for, and where. */
export interface OldRows {
  /** Names the table, among all that a run writes. */
  readonly owner: string;
  /** All that the table has. */
  readonly files: readonly LiveFile[];
  readonly key: readonly ScanColumn[];
  /** SELECT of the batch's keys, under the names of the key's columns (KeyedOutcome.keys). */
  readonly keys: string;
  /** So many keys at most. */
  readonly rows: number;
}

/**
 * Rows of data files.
 *
 *   none     surely none
 *   places   known here
 *   select   SELECT of a file's location and a position in it
 */
export type OldPlaces =
  | { readonly kind: 'none' }
  | { readonly kind: 'places'; readonly places: Places }
  | { readonly kind: 'select'; readonly select: string };

export interface Found {
  readonly old: OldPlaces;
  /** null: the batch's keys were not read */
  readonly read: BatchKeys | null;
}

/** Where the live rows under the keys are: by binary search in files whose keys are held, by a scan in the others. */
export async function findOld(sql: Sql, storage: Storage, heldKeys: HeldKeys, old: OldRows): Promise<Found> {
  const { files, key, owner } = old;
  refuseEqualityDeletes(files);
  const [first] = key;
  const read = await readBatchKeys(sql, key, old.keys, old.rows);
  if (read === null) {
    await stageTouched(sql, old);
    const candidates = await holdingKeys(sql, files, first!, 'touched', first!.name);
    if (!candidates.some(isData)) return { old: { kind: 'none' }, read };
    const rows = scanSql(storage, candidates, key, { positions: true, among: amongTouched(key) });
    const select = `SELECT "${FILE_COLUMN}" AS file, "${POSITION_COLUMN}" AS pos FROM ${rows}`;
    return { old: { kind: 'select', select }, read };
  }
  const { going } = read;
  const none = { old: { kind: 'none' }, read } as const;
  if (going === null) return none;
  const near =
    going.range === null
      ? await holdingKeys(sql, files, first!, `(SELECT * FROM (${old.keys}) WHERE goes)`, first!.name)
      : inRange(files, first!, going.range.low, going.range.high);
  const data = near.filter(isData);
  if (data.length === 0) return none;
  const deletes = files.filter((file) => !isData(file));
  const held = await heldKeys.of(sql, storage, { owner, live: files.filter(isData), deletes, data, key });
  const places = search(held, going);
  const rest = data.filter((file) => !held.has(file));
  if (rest.length === 0) return places.size === 0 ? none : { old: { kind: 'places', places }, read };
  await stageTouched(sql, old);
  const scanned = await scan(sql, storage, rest, deletes, key);
  const select = places.size === 0 ? scanned : `${await placesSql(sql, places)} UNION ALL ${scanned}`;
  return { old: { kind: 'select', select }, read };
}

const isData = (file: LiveFile): boolean => file.content === 'data';
const amongTouched = (key: readonly ScanColumn[]) => ({
  relation: 'touched',
  columns: key.map(({ name }) => name),
});

function stageTouched(sql: Sql, { key, keys }: OldRows): Promise<void> {
  const names = key.map(({ name }) => name).join(', ');
  return sql.run(`CREATE TEMP TABLE touched AS SELECT ${names} FROM (${keys}) WHERE goes`);
}

function search(held: ReadonlyMap<LiveFile, HeldFile>, { words, count }: GoingKeys): Places {
  const places = new Map<string, number[]>();
  for (const [{ path }, { keys, isDeleted }] of held) {
    const positions: number[] = [];
    keys.find(words, count, (position) => {
      if (!isDeleted(position)) positions.push(position);
    });
    if (positions.length > 0) places.set(path, positions);
  }
  return places;
}

async function placesSql(sql: Sql, places: Places): Promise<string> {
  await sql.run('CREATE TEMP TABLE places(file INTEGER, pos INTEGER)');
  await sql.connection.exclusive(async (native) => {
    const appender = await native.createAppender('places', 'main', 'temp');
    try {
      let file = 0;
      for (const positions of places.values()) {
        file++;
        for (const position of positions) {
          appender.appendInteger(file);
          appender.appendInteger(position);
          appender.endRow();
        }
      }
    } finally {
      appender.closeSync();
    }
  });
  return `SELECT ${quoteTexts([...places.keys()])}[file] AS file, CAST(pos AS BIGINT) AS pos FROM places`;
}

/** Rows are found first, and then held against what is deleted: so the few are hashed, and not all deleted positions. */
async function scan(
  sql: Sql,
  storage: Storage,
  data: readonly LiveFile[],
  deletes: readonly LiveFile[],
  key: readonly ScanColumn[],
): Promise<string> {
  const { hitting } = splitByDeletes(data, deletes);
  const rows = scanSql(storage, data, key, { positions: true, among: amongTouched(key) });
  await sql.run(
    `CREATE TEMP TABLE found AS SELECT "${FILE_COLUMN}" AS file, "${POSITION_COLUMN}" AS pos FROM ${rows}`,
  );
  const gone =
    hitting.length === 0
      ? ''
      : ` ANTI JOIN ${deletedPositionsSql(storage, data, hitting)} g ON g.file_path = f.file AND g.pos = f.pos`;
  return `SELECT f.file, f.pos FROM found f${gone}`;
}

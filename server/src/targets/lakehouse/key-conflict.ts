import type { LiveFile } from '../../lakehouse/data-file.ts';
import { type ScanColumn, scanSql } from '../../lakehouse/duckdb/scan-sql.ts';
import type { TableMetadata } from '../../lakehouse/metadata.ts';
import { liveFiles } from '../../lakehouse/scan.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { currentSchema } from '../../lakehouse/table-metadata.ts';
import { columnMapOf } from './column-map.ts';
import { holdingKeys } from './holding-keys.ts';
import type { Sql } from './sql.ts';

export interface LineNow {
  readonly shard: string;
  readonly metadata: TableMetadata;
}

export interface KeyConflict {
  /** The line that has the key already. */
  readonly shard: string;
  /** The columns' values, for people. */
  readonly key: string;
}

export interface LineChange {
  /** null: the line was not there. */
  readonly before: TableMetadata | null;
  readonly after: TableMetadata;
}

/**
 * Which lines of a commit would bring a key that another line has. All of them move at once: a key may leave one line
 * and come to another. One that is refused stays as it was, so those that went along with its change are looked at again.
 * @param before every line of the merged table
 * @param after those that the commit moves
 */
export async function lineConflicts(
  before: ReadonlyMap<string, TableMetadata>,
  after: ReadonlyMap<string, TableMetadata>,
  find: (change: LineChange, others: readonly LineNow[]) => Promise<KeyConflict | null>,
): Promise<ReadonlyMap<string, KeyConflict>> {
  const now = new Map([...before, ...after]);
  const conflicts = new Map<string, KeyConflict>();
  for (let refused = true; refused; ) {
    refused = false;
    for (const [shard, moved] of after) {
      if (conflicts.has(shard)) continue;
      const was = before.get(shard) ?? null;
      const others = [...now].flatMap(([name, metadata]) =>
        name === shard ? [] : [{ shard: name, metadata }],
      );
      const conflict = await find({ before: was, after: moved }, others);
      if (conflict === null) continue;
      conflicts.set(shard, conflict);
      refused = true;
      if (was === null) now.delete(shard);
      else now.set(shard, was);
    }
  }
  return conflicts;
}

/**
 * Whether keys that a line gets with a commit are another line's already, so that the merged table would have two
 * rows of one key. Only keys that are new to the line are looked for: what it held before was looked for then.
 * @param root the merged table's schema of now
 * @param key the key's columns, as TableSchema numbers them (sourceId)
 */
export async function findKeyConflict(
  sql: Sql,
  storage: Storage,
  root: TableMetadata,
  key: readonly number[],
  line: LineChange,
  others: readonly LineNow[],
): Promise<KeyConflict | null> {
  const columns = keyColumns(root, key);
  const [first] = columns;
  if (first === undefined) return null;
  const before = line.before === null ? [] : await liveFiles(storage, line.before);
  const after = await liveFiles(storage, line.after);
  const known = new Set(before.map((file) => file.path));
  const fresh = after.filter((file) => file.content !== 'data' || !known.has(file.path));
  if (!fresh.some(isData)) return null;
  await sql.run('DROP TABLE IF EXISTS fresh_keys');
  await sql.run(`CREATE TEMP TABLE fresh_keys AS SELECT * FROM ${scanSql(storage, fresh, columns)}`);
  const same = columns.map(({ name }) => `o.${name} = k.${name}`).join(' AND ');
  const looked = async (files: readonly LiveFile[]): Promise<string | null> => {
    const candidates = await holdingKeys(sql, files, first, 'fresh_keys', first.name);
    return candidates.some(isData) ? scanSql(storage, candidates, columns) : null;
  };
  const own = await looked(before);
  if (own !== null)
    await sql.run(
      `CREATE OR REPLACE TEMP TABLE fresh_keys AS SELECT k.* FROM fresh_keys k ANTI JOIN ${own} o ON ${same}`,
    );
  for (const { shard, metadata } of others) {
    const theirs = await looked(await liveFiles(storage, metadata));
    if (theirs === null) continue;
    const shown = columns
      .map(({ name }) => `coalesce(CAST(k.${name} AS VARCHAR), 'NULL')`)
      .join(` || ', ' || `);
    const [row] = await sql.rows(
      `SELECT left(${shown}, ${SHOWN}) FROM fresh_keys k SEMI JOIN ${theirs} o ON ${same} LIMIT 1`,
    );
    if (row !== undefined) return { shard, key: String(row[0]) };
  }
  return null;
}

const SHOWN = 200;

const isData = (file: LiveFile): boolean => file.content === 'data';

function keyColumns(root: TableMetadata, key: readonly number[]): readonly ScanColumn[] {
  const map = columnMapOf(root)!;
  const fields = new Map(currentSchema(root).fields.map((field) => [field.id, field]));
  return key.map((sourceId, index) => {
    const id = map.columns.get(sourceId)!;
    return { id, name: `k${index}`, type: fields.get(id)!.type };
  });
}

import type { TestMysqlDatabase } from '../../../../../tests/support/mysql.ts';
import type { Column, Identity, TableSchema } from '../../../model/table.ts';
import { parseCsv } from '../../postgres/testing/csv.ts';
import type { TableSnapshot } from '../../source.ts';
import { exactType, mayHideMembers } from '../exact-members.ts';
import { openSnapshot } from '../snapshot.ts';

/** For tests: the full load of one table, without the rest of a source. */

export const never: AbortSignal = new AbortController().signal;

/** A table as the catalog has it, for the load alone: of the columns' types only `native` counts. */
export async function describeTable(db: TestMysqlDatabase, table: string): Promise<TableSchema> {
  const rows = await db.rows(
    'SELECT COLUMN_NAME, COLUMN_TYPE, CHARACTER_SET_NAME, IS_NULLABLE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION',
    [db.name, table],
  );
  const ask = async (sql: string): Promise<Record<string, string | null>[]> =>
    (await db.rows(sql)).map(([value, member]) => ({ value: value!, member: member! }));
  const columns: Column[] = [];
  for (const [name, shown, charset, nullable] of rows) {
    const column = { name: name!, type: shown!, charset: charset! };
    const type = mayHideMembers(column)
      ? await exactType(ask, { schema: db.name, table }, column)
      : column.type;
    columns.push({
      name: column.name,
      sourceId: columns.length + 1,
      type: { kind: 'string' },
      text: { form: 'plain' },
      nullable: nullable === 'YES',
      native: charset === null ? type! : `${type} character set ${charset}`,
    });
  }
  const key = await db.rows(
    "SELECT COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND INDEX_NAME = 'PRIMARY'",
    [db.name, table],
  );
  const indexes = key
    .map(([name]) => columns.findIndex((column) => column.name === name))
    .sort((a, b) => a - b);
  const identity: Identity = indexes.length > 0 ? { kind: 'key', columns: indexes } : { kind: 'row' };
  return { name: { schema: db.name, table }, columns, identity };
}

export function snapshotOf(
  db: TestMysqlDatabase,
  { name, columns, identity }: TableSchema,
  signal: AbortSignal = never,
  notice?: (message: string) => void,
): Promise<TableSnapshot> {
  return openSnapshot(db.connection, 'sluice test', name, columns, identity, signal, notice);
}

/** The lines of all chunks, several chunks at a time. */
export async function copyAll(
  snapshot: TableSnapshot,
  targetBytes = 1_000_000,
): Promise<{ readonly rows: (string | null)[][]; readonly chunks: readonly number[] }> {
  const chunks = await snapshot.plan(targetBytes);
  const counts: number[] = [];
  const texts = await Promise.all(
    chunks.map(async (chunk, index) => {
      const parts: Buffer[] = [];
      const done = await snapshot.copy(chunk, async (lines) => void parts.push(Buffer.from(lines)), never);
      counts[index] = done.rows;
      return Buffer.concat(parts).toString('utf8');
    }),
  );
  const rows = texts.flatMap((text) => parseCsv(text));
  const told = counts.reduce((sum, count) => sum + count, 0);
  if (rows.length !== told) throw new Error(`${told} rows were counted, ${rows.length} came`);
  return { rows, chunks: counts };
}

export async function loadTable(
  db: TestMysqlDatabase,
  table: string,
  targetBytes?: number,
): Promise<{ readonly rows: (string | null)[][]; readonly chunks: readonly number[] }> {
  await using snapshot = await snapshotOf(db, await describeTable(db, table));
  return await copyAll(snapshot, targetBytes);
}

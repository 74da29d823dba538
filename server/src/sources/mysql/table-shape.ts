import { SluiceError } from '@sluice/contract';
import { type Column, type TableName, tableText } from '../../model/table.ts';
import type { Session, TextRow } from './connect.ts';
import type { KeyColumn } from './key-range.ts';
import { type NativeType, parseNative } from './native-type.ts';
import { quoteTable } from './quote.ts';

/** What is to be known of a table before it is cut into chunks. */
export interface TableShape {
  /** Rows of the engine are seen as of one moment. */
  readonly transactional: boolean;
  /** As the engine's statistics have it. */
  readonly bytesPerRow: number;
  readonly estimatedBytes: number;
}

export interface KeyIndex {
  readonly columns: readonly KeyColumn[];
  /** The index that is sorted by these columns; null: none is of use for it. */
  readonly index: string | null;
}

/** @throws SluiceError TABLE_DROPPED, TABLE_NO_SELECT, SOURCE_* */
export async function readShape(
  session: Session,
  table: TableName,
  columns: readonly Column[],
): Promise<TableShape> {
  // MySQL 8 keeps what the engine said for a day.
  if (session.info.flavour === 'mysql' && session.info.version >= 80_000)
    await session.run('SET information_schema_stats_expiry = 0');
  const [row] = await session.rows<{ n: string | null; bytes: string | null; transactional: string | null }>(
    `SELECT t.TABLE_ROWS AS n, t.DATA_LENGTH AS bytes, e.TRANSACTIONS AS transactional
       FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
      WHERE t.TABLE_SCHEMA = ? AND t.TABLE_NAME = ?`,
    [table.schema, table.table],
  );
  if (!row) {
    // A table that may not be read is not in there either; the server's own word tells which it is.
    await session.run(`SELECT 1 FROM ${quoteTable(table)} LIMIT 0`, [], 'load');
    throw new SluiceError('TABLE_DROPPED', `The table ${tableText(table)} is gone at the source.`);
  }
  const bytes = Number(row.bytes ?? 0);
  const rows = Number(row.n ?? 0);
  const least = columns.reduce((sum, column) => sum + leastBytes(parseNative(column.native)), ROW_BYTES);
  // The statistics may be of long ago; the least that a row takes is not.
  return {
    transactional: row.transactional === 'YES',
    bytesPerRow: Math.max(least, rows > 0 ? bytes / rows : 0),
    estimatedBytes: Math.max(bytes, rows * least),
  };
}

/** What InnoDB keeps with a row besides its values. */
const ROW_BYTES = 20;

function leastBytes(native: NativeType): number {
  switch (native.kind) {
    case 'integer':
      return native.bytes;
    case 'decimal':
      return native.precision / 2;
    case 'double':
    case 'datetime':
      return 8;
    case 'date':
      return 3;
    case 'float':
    case 'timestamp':
    case 'inet4':
      return 4;
    case 'uuid':
    case 'inet6':
      return 16;
    case 'text':
    case 'bytes':
      return native.fixed ? (native.length ?? 1) : 2;
    default:
      return 1;
  }
}

/** The columns of a key in the order of the index that holds them. */
export async function readKeyIndex(
  session: Session,
  table: TableName,
  columns: readonly Column[],
  key: readonly number[],
): Promise<KeyIndex> {
  const names = key.map((index) => columns[index]!.name);
  const rows = await session.rows(
    'SELECT * FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX',
    [table.schema, table.table],
  );
  const indexes = new Map<string, TextRow[]>();
  for (const row of rows) {
    const parts = indexes.get(row.INDEX_NAME ?? '');
    if (parts) parts.push(row);
    else indexes.set(row.INDEX_NAME ?? '', [row]);
  }
  const column = (name: string, descending: boolean): KeyColumn => ({
    name,
    native: parseNative(columns.find((one) => one.name === name)!.native),
    descending,
  });
  const usable = [...indexes].filter(
    ([, parts]) =>
      parts.length === names.length &&
      parts.every(
        (part) =>
          names.includes(part.COLUMN_NAME ?? '') &&
          part.SUB_PART === null &&
          part.INDEX_TYPE === 'BTREE' &&
          part.IS_VISIBLE !== 'NO' &&
          part.IGNORED !== 'YES',
      ),
  );
  const [name, parts] = usable.find(([index]) => index === 'PRIMARY') ?? usable[0] ?? [null, []];
  if (name === null) return { columns: names.map((one) => column(one, false)), index: null };
  const ordered = parts.map((part) => column(part.COLUMN_NAME ?? '', part.COLLATION === 'D'));
  return { columns: ordered, index: name };
}

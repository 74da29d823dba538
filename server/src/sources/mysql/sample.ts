import type { Column, TableName } from '../../model/table.ts';
import type { Session } from './connect.ts';
import { geometryText } from './geometry.ts';
import { parseNative } from './native-type.ts';
import { quoteIdent, quoteTable } from './quote.ts';

/** The first rows of a table: what is text as the server writes it, bytes as hexadecimal digits behind 0x. */
export async function sampleRows(
  session: Session,
  table: TableName,
  columns: readonly Column[],
  limit: number,
): Promise<{ readonly columns: readonly string[]; readonly rows: readonly (string | null)[][] }> {
  const list = columns.map((column) => quoteIdent(column.name)).join(', ');
  const rows = await session.buffers(
    `SELECT ${list} FROM ${quoteTable(table)} LIMIT ${Math.max(0, Math.trunc(limit))}`,
  );
  const kinds = columns.map((column) => parseNative(column.native).kind);
  return {
    columns: columns.map((column) => column.name),
    rows: rows.map((row) =>
      row.map((value, index) => (value === null ? null : sampleText(value, kinds[index]!))),
    ),
  };
}

function sampleText(value: Buffer, kind: ReturnType<typeof parseNative>['kind']): string {
  switch (kind) {
    case 'bytes':
    case 'bit':
    case 'vector':
      return `0x${value.toString('hex')}`;
    case 'geometry':
      return geometryText(value, 0, value.length);
    default:
      return value.toString('utf8');
  }
}

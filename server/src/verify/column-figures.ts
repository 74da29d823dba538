import type { ColumnFigures } from '@sluice/contract';
import { type LogicalType, sameType, typeText } from '../model/logical-type.ts';
import { holdsAll } from '../model/merge/widest-type.ts';
import type { Column } from '../model/table.ts';

/**
 * A line a column: its types on both sides, and how many of the rows have null there.
 * @param lake the column's type in the lake; null: it is not there
 */
export function columnFigures(
  columns: readonly Column[],
  lake: readonly (LogicalType | null)[],
  nulls: { readonly source: readonly number[]; readonly lake: readonly number[] },
): ColumnFigures[] {
  return columns.map((column, index) => {
    const type = lake[index] ?? null;
    return {
      column: column.name,
      sourceType: column.native,
      lakeType: type === null ? null : typeText(type),
      mapping: mappingOf(column.type, type),
      sourceNulls: nulls.source[index] ?? 0,
      lakeNulls: nulls.lake[index] ?? 0,
    };
  });
}

function mappingOf(own: LogicalType, lake: LogicalType | null): ColumnFigures['mapping'] {
  if (lake === null) return 'missing';
  if (sameType(own, lake)) return 'exact';
  return holdsAll(lake, own) ? 'wider' : 'other';
}

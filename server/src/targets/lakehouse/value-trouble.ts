import { SluiceError } from '@sluice/contract';
import { typeText } from '../../model/logical-type.ts';
import { type Column, type TableName, tableText } from '../../model/table.ts';
import type { Sql } from './sql.ts';
import { isZeroDate, type ReadingRules, strictExpression } from './text-expression.ts';

/** A source of text rows and what each of its columns is to become. */
export interface TextRows {
  /** A relation. */
  readonly from: string;
  readonly columns: readonly {
    readonly column: Column;
    readonly text: string;
    readonly rules: ReadingRules;
  }[];
}

/**
 * A statement over text rows failed: finds the column and a value that its type cannot hold. DuckDB's own message
 * names neither column nor row. @returns null where every value can be read, so the cause is another
 */
export async function findValueTrouble(
  sql: Sql,
  table: TableName,
  rows: readonly TextRows[],
): Promise<SluiceError | null> {
  for (const { from, columns } of rows)
    for (const { column, text, rules } of columns) {
      if (column.type.kind === 'string' || rules.outOfRange === 'null') continue;
      const value = strictExpression(column.type, column.text, text, rules);
      // With infinite or zero dates as null, a null is right for them.
      const infinite = rules.infiniteDates === 'null' ? ` AND NOT contains(${text}, 'infinity')` : '';
      const zero =
        column.text.form === 'zero' && rules.zeroDates === 'null' ? ` AND NOT (${isZeroDate(text)})` : '';
      const [found] = await sql.rows(
        `SELECT left(first(${text}), 60), count(*) FROM ${from} WHERE ${text} IS NOT NULL AND TRY(${value}) IS NULL${infinite}${zero}`,
      );
      const count = Number(found?.[1] ?? 0);
      if (count > 0)
        return new SluiceError(
          'TABLE_VALUE',
          `The column "${column.name}" of ${tableText(table)} holds ${JSON.stringify(found![0])} (${count === 1 ? 'in one row' : `and the like in ${count} rows`}), which ${typeText(column.type)} cannot hold exactly.`,
        );
    }
  return null;
}

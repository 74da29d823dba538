import { SluiceError } from '@sluice/contract';
import type { Column } from '../../model/table.ts';

/** The text by which the source is asked for a key (Source.fetchRows). */
export function textOfKey(column: Column, value: string): string {
  switch (column.type.kind) {
    case 'int':
    case 'long':
    case 'decimal':
    case 'string':
    case 'date':
    case 'timestamp':
    case 'uuid':
      return `CAST(${value} AS VARCHAR)`;
    case 'binary':
      return `'\\x' || lower(hex(${value}))`;
    default:
      throw new SluiceError(
        'TABLE_BACKFILL',
        `Rows cannot be asked for by the key ${column.name}, which is a ${column.native}.`,
      );
  }
}

import type { Column } from '../../model/table.ts';
import { geometryText } from './geometry.ts';
import { type NativeType, parseNative } from './native-type.ts';
import { quoteIdent } from './quote.ts';
import type { FieldForm, RowForms } from './wire/text-rows.ts';

/** What a SELECT of the text protocol asks for, and how its fields become text of lines. */
export interface SelectList extends RowForms {
  readonly sql: string;
}

export function selectList(columns: readonly Column[]): SelectList {
  const natives = columns.map((column) => parseNative(column.native));
  return {
    sql: columns.map((column, i) => selectExpression(column.name, natives[i]!)).join(', '),
    fields: natives.map(fieldForm),
    geometry: geometryText,
  };
}

function selectExpression(name: string, native: NativeType): string {
  const column = quoteIdent(name);
  // The column itself is rounded for display; DOUBLE(M,D) holds other doubles than those its digits would make.
  return native.kind === 'float' || native.kind === 'double' ? `${column} * 1e0` : column;
}

function fieldForm(native: NativeType): FieldForm {
  switch (native.kind) {
    case 'integer':
    case 'decimal':
    case 'float':
    case 'double':
    case 'year':
    case 'time':
      return 'digits';
    case 'date':
    case 'datetime':
    case 'timestamp':
      return 'date';
    case 'bit':
      return native.length === 1 ? 'bit1' : 'hex';
    case 'bytes':
    case 'vector':
      return 'hex';
    case 'geometry':
      return 'geometry';
    default:
      return 'text';
  }
}

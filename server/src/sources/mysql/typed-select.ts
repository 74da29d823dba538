import type { Column } from '../../model/table.ts';
import type {
  Bits,
  ByteStrings,
  DoubleWords,
  SixteenBytes,
  Words,
} from '../../model/typed-rows/column-values.ts';
import type { RowColumn, Values } from '../../model/typed-rows/typed-file.ts';
import { parseNative } from './native-type.ts';
import { quoteIdent } from './quote.ts';
import { decimals } from './wire/binary-decimal.ts';
import type { FieldSize } from './wire/binary-rows.ts';
import { dates, times, timestamps } from './wire/binary-time.ts';
import {
  bits,
  byteStrings,
  doubleWords,
  type FieldsReader,
  integers,
  tinyBooleans,
  unsignedLongs,
  unsignedWords,
  words,
} from './wire/binary-values.ts';

/** One column of a SELECT by the binary protocol, on its way into typed rows. */
export interface TypedField {
  readonly row: RowColumn;
  readonly size: FieldSize;
  readonly reader: (values: Values) => FieldsReader;
}

export interface TypedSelect {
  readonly sql: string;
  readonly fields: readonly TypedField[];
}

const TEXT: TypedField = {
  row: { kind: 'text' },
  size: 'encoded',
  reader: (values) => byteStrings(values as ByteStrings),
};

/** null: some column is better told as text. */
export function typedSelect(columns: readonly Column[]): TypedSelect | null {
  const fields: TypedField[] = [];
  for (const column of columns) {
    const field = typedField(column);
    if (field === null) return null;
    fields.push(field);
  }
  return { sql: columns.map((column) => quoteIdent(column.name)).join(', '), fields };
}

/** By the type at the source, which says what is sent, and the one in the lake: null where the two are no usual pair. */
function typedField({ native: text, type }: Column): TypedField | null {
  const native = parseNative(text);
  const typed = (size: FieldSize, reader: TypedField['reader']): TypedField | null =>
    type.kind === 'string' || type.kind === 'list' ? null : { row: { kind: 'typed', type }, size, reader };
  switch (native.kind) {
    case 'integer': {
      const { unsigned } = native;
      const size = native.bytes === 3 ? 4 : native.bytes;
      if (type.kind === 'boolean' && size === 1) return typed(1, (values) => tinyBooleans(values as Bits));
      if (type.kind === 'int' && size !== 8 && !(size === 4 && unsigned && native.bytes === 4))
        return typed(size, (values) => integers(values as Words, size, unsigned));
      if (type.kind === 'long' && size === 4 && unsigned)
        return typed(4, (values) => unsignedWords(values as DoubleWords));
      if (type.kind === 'long' && size === 8 && !unsigned)
        return typed(8, (values) => doubleWords(values as DoubleWords));
      if (type.kind === 'decimal' && size === 8 && unsigned && type.precision === 20 && type.scale === 0)
        return typed(8, (values) => unsignedLongs(values as SixteenBytes));
      return null;
    }
    case 'decimal':
      if (type.kind === 'string') return TEXT;
      if (type.kind !== 'decimal' || type.scale !== native.scale || type.precision !== native.precision)
        return null;
      return typed('encoded', (values) => decimals(values as DoubleWords | SixteenBytes, type.scale));
    case 'float':
      return type.kind === 'float' ? typed(4, (values) => words(values as Words)) : null;
    case 'double':
      return type.kind === 'double' ? typed(8, (values) => doubleWords(values as DoubleWords)) : null;
    case 'year':
      return type.kind === 'int' ? typed(2, (values) => integers(values as Words, 2, true)) : null;
    case 'bit':
      if (native.length === 1)
        return type.kind === 'boolean' ? typed('encoded', (values) => bits(values as Bits)) : null;
      return binary(type.kind);
    case 'bytes':
    case 'vector':
      return binary(type.kind);
    case 'date':
      return type.kind === 'date' ? typed('own', (values) => dates(values as Words)) : null;
    case 'datetime':
      return type.kind === 'timestamp' ? typed('own', (values) => timestamps(values as DoubleWords)) : null;
    case 'timestamp':
      return type.kind === 'timestamptz' ? typed('own', (values) => timestamps(values as DoubleWords)) : null;
    case 'time':
      return type.kind === 'time' ? typed('own', (values) => times(values as DoubleWords)) : null;
    case 'text':
    case 'enum':
    case 'set':
    case 'json':
    case 'uuid':
    case 'inet4':
    case 'inet6':
      return TEXT;
    case 'geometry':
      // Well-known text is made of its bytes where lines are made.
      return null;
  }
}

function binary(kind: string): TypedField | null {
  if (kind !== 'binary') return null;
  return {
    row: { kind: 'typed', type: { kind: 'binary' } },
    size: 'encoded',
    reader: (values) => byteStrings(values as ByteStrings),
  };
}

import { SluiceError } from '@sluice/contract';

/**
 * A column's type at MySQL or MariaDB, read from the text that `Column.native` holds: COLUMN_TYPE of
 * information_schema.COLUMNS (members of enums and sets: exact-members.ts), then ` character set <name>` for text, enum
 * and set, then ` as (<expression>) virtual|stored` for a generated column. Everything else about the column follows
 * from it: its type in the lake, how it is selected and how the log's bytes are read.
 */
export type NativeType =
  | {
      readonly kind: 'integer';
      readonly bytes: 1 | 2 | 3 | 4 | 8;
      readonly unsigned: boolean;
      /** The display width: tinyint(1) is what programs use for booleans. */
      readonly width: number | null;
    }
  /** 1 ≤ precision ≤ 65, 0 ≤ scale ≤ 38 (30 in MySQL) */
  | {
      readonly kind: 'decimal';
      readonly precision: number;
      readonly scale: number;
      readonly unsigned: boolean;
      readonly zerofill: boolean;
    }
  | { readonly kind: 'float' | 'double' }
  /** 1 ≤ length ≤ 64 */
  | { readonly kind: 'bit'; readonly length: number }
  | { readonly kind: 'year' | 'date' | 'json' | 'uuid' | 'inet4' | 'inet6' | 'geometry' | 'vector' }
  /** `digits` behind the second, 0 to 6 */
  | { readonly kind: 'datetime' | 'timestamp' | 'time'; readonly digits: number }
  /** char, varchar and the texts. `length` in characters; null for texts. */
  | {
      readonly kind: 'text';
      readonly fixed: boolean;
      readonly length: number | null;
      readonly charset: string;
      readonly compressed: boolean;
    }
  /** binary, varbinary and the blobs; `length` in bytes, null for blobs. */
  | {
      readonly kind: 'bytes';
      readonly fixed: boolean;
      readonly length: number | null;
      readonly compressed: boolean;
    }
  | { readonly kind: 'enum' | 'set'; readonly values: readonly string[]; readonly charset: string };

const INTEGERS: Readonly<Record<string, 1 | 2 | 3 | 4 | 8>> = {
  tinyint: 1,
  smallint: 2,
  mediumint: 3,
  int: 4,
  integer: 4,
  bigint: 8,
};
const GEOMETRIES: ReadonlySet<string> = new Set([
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geometrycollection',
  'geomcollection',
]);
const TEXTS: ReadonlySet<string> = new Set(['tinytext', 'text', 'mediumtext', 'longtext']);
const BLOBS: ReadonlySet<string> = new Set(['tinyblob', 'blob', 'mediumblob', 'longblob']);
const SIMPLE: ReadonlySet<string> = new Set(['year', 'date', 'json', 'uuid', 'inet4', 'inet6', 'vector']);

/** @throws SluiceError TABLE_SCHEMA for a type that is not known: it would be read as something else */
export function parseNative(native: string): NativeType {
  const { type, charset } = split(native);
  const name = /^[a-z0-9_]+/i.exec(type)?.[0].toLowerCase() ?? '';
  const rest = type.slice(name.length);
  const numbers = (/^\s*\(([^)]*)\)/.exec(rest)?.[1] ?? '').split(',').map((part) => part.trim());
  const first = numbers[0] === '' || numbers[0] === undefined ? null : Number(numbers[0]);
  const has = (word: string): boolean => new RegExp(`\\b${word}\\b`, 'i').test(rest);
  const bytes = INTEGERS[name];
  if (bytes !== undefined) return { kind: 'integer', bytes, unsigned: has('unsigned'), width: first };
  if (name === 'decimal' || name === 'numeric')
    return {
      kind: 'decimal',
      precision: first ?? 10,
      scale: Number(numbers[1] ?? 0),
      unsigned: has('unsigned'),
      zerofill: has('zerofill'),
    };
  if (name === 'float' || name === 'double') return { kind: name };
  if (name === 'bit') return { kind: 'bit', length: first ?? 1 };
  // MariaDB's uuid of before 10.11.5 is stored in another order, and the old two-digit year is ambiguous.
  const old = /\bold\b/i.test(rest) || (name === 'year' && first === 2);
  if (SIMPLE.has(name) && !old) return { kind: name as 'year' };
  if (GEOMETRIES.has(name)) return { kind: 'geometry' };
  if (name === 'datetime' || name === 'timestamp' || name === 'time')
    return { kind: name, digits: first ?? 0 };
  // MariaDB writes a column's compression as a comment behind its type.
  const compressed = /compressed/i.test(rest);
  if (name === 'binary' || name === 'varbinary')
    return { kind: 'bytes', fixed: name === 'binary', length: first ?? 1, compressed };
  if (BLOBS.has(name)) return { kind: 'bytes', fixed: false, length: null, compressed };
  if (charset !== null) {
    if (name === 'char' || name === 'varchar')
      return { kind: 'text', fixed: name === 'char', length: first ?? 1, charset, compressed };
    if (TEXTS.has(name)) return { kind: 'text', fixed: false, length: null, charset, compressed };
    if (name === 'enum' || name === 'set') return { kind: name, values: memberNames(rest, native), charset };
  }
  throw new SluiceError('TABLE_SCHEMA', `The column type ${native} is not known.`);
}

/** The type itself and the character set; what generates the column says nothing about how its bytes are read. */
function split(native: string): { readonly type: string; readonly charset: string | null } {
  const end = endOfType(native);
  const charset = /^ character set ([A-Za-z0-9_]+)/.exec(native.slice(end))?.[1] ?? null;
  return { type: native.slice(0, end), charset };
}

/** Names of an enum's members may hold any text, also one that looks like what follows them. */
function endOfType(native: string): number {
  let quoted = false;
  for (let i = 0; i < native.length; i++) {
    if (native[i] === "'") quoted = !quoted;
    if (quoted || native[i] !== ' ') continue;
    if (native.startsWith(' character set ', i) || native.startsWith(' as (', i)) return i;
  }
  return native.length;
}

/** What information_schema writes with a backslash, on both servers and under every sql_mode. */
const ESCAPED: Readonly<Record<string, string>> = { '\\': '\\', n: '\n', r: '\r', '0': '\0' };

/** `('a','it''s','a\\b')`: information_schema doubles quotes and backslashes. */
function memberNames(list: string, native: string): readonly string[] {
  const names: string[] = [];
  let at = list.indexOf('(') + 1;
  while (at > 0 && list[at] === "'") {
    let name = '';
    for (at++; ; at++) {
      if (at >= list.length) throw new SluiceError('TABLE_SCHEMA', `The column type ${native} is cut off.`);
      if (list[at] === '\\') name += ESCAPED[list[++at]!] ?? list[at];
      else if (list[at] !== "'") name += list[at];
      else if (list[at + 1] === "'") name += list[++at];
      else break;
    }
    names.push(name);
    at++;
    if (list[at] === ',') at++;
  }
  return names;
}

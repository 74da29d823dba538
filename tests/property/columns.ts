import type { Random } from './random.ts';

/** What a client sends for a column. */
export type ColumnValue = string | number | Buffer | null;

/**
 * A kind of column: its type as SQL says it, and values of it as the database reads them. `large`: values that the
 * database may store out of line (PostgreSQL does not log those that an update leaves as they are).
 */
export interface ColumnKind {
  readonly type: string;
  readonly large?: boolean;
  readonly storage?: 'EXTERNAL';
  readonly value: (random: Random) => ColumnValue;
}

/** A type a key can have; `value` maps a small number to a key, the same one to the same key. */
export interface KeyKind {
  readonly type: string;
  readonly value: (n: number) => ColumnValue;
}

const LETTERS = [
  'a',
  'Z',
  '"',
  "'",
  ',',
  '\n',
  '\r',
  '\\',
  '\\N',
  '\t',
  'NULL',
  'é',
  '日本',
  '🦆',
  ' ',
  '{}',
  ';',
  '%',
  '\u0001',
];

export function text(random: Random, longest: number): string {
  return Array.from({ length: random.below(longest + 1) }, () => random.pick(LETTERS)).join('');
}

/** More than 8 kB, now and then much more: beyond the pieces in which the engine copies values. */
export function large(random: Random): string {
  const size = random.once(12) ? 300_000 : random.between(9_000, 20_000);
  const body = random.hex(size);
  return random.once(3) ? `"${body.slice(0, size / 2)}"\n,infinity,${body.slice(size / 2)}""` : body;
}

export function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.below(10)).join('');
}

export const pad = (value: number, size = 2): string => String(value).padStart(size, '0');

export function day(random: Random): string {
  return `${pad(random.between(1, 9999), 4)}-${pad(random.between(1, 12))}-${pad(random.between(1, 28))}`;
}

export function timeOfDay(random: Random): string {
  const fraction = random.pick(['', '.5', '.000001', '.999999', `.${digits(random, 6)}`]);
  return `${pad(random.below(24))}:${pad(random.below(60))}:${pad(random.below(60))}${fraction}`;
}

export function numeric(random: Random, before: number, behind: number): string {
  const sign = random.pick(['', '-']);
  return `${sign}${digits(random, random.between(1, before))}${behind === 0 ? '' : `.${digits(random, behind)}`}`;
}

/** Small domains, so that a table without key gets equal rows. */
export const FEW = ['', 'x', 'NULL', 'a, b'];

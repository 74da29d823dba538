import { type KeyColumn, keyLiteral } from './key-range.ts';
import { quoteLiteral } from './quote.ts';

/**
 * SQL of a constant that may lie about halfway between two values of a column of a key (texts as keySelect gives
 * them); null where there is no telling. It is no more than a guess: the server says which keys lie next to it.
 */
export function guessBetween(column: KeyColumn, low: string, high: string): string | null {
  const { native } = column;
  // The index's order may be the other way round.
  const [a, b] = column.descending ? [high, low] : [low, high];
  switch (native.kind) {
    case 'integer':
    case 'year':
    case 'bit':
    case 'enum':
    case 'set':
      return keyLiteral(column, String(half(BigInt(a), BigInt(b))));
    case 'decimal':
      return keyLiteral(column, printDecimal(half(...scaled(a, b, native.scale)), native.scale));
    case 'float':
    case 'double':
      return halfDouble(column, Number(a), Number(b));
    case 'date':
    case 'datetime':
    case 'timestamp':
      return quoteLiteral(printMoment(half(moment(a), moment(b)), native.kind === 'date'));
    case 'time':
      return quoteLiteral(printTime(half(timeOf(a), timeOf(b))));
    case 'bytes':
      return `x'${halfOfHex(a.toLowerCase(), b.toLowerCase())}'`;
    case 'uuid':
      return quoteLiteral(fromSorted(halfOfHex(sorted(a), sorted(b)).padEnd(32, '0').slice(0, 32)));
    case 'text':
      return halfOfText(decode(a, native.charset), decode(b, native.charset));
    default:
      return null;
  }
}

/** a ≤ half < b where a < b. */
function half(a: bigint, b: bigint): bigint {
  const sum = a + b;
  return sum >= 0n ? sum / 2n : -((1n - sum) / 2n);
}

function halfDouble(column: KeyColumn, a: number, b: number): string | null {
  const middle = a / 2 + b / 2;
  return a <= middle && middle < b ? keyLiteral(column, String(middle)) : null;
}

function scaled(a: string, b: string, scale: number): [bigint, bigint] {
  const read = (text: string): bigint => {
    const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
    const digits = BigInt(whole + fraction.padEnd(scale, '0').slice(0, scale));
    return text.startsWith('-') ? -digits : digits;
  };
  return [read(a), read(b)];
}

function printDecimal(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return value < 0n ? `-${text}` : text;
}

const MICROS = 1_000_000n;

/** Microseconds since 1970; zero and partial dates count as the first of what they leave out. */
function moment(text: string): bigint {
  const [day = '', time = '00:00:00'] = text.split(' ');
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  const at = new Date(0);
  at.setUTCFullYear(year, Math.max(1, month) - 1, Math.max(1, date));
  return BigInt(at.getTime()) * 1000n + timeOf(time);
}

function printMoment(micros: bigint, dateOnly: boolean): string {
  const milliseconds = Number((micros - (((micros % MICROS) + MICROS) % MICROS)) / 1000n);
  const text = new Date(milliseconds).toISOString();
  // Years before 0 and behind 9999 do not lie between two that the server has.
  return dateOnly ? text.slice(0, 10) : `${text.slice(0, 10)} ${text.slice(11, 19)}`;
}

/** `[-]HHH:MM:SS[.ffffff]` in microseconds. */
function timeOf(text: string): bigint {
  const [hours = '0', minutes = '0', seconds = '0'] = text.replace('-', '').split(':');
  const [whole = '0', fraction = ''] = seconds.split('.');
  const micros =
    (BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(whole)) * MICROS +
    BigInt(fraction.padEnd(6, '0'));
  return text.startsWith('-') ? -micros : micros;
}

function printTime(micros: bigint): string {
  const positive = micros < 0n ? -micros : micros;
  const seconds = positive / MICROS;
  const two = (value: bigint): string => String(value).padStart(2, '0');
  const text = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  const fraction = String(positive % MICROS).padStart(6, '0');
  return `${micros < 0n ? '-' : ''}${text}.${fraction}`;
}

/** How much of two texts is looked at behind what they have in common. */
const HEX_WINDOW = 16;
const TEXT_WINDOW = 8;

function halfOfHex(a: string, b: string): string {
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  same -= same % 2;
  const window = (text: string): bigint =>
    BigInt(`0x${text.slice(same, same + HEX_WINDOW).padEnd(HEX_WINDOW, '0')}`);
  return a.slice(0, same) + half(window(a), window(b)).toString(16).padStart(HEX_WINDOW, '0');
}

/** MariaDB sorts a UUID by its parts from the last to the first (sql/sql_type_uuid.h). */
function sorted(uuid: string): string {
  return uuid.toLowerCase().split('-').reverse().join('');
}

function fromSorted(hex: string): string {
  const parts = [hex.slice(0, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 24), hex.slice(24)];
  return parts.reverse().join('-');
}

/** Texts as the server's HEX() has them. Only what is the same in every character set of one byte is told apart. */
function decode(hex: string, charset: string): string {
  const bytes = Buffer.from(hex, 'hex');
  switch (charset) {
    case 'ucs2':
    case 'utf16':
      return Buffer.from(bytes).swap16().toString('utf16le');
    case 'utf16le':
      return bytes.toString('utf16le');
    case 'utf32':
      return Array.from({ length: bytes.length / 4 }, (_, i) =>
        String.fromCodePoint(bytes.readUInt32BE(4 * i)),
      ).join('');
    case 'utf8':
    case 'utf8mb3':
    case 'utf8mb4':
    case 'ascii':
      return bytes.toString('utf8');
    default:
      return bytes.toString('latin1').replace(/[^\0-\x7f].*$/s, '');
  }
}

const DIGITS = '0123456789';
const HEX_DIGITS = '0123456789abcdef';
/** What is no letter or digit comes first in the orders of most languages; letters are the same in both cases. */
const PRINTABLE = ' _-,;:!?./\'"()[]{}@*\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz';

function halfOfText(a: string, b: string): string | null {
  const low = a.toLowerCase();
  const high = b.toLowerCase();
  let same = 0;
  while (same < low.length && same < high.length && low[same] === high[same]) same++;
  const behind = low.slice(same, same + TEXT_WINDOW) + high.slice(same, same + TEXT_WINDOW);
  const alphabet = /^[0-9]*$/.test(behind) ? DIGITS : /^[0-9a-f-]*$/.test(behind) ? HEX_DIGITS : PRINTABLE;
  const base = BigInt(alphabet.length + 1);
  // 0 stands for the end of the text.
  const value = (text: string): bigint => {
    let sum = 0n;
    for (let i = 0; i < TEXT_WINDOW; i++) {
      const character = text[same + i];
      const rank = character === undefined ? -1 : alphabet.indexOf(character);
      // What is not in the alphabet, letters of other languages, comes last.
      sum =
        sum * base +
        BigInt(character === undefined || character === '-' ? 0 : rank < 0 ? alphabet.length : rank + 1);
    }
    return sum;
  };
  const from = value(low);
  const to = value(high);
  if (from >= to) return null;
  let rest = half(from, to);
  const ranks: number[] = [];
  for (let i = 0; i < TEXT_WINDOW; i++) {
    ranks.unshift(Number(rest % base));
    rest /= base;
  }
  const end = ranks.indexOf(0);
  const text = (end < 0 ? ranks : ranks.slice(0, end)).map((rank) => alphabet[rank - 1] ?? '').join('');
  // The part in common as it is written in one of the two.
  return quoteLiteral(a.slice(0, same) + text);
}

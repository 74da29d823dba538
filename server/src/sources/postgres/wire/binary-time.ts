import type { DoubleWords } from '../../../model/typed-rows/column-values.ts';
import { type FieldsReader, word } from './binary-field.ts';

/**
 * PostgreSQL counts days and microseconds from 2000-01-01, the lake from 1970. Only the years 1 to 9999 are told here;
 * others, and infinity, have rules that text knows.
 */
const DAYS_TO_2000 = 10_957;
/** Of 0001-01-01 and 10000-01-01, from 1970. */
const FIRST_DAY = -719_162;
const END_DAY = 2_932_897;
const WORD = 2 ** 32;
const DAY_MICROSECONDS = 86_400_000_000;

export const TIME_END_HIGH = Math.floor(DAY_MICROSECONDS / WORD);
export const TIME_END_LOW = DAY_MICROSECONDS % WORD;

export function dateDays(from2000: number): number | null {
  const days = from2000 + DAYS_TO_2000;
  return days >= FIRST_DAY && days < END_DAY ? days : null;
}

const highOf = (days: number): number => Number((BigInt(days) * BigInt(DAY_MICROSECONDS)) >> 32n);
const lowOf = (days: number): number => Number((BigInt(days) * BigInt(DAY_MICROSECONDS)) & 0xffffffffn);

const SHIFT_HIGH = highOf(DAYS_TO_2000);
const SHIFT_LOW = lowOf(DAYS_TO_2000);
const FIRST_HIGH = highOf(FIRST_DAY);
const FIRST_LOW = lowOf(FIRST_DAY);
const END_HIGH = highOf(END_DAY);
const END_LOW = lowOf(END_DAY);

/** In two words with a carry: microseconds of the year 9999 are no exact numbers of JavaScript. */
export function timestamps(values: DoubleWords): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      const length = word(bytes, at);
      if (length === 8) {
        let low = (word(bytes, at + 8) >>> 0) + SHIFT_LOW;
        let high = word(bytes, at + 4) + SHIFT_HIGH;
        if (low >= WORD) {
          low -= WORD;
          high++;
        }
        if (high < FIRST_HIGH || (high === FIRST_HIGH && low < FIRST_LOW)) return false;
        if (high > END_HIGH || (high === END_HIGH && low >= END_LOW)) return false;
        values.put(low | 0, high);
      } else if (length < 0) values.null();
      else return false;
    }
    return true;
  };
}

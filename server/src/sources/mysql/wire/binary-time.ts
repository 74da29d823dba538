import type { DoubleWords, Words } from '../../../model/typed-rows/column-values.ts';
import type { FieldsReader } from './binary-values.ts';

/**
 * Dates and times of the binary protocol ("Binary Protocol Value"): their length, then year (2 bytes), month, day, hour,
 * minute, second, microseconds (4), of which what is zero to the end is left out. What is no date (no month, no day, none
 * of its month) is not told here, nor is the year 0: text has rules for those.
 */
const DAYS_BEFORE_MONTH = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const DAYS_OF_MONTH = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** Of 0001-01-01, from 1970. */
const FIRST_DAY = -719_162;

const WORD = 2 ** 32;
/** 86,400,000,000 microseconds in words. */
const DAY_HIGH = 20;
const DAY_LOW = 500_654_080;
const NO_DATE = -(2 ** 31);

/** Days from 1970 of the date that begins there; NO_DATE where it is none. */
function daysAt(bytes: Buffer, at: number): number {
  const year = bytes[at]! | (bytes[at + 1]! << 8);
  const month = bytes[at + 2]!;
  const day = bytes[at + 3]!;
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return NO_DATE;
  const leap = (year & 3) === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day > DAYS_OF_MONTH[month]! + (leap && month === 2 ? 1 : 0)) return NO_DATE;
  const before = year - 1;
  const leapDays = (before >> 2) - Math.floor(before / 100) + Math.floor(before / 400);
  return (
    FIRST_DAY + before * 365 + leapDays + DAYS_BEFORE_MONTH[month]! + (leap && month > 2 ? 1 : 0) + day - 1
  );
}

function secondsAt(bytes: Buffer, at: number): number {
  return (bytes[at]! * 60 + bytes[at + 1]!) * 60 + bytes[at + 2]!;
}

function microsecondsAt(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

export function dates(values: Words): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (at < 0) {
        values.null();
        continue;
      }
      const days = bytes[at] === 4 ? daysAt(bytes, at + 1) : NO_DATE;
      if (days === NO_DATE) return false;
      values.put(days);
    }
    return true;
  };
}

/** datetime, and timestamp in a session whose time zone is UTC: microseconds from 1970. */
export function timestamps(values: DoubleWords): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (at < 0) {
        values.null();
        continue;
      }
      const length = bytes[at]!;
      if (length !== 11 && length !== 7 && length !== 4) return false;
      const days = daysAt(bytes, at + 1);
      if (days === NO_DATE) return false;
      let ofDay = 0;
      if (length >= 7) ofDay = secondsAt(bytes, at + 5) * 1_000_000;
      if (length === 11) ofDay += microsecondsAt(bytes, at + 8);
      // In two words: microseconds of the year 9999 are no exact numbers of JavaScript, days times a word are.
      const product = days * DAY_LOW;
      const carry = Math.floor(product / WORD);
      const high = Math.floor(ofDay / WORD);
      let low = product - carry * WORD + (ofDay - high * WORD);
      let sum = days * DAY_HIGH + carry + high;
      if (low >= WORD) {
        low -= WORD;
        sum++;
      }
      values.put(low | 0, sum);
    }
    return true;
  };
}

/** time that is one of a day: length; sign, days (4 bytes), hour, minute, second, microseconds (4). */
export function times(values: DoubleWords): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (at < 0) {
        values.null();
        continue;
      }
      const length = bytes[at]!;
      if (length === 0) {
        values.put(0, 0);
        continue;
      }
      if (length !== 8 && length !== 12) return false;
      const days = bytes[at + 2]! | bytes[at + 3]! | bytes[at + 4]! | bytes[at + 5]!;
      if (bytes[at + 1] !== 0 || days !== 0 || bytes[at + 6]! > 23) return false;
      let ofDay = secondsAt(bytes, at + 6) * 1_000_000;
      if (length === 12) ofDay += microsecondsAt(bytes, at + 9);
      const high = Math.floor(ofDay / WORD);
      values.put((ofDay - high * WORD) | 0, high);
    }
    return true;
  };
}

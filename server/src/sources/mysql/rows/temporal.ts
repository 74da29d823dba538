import { uint32, writeDigits, writePadded, writePair } from './digits.ts';

const DASH = 0x2d;
const COLON = 0x3a;
const SPACE = 0x20;
const POINT = 0x2e;
const POWERS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000] as const;

export function writeYmd(out: Uint8Array, at: number, year: number, month: number, day: number): number {
  let o = writePadded(out, at, year, 4);
  out[o++] = DASH;
  o = writePair(out, o, month);
  out[o++] = DASH;
  return writePair(out, o, day);
}

export function writeHms(out: Uint8Array, at: number, hour: number, minute: number, second: number): number {
  let o = hour < 100 ? writePair(out, at, hour) : writeDigits(out, at, hour);
  out[o++] = COLON;
  o = writePair(out, o, minute);
  out[o++] = COLON;
  return writePair(out, o, second);
}

/** `digits` behind the second, of which those of `micros` that are beyond are zero. */
export function writeFraction(out: Uint8Array, at: number, micros: number, digits: number): number {
  if (digits === 0) return at;
  out[at] = POINT;
  return writePadded(out, at + 1, Math.floor(micros / POWERS[6 - digits]!), digits);
}

/** Microseconds of a fraction as it is stored behind the second: big-endian, one byte for two digits. */
export function readFraction(bytes: Uint8Array, at: number, digits: number): number {
  if (digits === 0) return 0;
  if (digits < 3) return bytes[at]! * 10_000;
  if (digits < 5) return ((bytes[at]! << 8) | bytes[at + 1]!) * 100;
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
}

/** DATE: little-endian, 15 bits of year, 4 of month, 5 of day. */
export function writeDate(bytes: Uint8Array, from: number, out: Uint8Array, at: number): number {
  const value = bytes[from]! | (bytes[from + 1]! << 8) | (bytes[from + 2]! << 16);
  return writeYmd(out, at, value >> 9, (value >> 5) & 15, value & 31);
}

/**
 * DATETIME2 (mysys/my_time.cc, my_datetime_packed_from_binary): big-endian, a sign bit that is set, 17 bits of
 * year * 13 + month, 5 of day, 5 of hour, 6 of minute, 6 of second.
 */
export function writeDatetime(
  bytes: Uint8Array,
  from: number,
  digits: number,
  out: Uint8Array,
  at: number,
): number {
  const b1 = bytes[from + 1]!;
  const b2 = bytes[from + 2]!;
  const b3 = bytes[from + 3]!;
  const months = ((bytes[from]! & 0x7f) << 10) | (b1 << 2) | (b2 >> 6);
  const year = (months / 13) | 0;
  let o = writeYmd(out, at, year, months - year * 13, (b2 >> 1) & 31);
  out[o++] = SPACE;
  const low = (b3 << 8) | bytes[from + 4]!;
  o = writeHms(out, o, ((b2 & 1) << 4) | (b3 >> 4), (low >> 6) & 63, low & 63);
  return writeFraction(out, o, readFraction(bytes, from + 5, digits), digits);
}

/** Whether the month or the day is zero: no such date is in the lake. */
export function isPartialDatetime(bytes: Uint8Array, from: number): boolean {
  const b2 = bytes[from + 2]!;
  const months = ((bytes[from]! & 0x7f) << 10) | (bytes[from + 1]! << 2) | (b2 >> 6);
  return (b2 & 0x3e) === 0 || months % 13 === 0;
}

/** TIMESTAMP2: seconds since 1970 big-endian; 0 is the zero timestamp. As UTC. */
export function writeTimestamp(
  bytes: Uint8Array,
  from: number,
  digits: number,
  out: Uint8Array,
  at: number,
): number {
  const seconds =
    ((bytes[from]! << 24) | (bytes[from + 1]! << 16) | (bytes[from + 2]! << 8) | bytes[from + 3]!) >>> 0;
  return writeSeconds(out, at, seconds, readFraction(bytes, from + 4, digits), digits);
}

/** TIMESTAMP of before MySQL 5.6: little-endian. */
export function writeOldTimestamp(bytes: Uint8Array, from: number, out: Uint8Array, at: number): number {
  return writeSeconds(out, at, uint32(bytes, from), 0, 0);
}

function writeSeconds(out: Uint8Array, at: number, seconds: number, micros: number, digits: number): number {
  let o = at;
  if (seconds === 0 && micros === 0) {
    o = writeYmd(out, o, 0, 0, 0);
    out[o++] = SPACE;
    return writeFraction(out, writeHms(out, o, 0, 0, 0), 0, digits);
  }
  // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days, for days since 1970-01-01.
  const days = (seconds / 86_400) | 0;
  const z = days + 719_468;
  const era = (z / 146_097) | 0;
  const dayOfEra = z - era * 146_097;
  const yearOfEra =
    ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36_524) | 0) - ((dayOfEra / 146_096) | 0)) / 365) | 0;
  const dayOfYear = dayOfEra - (365 * yearOfEra + (yearOfEra >> 2) - ((yearOfEra / 100) | 0));
  const shifted = ((5 * dayOfYear + 2) / 153) | 0;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  o = writeYmd(out, o, year, month, dayOfYear - (((153 * shifted + 2) / 5) | 0) + 1);
  out[o++] = SPACE;
  const rest = seconds - days * 86_400;
  const hour = (rest / 3600) | 0;
  const minute = ((rest - hour * 3600) / 60) | 0;
  o = writeHms(out, o, hour, minute, rest - hour * 3600 - minute * 60);
  return writeFraction(out, o, micros, digits);
}

/**
 * TIME2 (mysys/my_time.cc, my_time_packed_from_binary): hours, minutes and seconds in 10, 6 and 6 bits and the fraction
 * behind them, as one big-endian number to which 2^23 (and as many bits as the fraction has) was added.
 */
export function writeTime(
  bytes: Uint8Array,
  from: number,
  digits: number,
  out: Uint8Array,
  at: number,
): number {
  const size = (digits + 1) >> 1;
  let value = (bytes[from]! << 16) | (bytes[from + 1]! << 8) | bytes[from + 2]!;
  for (let i = 0; i < size; i++) value = value * 256 + bytes[from + 3 + i]!;
  const unit = 256 ** size;
  return writeSignedTime(out, at, value - 0x800000 * unit, unit, digits);
}

function writeSignedTime(out: Uint8Array, at: number, packed: number, unit: number, digits: number): number {
  let o = at;
  if (packed < 0) out[o++] = DASH;
  const value = Math.abs(packed);
  const hms = Math.floor(value / unit);
  const fraction = value - hms * unit;
  o = writeHms(out, o, hms >> 12, (hms >> 6) & 63, hms & 63);
  return writeFraction(out, o, fraction * (unit === 256 ? 10_000 : unit === 65_536 ? 100 : 1), digits);
}

/** TIME of before MySQL 5.6: a signed little-endian number of three bytes, hhmmss in decimal. */
export function writeOldTime(bytes: Uint8Array, from: number, out: Uint8Array, at: number): number {
  const value = ((bytes[from]! << 8) | (bytes[from + 1]! << 16) | (bytes[from + 2]! << 24)) >> 8;
  let o = at;
  if (value < 0) out[o++] = DASH;
  const hms = Math.abs(value);
  return writeHms(out, o, (hms / 10_000) | 0, ((hms / 100) | 0) % 100, hms % 100);
}

/** DATETIME of before MySQL 5.6: YYYYMMDDhhmmss in decimal, little-endian. */
export function writeOldDatetime(bytes: Uint8Array, from: number, out: Uint8Array, at: number): number {
  const value = readOldDatetime(bytes, from);
  const date = Math.floor(value / 1e6);
  const time = value - date * 1e6;
  let o = writeYmd(out, at, (date / 10_000) | 0, ((date / 100) | 0) % 100, date % 100);
  out[o++] = SPACE;
  return writeHms(out, o, (time / 10_000) | 0, ((time / 100) | 0) % 100, time % 100);
}

export function isPartialOldDatetime(bytes: Uint8Array, from: number): boolean {
  const date = Math.floor(readOldDatetime(bytes, from) / 1e6);
  return date % 100 === 0 || ((date / 100) | 0) % 100 === 0;
}

function readOldDatetime(bytes: Uint8Array, from: number): number {
  return uint32(bytes, from + 4) * 0x100000000 + uint32(bytes, from);
}

/**
 * Dates and times inside JSON: a number of eight bytes, little-endian, with six digits behind the second
 * (my_time.cc, TIME_to_longlong_packed).
 */
export function packedDatetimeText(packed: bigint): string {
  const whole = packed >> 24n;
  const hms = Number(whole & 0x1ffffn);
  return `${packedDateText(packed)} ${hmsText(hms)}.${microsText(packed)}`;
}

export function packedDateText(packed: bigint): string {
  const ymd = Number(packed >> 41n);
  const months = ymd >> 5;
  const year = Math.floor(months / 13);
  return `${padded(year, 4)}-${padded(months - year * 13, 2)}-${padded(ymd & 31, 2)}`;
}

export function packedTimeText(packed: bigint): string {
  const value = packed < 0n ? -packed : packed;
  return `${packed < 0n ? '-' : ''}${hmsText(Number(value >> 24n))}.${microsText(value)}`;
}

function hmsText(hms: number): string {
  return `${padded(hms >> 12, 2)}:${padded((hms >> 6) & 63, 2)}:${padded(hms & 63, 2)}`;
}

function microsText(packed: bigint): string {
  return padded(Number(packed & 0xffffffn), 6);
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

const DATE = /^(\d+)-(\d\d)-(\d\d)( \(BC\))?$/;
const TIME = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/;
const TIMESTAMP = /^(\d+-\d\d-\d\d(?: \(BC\))?) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)(?:\+00)?$/;

const DAY_US = 86_400_000_000n;

/** @returns days since 1970-01-01, or null for infinities and anything else */
export function parseDate(text: string): bigint | null {
  const match = DATE.exec(text);
  if (!match) return null;
  const year = BigInt(match[1]!);
  // The year before 1 AD is 1 BC: there is no year 0.
  return daysFromCivil(match[4] ? 1n - year : year, BigInt(match[2]!), BigInt(match[3]!));
}

/** @returns microseconds since midnight */
export function parseTime(text: string): bigint | null {
  const match = TIME.exec(text);
  if (!match) return null;
  const seconds = (BigInt(match[1]!) * 60n + BigInt(match[2]!)) * 60n + BigInt(match[3]!);
  return seconds * 1_000_000n + BigInt((match[4] ?? '').padEnd(6, '0'));
}

/** @returns microseconds since 1970; the zone, if there is one, must be UTC */
export function parseTimestamp(text: string): bigint | null {
  const match = TIMESTAMP.exec(text);
  if (!match) return null;
  const days = parseDate(match[1]!);
  const time = parseTime(match[2]!);
  return days === null || time === null ? null : days * DAY_US + time;
}

/** Proleptic Gregorian calendar; Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil. */
function daysFromCivil(year: bigint, month: bigint, day: bigint): bigint {
  const y = month <= 2n ? year - 1n : year;
  const era = (y >= 0n ? y : y - 399n) / 400n;
  const yearOfEra = y - era * 400n;
  const dayOfYear = (153n * (month > 2n ? month - 3n : month + 9n) + 2n) / 5n + day - 1n;
  const dayOfEra = yearOfEra * 365n + yearOfEra / 4n - yearOfEra / 100n + dayOfYear;
  return era * 146_097n + dayOfEra - 719_468n;
}

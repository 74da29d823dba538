/** The largest number of digits before the point that is written without an exponent (dtoa.h, MAX_DECPT_FOR_F_FORMAT). */
const MAX_WHOLE_DIGITS = 15;

/**
 * The text that MySQL makes of a double (strings/dtoa.cc, my_gcvt): the shortest digits that are read as the same number,
 * without an exponent from 1e-15 up to 1e15 and where some digits are behind the point.
 */
export function doubleText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa, exponent] = Math.abs(value).toExponential().split('e') as [string, string];
  const digits = mantissa.replace('.', '');
  /** Digits before the point; zeros behind it where it is negative. */
  const point = Number(exponent) + 1;
  return (value < 0 ? '-' : '') + layOut(digits, point);
}

function layOut(digits: string, point: number): string {
  const plain = point >= 1 - MAX_WHOLE_DIGITS && (point <= MAX_WHOLE_DIGITS || digits.length > point);
  if (!plain) return `${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ''}e${point - 1}`;
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return digits + '0'.repeat(point - digits.length);
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

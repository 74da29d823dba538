import { type LogicalType, sameType } from '../logical-type.ts';

const MAX_PRECISION = 38;
/** Decimal digits that every value of the type fits in. */
const DIGITS = { int: 10, long: 19 } as const;

/**
 * The narrowest type that holds every value of both, unchanged; null where there is none. A number keeps its value
 * and may show more zeros behind the point (1.5 in decimal(4, 2) is 1.50). Nothing becomes text, and no date becomes a
 * timestamp: such a column would be another one than the source's.
 *
 *   int · long · decimal       long, or a decimal with the digits of both before and behind the point, up to 38
 *   float · double             double
 *   int · float or double      double, which holds each 32-bit integer; a long or a decimal it does not hold
 *   list · list                a list of the elements' widest type
 *   anything else              itself alone
 *
 * The order of the arguments does not matter, nor that of several calls; and where several types have no widest one,
 * two of them have none.
 */
export function widestType(a: LogicalType, b: LogicalType): LogicalType | null {
  if (sameType(a, b)) return a;
  if (a.kind === 'list' && b.kind === 'list') {
    const element = widestType(a.element, b.element);
    return element === null || element.kind === 'list' ? null : { kind: 'list', element };
  }
  const kinds = new Set([a.kind, b.kind]);
  const within = (...allowed: readonly LogicalType['kind'][]): boolean =>
    [...kinds].every((kind) => allowed.includes(kind));
  if (within('int', 'long')) return { kind: 'long' };
  if (within('int', 'float', 'double')) return { kind: 'double' };
  if (within('int', 'long', 'decimal')) return widestDecimal(asDecimal(a), asDecimal(b));
  return null;
}

/** Whether every value of `from` is one of `to` too. */
export function holdsAll(to: LogicalType, from: LogicalType): boolean {
  const widest = widestType(from, to);
  return widest !== null && sameType(widest, to);
}

interface Digits {
  readonly before: number;
  readonly behind: number;
}

function asDecimal(type: LogicalType): Digits {
  if (type.kind === 'decimal') return { before: type.precision - type.scale, behind: type.scale };
  return { before: type.kind === 'int' ? DIGITS.int : DIGITS.long, behind: 0 };
}

function widestDecimal(a: Digits, b: Digits): LogicalType | null {
  const scale = Math.max(a.behind, b.behind);
  const precision = Math.max(a.before, b.before) + scale;
  return precision > MAX_PRECISION ? null : { kind: 'decimal', precision, scale };
}

import type { LogicalType, PrimitiveType } from '../../logical-type.ts';

/**
 * Values as a test holds them exactly: numbers are whole multiples of powers of ten or of two, so that "the same value"
 * can be told without rounding.
 *   decimal   units · 10^-scale
 *   binary    the double itself
 */
export type ExactValue =
  | { readonly kind: 'decimal'; readonly units: bigint; readonly scale: number }
  | { readonly kind: 'binary'; readonly value: number }
  | { readonly kind: 'text'; readonly of: PrimitiveType['kind']; readonly text: string }
  | { readonly kind: 'list'; readonly elements: readonly ExactValue[] };

const INT = 2n ** 31n;
const LONG = 2n ** 63n;

/** Whether the type has this very value. */
export function holds(type: LogicalType, value: ExactValue): boolean {
  switch (type.kind) {
    case 'int':
    case 'long': {
      const limit = type.kind === 'int' ? INT : LONG;
      const whole = wholeOf(value);
      return whole !== null && whole >= -limit && whole < limit;
    }
    case 'decimal': {
      if (value.kind !== 'decimal') return false;
      const units = rescaled(value, type.scale);
      const limit = 10n ** BigInt(type.precision);
      return units !== null && units > -limit && units < limit;
    }
    case 'float':
      return value.kind === 'binary' && Object.is(Math.fround(value.value), value.value);
    case 'double': {
      if (value.kind === 'binary') return true;
      const whole = wholeOf(value);
      return whole !== null && BigInt(Number(whole)) === whole;
    }
    case 'list':
      return value.kind === 'list' && value.elements.every((element) => holds(type.element, element));
    default:
      return value.kind === 'text' && value.of === type.kind;
  }
}

function wholeOf(value: ExactValue): bigint | null {
  return value.kind === 'decimal' ? rescaled(value, 0) : null;
}

function rescaled(value: ExactValue & { kind: 'decimal' }, scale: number): bigint | null {
  if (scale >= value.scale) return value.units * 10n ** BigInt(scale - value.scale);
  const by = 10n ** BigInt(value.scale - scale);
  return value.units % by === 0n ? value.units / by : null;
}

/** The largest and the smallest values that a type has, and some between: those that a wrong widening loses first. */
export function edgesOf(type: LogicalType): readonly ExactValue[] {
  const whole = (units: bigint): ExactValue => ({ kind: 'decimal', units, scale: 0 });
  switch (type.kind) {
    case 'int':
      return [0n, INT - 1n, -INT].map(whole);
    case 'long':
      return [0n, LONG - 1n, -LONG, 2n ** 53n + 1n].map(whole);
    case 'decimal': {
      const largest = 10n ** BigInt(type.precision) - 1n;
      return [1n, largest, -largest].map((units) => ({ kind: 'decimal', units, scale: type.scale }));
    }
    case 'float':
      return [Math.fround(0.1), Math.fround(3.4e38), -0].map((value) => ({ kind: 'binary', value }));
    case 'double':
      return [0.1, Number.MAX_VALUE, -0].map((value) => ({ kind: 'binary', value }));
    case 'list':
      return [{ kind: 'list', elements: edgesOf(type.element) }];
    default:
      return [{ kind: 'text', of: type.kind, text: 'x' }];
  }
}

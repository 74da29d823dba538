import { SluiceError } from '@sluice/contract';
import type { Position } from '../source.ts';

/** Places in the logs of several members, by label. As text: JSON, labels in their order. */
export type MemberPositions = ReadonlyMap<string, Position>;

export function joinPositions(positions: MemberPositions): Position {
  return JSON.stringify(Object.fromEntries([...positions].sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** @throws SluiceError POSITION_INVALID */
export function splitPositions(position: Position): MemberPositions {
  let parsed: unknown;
  try {
    parsed = JSON.parse(position);
  } catch {
    parsed = null;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new SluiceError('POSITION_INVALID', `${position} is no position of a sharded-table merge.`);
  return new Map(Object.entries(parsed as Record<string, Position>));
}

/**
 * 1 and 0 where `a` has come at least as far as `b` in each log that both tell of, -1 where it has not in one of them:
 * whoever waits for `b` waits for all of it.
 */
export function comparePositions(
  a: Position,
  b: Position,
  compare: (a: Position, b: Position) => number,
): -1 | 0 | 1 {
  const others = splitPositions(b);
  let result: 0 | 1 = 0;
  for (const [label, position] of splitPositions(a)) {
    const other = others.get(label);
    if (other === undefined) continue;
    const order = compare(position, other);
    if (order < 0) return -1;
    if (order > 0) result = 1;
  }
  return result;
}

import { TABLE_ORDERS } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { LANE_STATES, LANE_TABLE } from '../../../server/src/model/lane-state.ts';
import { ORDERS, POSSIBLE, possibleFor } from './orders.ts';

describe('orders for tables', () => {
  it.each(LANE_STATES.filter((state) => state !== 'dropped'))(
    'of a table that is %s are those that the server carries out',
    (state) => {
      const allowed = TABLE_ORDERS.filter((order) => typeof LANE_TABLE[state][order] === 'string');
      expect([...(POSSIBLE[state] ?? [])].sort()).toEqual([...allowed].sort());
    },
  );

  it('of several tables are those that each of them takes', () => {
    expect(possibleFor([{ state: 'live' }, { state: 'paused' }])).toEqual(['resync', 'stop']);
    expect(possibleFor([{ state: 'live' }, { state: 'unheard-of' }])).toEqual([]);
    expect(possibleFor([])).toEqual([]);
  });

  it('all have words', () => {
    expect(Object.keys(ORDERS).sort()).toEqual([...TABLE_ORDERS].sort());
  });
});

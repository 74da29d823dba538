import { describe, expect, it } from 'vitest';
import { LANE_EVENTS, LANE_STATES, LANE_TABLE, nextLaneState } from './lane-state.ts';

describe('the states of a table', () => {
  for (const state of LANE_STATES)
    for (const event of LANE_EVENTS)
      it(`${state} × ${event}`, () => {
        const next = LANE_TABLE[state][event];
        if (typeof next === 'string') expect(LANE_STATES).toContain(nextLaneState(state, event));
        else expect(() => nextLaneState(state, event)).toThrow(next.refused);
      });

  it('reaches live only through a load that is complete, or without a load at all', () => {
    const toLive = LANE_STATES.flatMap((state) =>
      LANE_EVENTS.filter((event) => LANE_TABLE[state][event] === 'live').map((event) => `${state}.${event}`),
    );
    expect(toLive.sort()).toEqual(['catching_up.join', 'live.follow', 'pending.follow']);
  });

  it('can load anew from every state', () => {
    expect(LANE_STATES.map((state) => LANE_TABLE[state].reload)).toEqual(LANE_STATES.map(() => 'pending'));
  });
});

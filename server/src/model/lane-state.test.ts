import { describe, expect, it } from 'vitest';
import {
  follows,
  isOnItsWay,
  LANE_EVENTS,
  LANE_ORDERS,
  LANE_STATES,
  LANE_TABLE,
  nextLaneState,
  refusalOf,
} from './lane-state.ts';

describe('the states of a table', () => {
  for (const state of LANE_STATES)
    for (const event of [...LANE_EVENTS, ...LANE_ORDERS])
      it(`${state} × ${event}`, () => {
        const next = LANE_TABLE[state][event];
        if (typeof next === 'string') expect(LANE_STATES).toContain(nextLaneState(state, event));
        else expect(() => nextLaneState(state, event)).toThrow(next.refused);
      });

  const leadingTo = (state: string): string[] =>
    LANE_STATES.flatMap((from) =>
      [...LANE_EVENTS, ...LANE_ORDERS]
        .filter((event) => from !== state && LANE_TABLE[from][event] === state)
        .map((event) => `${from}.${event}`),
    ).sort();

  it('reaches live only through a load that is complete, or without a load at all', () => {
    expect(leadingTo('live')).toEqual(['catching_up.join', 'pending.follow']);
  });

  it('is paused only while it is live, so that nothing but its changes is missing', () => {
    expect(leadingTo('paused')).toEqual(['live.pause']);
    expect(LANE_TABLE.paused.recover).toBe('catching_up');
    expect(leadingTo('lapsed')).toEqual(['paused.lapse', 'paused.reload']);
    expect(LANE_TABLE.lapsed.recover).toBe('pending');
  });

  it('leaves what a person stopped or paused as it is, whatever happens by itself', () => {
    for (const event of LANE_EVENTS) {
      if (event === 'drop') continue;
      expect([LANE_TABLE.stopped[event], typeof LANE_TABLE.stopped[event]]).toContainEqual(
        typeof LANE_TABLE.stopped[event] === 'string' ? 'stopped' : 'object',
      );
      expect(['pending', 'loading', 'live']).not.toContain(LANE_TABLE.lapsed[event]);
    }
  });

  it('loses changes only where the next way to live is a full load', () => {
    for (const state of LANE_STATES.filter((one) => !follows(one)))
      for (const event of [...LANE_EVENTS, ...LANE_ORDERS]) {
        const next = LANE_TABLE[state][event];
        if (typeof next === 'string' && follows(next))
          expect([state, event, next]).toEqual([state, event, 'pending']);
      }
  });

  it('can be loaded anew in every state but where the table is gone', () => {
    const refused = LANE_STATES.filter((state) => refusalOf(state, 'resync') !== null);
    expect(refused).toEqual(['dropped']);
  });

  it('can be stopped in every state in which it is not at rest', () => {
    for (const state of LANE_STATES)
      if (follows(state) || state === 'blocked') expect(LANE_TABLE[state].stop).toBe('stopped');
  });

  it('is on its way to live, or stays', () => {
    expect(LANE_STATES.filter(isOnItsWay)).toEqual(['pending', 'loading', 'backfilling', 'catching_up']);
  });

  it('says in each refusal why', () => {
    for (const state of LANE_STATES)
      for (const order of LANE_ORDERS) {
        const refused = refusalOf(state, order);
        if (refused !== null) expect(refused.length).toBeGreaterThan(10);
      }
  });
});

/**
 * A table of a task, from the moment it is known to the moment it is gone.
 *
 *   pending      waits for its full load; its changes go to segments
 *   loading      its chunks are read; its changes go to segments
 *   catching_up  loaded beside the visible table; segments are applied to it; its changes go to segments
 *   live         its changes are applied with every commit
 *   blocked      stopped by a trouble of its own (blocklist); its changes are dropped, what is visible stays
 *   dropped      no longer at the source; what is visible stays
 *
 * pending, loading and catching_up leave what was visible before as it is; the new contents appear with `join`.
 */
export const LANE_STATES = ['pending', 'loading', 'catching_up', 'live', 'blocked', 'dropped'] as const;
export type LaneState = (typeof LANE_STATES)[number];

/**
 *   load      its snapshot is taken
 *   loaded    all chunks are there
 *   join      its segments are applied up to the commit that is made
 *   follow    it goes live without a full load (sync mode 2)
 *   reload    what is loaded or visible can no longer follow: everything anew
 *   block     a trouble of this table
 *   drop      the table is gone at the source
 */
export const LANE_EVENTS = ['load', 'loaded', 'join', 'follow', 'reload', 'block', 'drop'] as const;
export type LaneEvent = (typeof LANE_EVENTS)[number];

type Next = LaneState | { readonly refused: string };

const no = (refused: string): Next => ({ refused });

/** Every cell: the state after, or why the event cannot happen. */
export const LANE_TABLE: Readonly<Record<LaneState, Readonly<Record<LaneEvent, Next>>>> = {
  pending: {
    load: 'loading',
    loaded: no('nothing was read yet'),
    join: no('nothing was read yet'),
    follow: 'live',
    reload: 'pending',
    block: 'blocked',
    drop: 'dropped',
  },
  loading: {
    load: 'loading',
    loaded: 'catching_up',
    join: no('chunks are missing'),
    follow: no('a full load is under way'),
    reload: 'pending',
    block: 'blocked',
    drop: 'dropped',
  },
  catching_up: {
    load: no('the table is loaded'),
    loaded: no('the table is loaded'),
    join: 'live',
    follow: no('segments wait to be applied'),
    reload: 'pending',
    block: 'blocked',
    drop: 'dropped',
  },
  live: {
    load: no('the table is live; reload it first'),
    loaded: no('the table is live'),
    join: no('the table is live'),
    follow: 'live',
    reload: 'pending',
    block: 'blocked',
    drop: 'dropped',
  },
  blocked: {
    load: no('the table is on the blocklist'),
    loaded: no('the table is on the blocklist'),
    join: no('the table is on the blocklist'),
    follow: no('the table is on the blocklist'),
    reload: 'pending',
    block: 'blocked',
    drop: 'dropped',
  },
  dropped: {
    load: no('the table is gone at the source'),
    loaded: no('the table is gone at the source'),
    join: no('the table is gone at the source'),
    follow: no('the table is gone at the source'),
    reload: 'pending',
    block: no('the table is gone at the source'),
    drop: 'dropped',
  },
};

export function nextLaneState(state: LaneState, event: LaneEvent): LaneState {
  const next = LANE_TABLE[state][event];
  if (typeof next === 'string') return next;
  throw new Error(`a ${state} table cannot ${event}: ${next.refused}`);
}

/** Whether its changes are kept at all. */
export function follows(state: LaneState): boolean {
  return state !== 'blocked' && state !== 'dropped';
}

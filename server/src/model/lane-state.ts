/**
 * A table of a task, from the moment it is known to the moment it is gone. docs/operations.md draws this table.
 *
 *   pending      waits for its full load; its changes go to segments
 *   loading      its chunks are read; its changes go to segments
 *   backfilling  rows that match a filter are read beside the visible table; its changes go to segments
 *   catching_up  a state beside the visible table is complete; segments are applied to it; its changes go to segments
 *   live         its changes are applied with every commit
 *   paused       by a person; its changes go to segments, and what is visible stays
 *   lapsed       paused, and its changes are no longer kept: to resume it is to load it anew
 *   stopped      by a person; its changes are dropped, what is visible stays
 *   stalled      on the blocklist: its changes cannot be applied; they go to segments, and what is visible stays
 *   blocked      on the blocklist: it cannot be followed; its changes are dropped, what is visible stays
 *   dropped      no longer at the source; what is visible stays
 *
 * pending, loading, backfilling and catching_up leave what was visible before as it is; the new contents appear with
 * `join`, in one commit.
 */
export const LANE_STATES = [
  'pending',
  'loading',
  'backfilling',
  'catching_up',
  'live',
  'paused',
  'lapsed',
  'stopped',
  'stalled',
  'blocked',
  'dropped',
] as const;
export type LaneState = (typeof LANE_STATES)[number];

/**
 * What happens by itself:
 *
 *   load      its snapshot is taken
 *   loaded    all that was to be read is there
 *   join      its segments are applied up to the commit that is made
 *   follow    it goes live without a full load (sync mode 2)
 *   reload    what is loaded or visible can no longer follow: everything anew
 *   lapse     more changes of a table that applies none wait than are kept
 *   stall     its changes cannot be applied for now
 *   block     a trouble of this table
 *   drop      the table is gone at the source
 */
export const LANE_EVENTS = [
  'load',
  'loaded',
  'join',
  'follow',
  'reload',
  'lapse',
  'stall',
  'block',
  'drop',
] as const;
export type LaneEvent = (typeof LANE_EVENTS)[number];

/**
 * What people order, for one table while the others flow:
 *
 *   prioritize  its full load comes before those of others
 *   cancel      gives up what is being read
 *   pause       keeps its changes and applies none
 *   recover     goes on where it was paused
 *   resync      full load beside what is visible, then one swap
 *   backfill    rows that match a filter are read again beside what is visible, then one swap
 *   stop        drops its changes from now on
 *   start       a table that was stopped is loaded again; one on the blocklist tries its changes again, or is loaded
 */
export const LANE_ORDERS = [
  'prioritize',
  'cancel',
  'pause',
  'recover',
  'resync',
  'backfill',
  'stop',
  'start',
] as const;
export type LaneOrder = (typeof LANE_ORDERS)[number];

export type LaneInputEvent = LaneEvent | LaneOrder;

type Next = LaneState | { readonly refused: string };

const no = (refused: string): Next => ({ refused });

const GONE = no('the table is gone at the source');
const NOT_PAUSED = no('it is not paused');
const SYNCED = no('it is being synced already');
const NOT_LIVE = no('it is not live yet; `cancel-table` gives up its full load');
const LOADED = no('its full load is done');
const IS_LIVE = no('it is live');
const IS_PAUSED = no('it is paused; `recover-table` resumes it');
const IS_STOPPED = no('it was stopped; `start-table` starts it again');
const ON_BLOCKLIST = no('it is on the blocklist; mend what its error says, then `start-table`');

/** Every cell: the state after, or why it cannot happen. */
export const LANE_TABLE: Readonly<Record<LaneState, Readonly<Record<LaneInputEvent, Next>>>> = {
  pending: {
    load: 'loading',
    loaded: no('nothing was read yet'),
    join: no('nothing was read yet'),
    follow: 'live',
    reload: 'pending',
    lapse: NOT_PAUSED,
    stall: no('nothing of it is applied yet'),
    block: 'blocked',
    drop: 'dropped',
    prioritize: 'pending',
    cancel: 'stopped',
    pause: NOT_LIVE,
    recover: NOT_PAUSED,
    resync: 'pending',
    backfill: no('its full load has not begun, and will bring every row'),
    stop: 'stopped',
    start: SYNCED,
  },
  loading: {
    load: 'loading',
    loaded: 'catching_up',
    join: no('chunks are missing'),
    follow: no('a full load is under way'),
    reload: 'pending',
    lapse: NOT_PAUSED,
    stall: no('nothing of it is applied yet'),
    block: 'blocked',
    drop: 'dropped',
    prioritize: 'loading',
    cancel: 'stopped',
    pause: NOT_LIVE,
    recover: NOT_PAUSED,
    resync: 'pending',
    backfill: no('its full load is under way, and brings every row'),
    stop: 'stopped',
    start: SYNCED,
  },
  backfilling: {
    load: no('rows are being read beside the visible table'),
    loaded: 'catching_up',
    join: no('rows are missing'),
    follow: no('a backfill is under way'),
    reload: 'pending',
    lapse: NOT_PAUSED,
    stall: no('nothing of it is applied now'),
    block: 'blocked',
    drop: 'dropped',
    prioritize: no('it does not wait: its backfill is under way'),
    cancel: 'catching_up',
    pause: no('a backfill is under way; `cancel-table` gives it up'),
    recover: NOT_PAUSED,
    resync: 'pending',
    backfill: no('a backfill is under way; ask again when the table is live'),
    stop: 'stopped',
    start: SYNCED,
  },
  catching_up: {
    load: LOADED,
    loaded: LOADED,
    join: 'live',
    follow: no('segments wait to be applied'),
    reload: 'pending',
    lapse: NOT_PAUSED,
    stall: 'stalled',
    block: 'blocked',
    drop: 'dropped',
    prioritize: no('it does not wait: its rows are read, and it is catching up'),
    cancel: 'stopped',
    pause: no('it is catching up; ask again when it is live'),
    recover: no('it is not paused: it is catching up'),
    resync: 'pending',
    backfill: no('it is catching up; ask again when it is live'),
    stop: 'stopped',
    start: SYNCED,
  },
  live: {
    load: no('the table is live; reload it first'),
    loaded: IS_LIVE,
    join: IS_LIVE,
    follow: 'live',
    reload: 'pending',
    lapse: NOT_PAUSED,
    stall: 'stalled',
    block: 'blocked',
    drop: 'dropped',
    prioritize: LOADED,
    cancel: no('nothing of it is being loaded; `stop-table` stops it'),
    pause: 'paused',
    recover: NOT_PAUSED,
    resync: 'pending',
    backfill: 'backfilling',
    stop: 'stopped',
    start: SYNCED,
  },
  paused: {
    load: IS_PAUSED,
    loaded: IS_PAUSED,
    join: IS_PAUSED,
    follow: IS_PAUSED,
    reload: 'lapsed',
    lapse: 'lapsed',
    stall: no('nothing of it is applied now'),
    block: 'blocked',
    drop: 'dropped',
    prioritize: IS_PAUSED,
    cancel: no('nothing of it is being loaded: it is paused'),
    pause: no('it is paused already'),
    recover: 'catching_up',
    resync: 'pending',
    backfill: IS_PAUSED,
    stop: 'stopped',
    start: IS_PAUSED,
  },
  lapsed: {
    load: IS_PAUSED,
    loaded: IS_PAUSED,
    join: IS_PAUSED,
    follow: IS_PAUSED,
    reload: 'lapsed',
    lapse: 'lapsed',
    stall: no('nothing of it is applied now'),
    block: 'blocked',
    drop: 'dropped',
    prioritize: IS_PAUSED,
    cancel: no('nothing of it is being loaded: it is paused'),
    pause: no('it is paused already'),
    recover: 'pending',
    resync: 'pending',
    backfill: IS_PAUSED,
    stop: 'stopped',
    start: IS_PAUSED,
  },
  stopped: {
    load: IS_STOPPED,
    loaded: IS_STOPPED,
    join: IS_STOPPED,
    follow: IS_STOPPED,
    reload: 'stopped',
    lapse: NOT_PAUSED,
    stall: IS_STOPPED,
    block: 'stopped',
    drop: 'dropped',
    prioritize: IS_STOPPED,
    cancel: no('nothing of it is being loaded: it was stopped'),
    pause: IS_STOPPED,
    recover: no('it is not paused but stopped; `start-table` starts it again'),
    resync: 'pending',
    backfill: IS_STOPPED,
    stop: no('it was stopped already'),
    start: 'pending',
  },
  stalled: {
    load: ON_BLOCKLIST,
    loaded: ON_BLOCKLIST,
    join: ON_BLOCKLIST,
    follow: ON_BLOCKLIST,
    reload: 'pending',
    lapse: 'blocked',
    stall: 'stalled',
    block: 'blocked',
    drop: 'dropped',
    prioritize: ON_BLOCKLIST,
    cancel: no('nothing of it is being loaded: it is on the blocklist'),
    pause: ON_BLOCKLIST,
    recover: ON_BLOCKLIST,
    resync: 'pending',
    backfill: ON_BLOCKLIST,
    stop: 'stopped',
    start: 'catching_up',
  },
  blocked: {
    load: ON_BLOCKLIST,
    loaded: ON_BLOCKLIST,
    join: ON_BLOCKLIST,
    follow: ON_BLOCKLIST,
    reload: 'pending',
    lapse: NOT_PAUSED,
    stall: ON_BLOCKLIST,
    block: 'blocked',
    drop: 'dropped',
    prioritize: ON_BLOCKLIST,
    cancel: no('nothing of it is being loaded: it is on the blocklist'),
    pause: ON_BLOCKLIST,
    recover: ON_BLOCKLIST,
    resync: 'pending',
    backfill: ON_BLOCKLIST,
    stop: 'stopped',
    start: 'pending',
  },
  dropped: {
    load: GONE,
    loaded: GONE,
    join: GONE,
    follow: GONE,
    reload: 'pending',
    lapse: GONE,
    stall: GONE,
    block: GONE,
    drop: 'dropped',
    prioritize: GONE,
    cancel: GONE,
    pause: GONE,
    recover: GONE,
    resync: GONE,
    backfill: GONE,
    stop: GONE,
    start: GONE,
  },
};

export function nextLaneState(state: LaneState, event: LaneInputEvent): LaneState {
  const next = LANE_TABLE[state][event];
  if (typeof next === 'string') return next;
  throw new Error(`a ${state} table cannot ${event}: ${next.refused}`);
}

/** Why an order cannot be carried out in this state; null: it can. */
export function refusalOf(state: LaneState, order: LaneOrder): string | null {
  const next = LANE_TABLE[state][order];
  return typeof next === 'string' ? null : next.refused;
}

/** States in which its changes are kept. */
const FOLLOWS: ReadonlySet<LaneState> = new Set([
  'pending',
  'loading',
  'backfilling',
  'catching_up',
  'live',
  'paused',
  'stalled',
]);

/** Whether its changes are kept at all. */
export function follows(state: LaneState): boolean {
  return FOLLOWS.has(state);
}

/** Whether it will be live by itself, if nothing comes between. */
export function isOnItsWay(state: LaneState): boolean {
  return state !== 'live' && !appliesNone(state) && follows(state);
}

/** Whether its changes are kept and none is applied until a person says so. */
export function appliesNone(state: LaneState): boolean {
  return state === 'paused' || state === 'stalled';
}

/** Whether it is on the blocklist. */
export function isBlocklisted(state: LaneState): boolean {
  return state === 'stalled' || state === 'blocked';
}

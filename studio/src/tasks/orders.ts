import type { TableOrder, TaskTable } from '@sluice/contract';

interface OrderWords {
  readonly text: string;
  /** What will happen, said before it is ordered. */
  readonly consequence: string;
  /** It drops changes or reads tables again: asked for first. */
  readonly asks: boolean;
}

export const ORDERS: Readonly<Record<TableOrder, OrderWords>> = {
  recover: {
    text: 'Resume',
    consequence: 'The changes that were kept are applied, then it is live again.',
    asks: false,
  },
  start: {
    text: 'Start',
    consequence:
      'A table that was stopped or blocked is loaded anew beside what is visible, then swapped in one commit; a stalled one tries its kept changes again.',
    asks: true,
  },
  pause: {
    text: 'Pause',
    consequence: 'Its changes are kept and none is applied. What is visible stays as it is.',
    asks: false,
  },
  prioritize: { text: 'Load first', consequence: 'It is loaded before the others that wait.', asks: false },
  resync: {
    text: 'Load anew',
    consequence:
      'All its rows are read from the source again, beside what is visible; then both are swapped in one commit. Readers never see a gap.',
    asks: true,
  },
  backfill: {
    text: 'Backfill',
    consequence:
      'Rows that the filter matches are read from the source again and replace those in the lake, deletes included, in one commit.',
    asks: true,
  },
  cancel: {
    text: 'Cancel the load',
    consequence: 'What was read is given up. The table is stopped, or goes on as it was before a backfill.',
    asks: true,
  },
  stop: {
    text: 'Stop',
    consequence:
      'Its changes are dropped from now on. What is visible stays. To start it again is to load it anew.',
    asks: true,
  },
};

/** Of each state, what can be ordered; the likeliest first. A test holds it to the server's table of states. */
export const POSSIBLE: Readonly<Record<string, readonly TableOrder[]>> = {
  pending: ['prioritize', 'resync', 'cancel', 'stop'],
  loading: ['prioritize', 'resync', 'cancel', 'stop'],
  backfilling: ['resync', 'cancel', 'stop'],
  catching_up: ['resync', 'cancel', 'stop'],
  live: ['pause', 'resync', 'backfill', 'stop'],
  paused: ['recover', 'resync', 'stop'],
  lapsed: ['recover', 'resync', 'stop'],
  stopped: ['start', 'resync'],
  stalled: ['start', 'resync', 'stop'],
  blocked: ['start', 'resync', 'stop'],
  dropped: [],
};

/** Orders that all the tables can take. */
export function possibleFor(tables: readonly Pick<TaskTable, 'state'>[]): readonly TableOrder[] {
  const [first, ...rest] = tables.map(({ state }) => POSSIBLE[state] ?? []);
  return (first ?? []).filter((order) => rest.every((orders) => orders.includes(order)));
}

/** The one button of a table's line: what gets it out of a state that is not live. */
export const remedyFor = (state: string): TableOrder | null =>
  state === 'live' || state === 'dropped' || state === 'backfilling' || state === 'catching_up'
    ? null
    : state === 'loading'
      ? null
      : (POSSIBLE[state]?.[0] ?? null);

import { setImmediate as turn } from 'node:timers/promises';
import { SluiceError } from '@sluice/contract';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { DiscoveredTable } from '../sources/source.ts';
import type { Lane } from './lane.ts';
import { Loader } from './loader.ts';
import type { RunContext } from './run-context.ts';
import { keptColumns, type TestStore, testStore } from './testing/store.ts';

// Fakes, since no storage fails at a moment of one's choice.

/** More often than a load that fails is to be tried. */
const MANY = 20;

const FULL = new SluiceError('STORAGE_FAILED', 'no room in the warehouse');

function table(storage: string, ...columns: string[]): DiscoveredTable {
  return {
    ...keptColumns(...columns),
    ...{ storage, objectId: 't', filledColumns: [], estimatedRows: null, refused: null },
  };
}

interface Subject {
  readonly lane: Lane;
  /** Loads that were begun. */
  readonly tries: () => number;
  /** Rejects with what ends the attempt. */
  readonly run: () => Promise<void>;
}

/** A table that waits for its load. `found`: as the catalog has it; `fail`: why no load can begin. */
async function subject(
  { store, work }: TestStore,
  found: () => DiscoveredTable,
  fail: () => SluiceError,
  ddl: 'catalog' | 'log' = 'catalog',
): Promise<Subject> {
  const name = { schema: 's', table: 't' };
  const kept = keptColumns('a');
  const lane = await store.addLane(
    { source: name, target: name, objectId: 't', state: 'pending', kept, rowsEstimated: null },
    null,
  );
  lane.published = true;
  const end = new AbortController();
  let tries = 0;
  const stageEmpty = async (): Promise<never> => {
    await turn();
    if (++tries === MANY) end.abort();
    throw fail();
  };
  const snapshot = {
    visibility: { kind: 'none' },
    takenAt: 0n,
    plan: async () => [],
    [Symbol.asyncDispose]: async () => undefined,
  };
  const context = {
    store,
    work: { ...work, parameters: { fullLoadConcurrency: 1, chunkSize: 1, schemaEvolution: 'follow' } },
    source: { ddl, discover: async () => [found()], snapshot: async () => snapshot },
    target: { stageEmpty },
    router: { refresh: () => {}, readOf: () => ({ nextOrd: 1, position: '0' }) },
    merges: null,
    log: pino({ enabled: false }),
  } as unknown as RunContext;
  const none = (): void => {};
  const loader = new Loader(context, { lanes: () => [lane], handIn: none, onLoaded: none });
  return { lane, tries: () => tries, run: () => loader.run(end.signal) };
}

it.each([
  ['the table is as it was when it joined', table('1', 'a')],
  ['it has changed since it joined', table('2', 'a', 'b')],
])('ends the attempt where the target cannot begin a first load: %s', async (_case, now) => {
  await using made = await testStore();
  const { run, tries } = await subject(
    made,
    () => now,
    () => FULL,
  );
  await expect(run()).rejects.toBe(FULL);
  expect(tries()).toBe(1);
});

it('ends the attempt where a load that was interrupted can neither go on nor begin anew', async () => {
  await using made = await testStore();
  const { lane, run, tries } = await subject(
    made,
    () => table('2', 'a', 'b'),
    () => FULL,
  );
  lane.state = 'loading';
  lane.load = {
    ...{ staged: 'x', visibility: { kind: 'none' }, storage: '1', consistentFrom: null },
    ...{ takenAt: '0', oneSnapshot: false, keptFrom: null },
  };
  await expect(run()).rejects.toBe(FULL);
  expect(tries()).toBe(1);
});

it.each([
  ['another storage', 'catalog', table('2', 'a'), 0],
  ['another column', 'catalog', table('1', 'a', 'b'), 0],
  ['DDL in the log, after which it looks the same', 'log', table('1', 'a'), 1],
] as const)(
  'begins anew where the table changed while its load began: %s',
  async (_what, ddl, then, read) => {
    await using made = await testStore();
    const { lane, run, tries } = await subject(
      made,
      () => (tries() === 0 ? table('1', 'a') : then),
      () => {
        if (tries() > 1) return FULL;
        lane.ddlRead += read;
        return new SluiceError('SOURCE_QUERY', 'the table is another one by now');
      },
      ddl,
    );
    await expect(run()).rejects.toBe(FULL);
    expect(tries()).toBe(2);
  },
);

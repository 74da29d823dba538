import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MirrorSpec, parseParameters, SluiceError } from '@sluice/contract';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { CompositeSource } from '../sources/composite/composite-source.ts';
import type { ChangeSink, DiscoveredTable, LogRelation, Source } from '../sources/source.ts';
import type { Target } from '../targets/target.ts';
import { type Lane, signatureOf } from './lane.ts';
import { besideVisible } from './lane-batch.ts';
import { addSegment } from './segment-rows.ts';
import { Again, runTask, type TaskRunOptions } from './task-run.ts';
import { keptColumns, type TestStore, testStore } from './testing/store.ts';

// Fakes, since no source waits as long as one would have it. A rejection that nobody handles fails the test run.

const STOP_MS = 2000;
const INTERVAL_MS = 300;
/** What a step of a table takes. */
const STEP_MS = 100;

const name = { schema: 's', table: 't' };
const relation: LogRelation = {
  ...{ objectId: 't', name, identity: 'default', table: null },
  columns: [{ name: 'a', typeId: 0, typeModifier: -1, inKey: true }],
};
const kept = { ...keptColumns('a'), signature: signatureOf(relation) };
const table: DiscoveredTable = {
  ...keptColumns('a'),
  ...{ objectId: 't', filledColumns: [], estimatedRows: null, refused: null },
};

function untilAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** A log that a test writes, and what was acknowledged of it. */
class FakeSource {
  readonly ddl: Source['ddl'];
  readonly acknowledged: string[] = [];
  /** What the reading of the log ends with. */
  trouble: SluiceError | null = null;
  #sink: ChangeSink | null = null;
  #onEnd: (() => void)[] = [];

  constructor(ddl: Source['ddl']) {
    this.ddl = ddl;
  }

  get reads(): boolean {
    return this.#sink !== null;
  }

  /** A transaction with a change of the table. */
  write(position: string): void {
    const sink = this.#sink!;
    sink.begin({ committedAt: BigInt(Date.now()) * 1000n, xid: 1 });
    sink.relation(relation);
    sink.truncate('t');
    void sink.commit(position);
  }

  /** Rejects when the log is read no more. */
  ended(): Promise<never> {
    return new Promise((_, reject) =>
      this.#onEnd.push(() => reject(new SluiceError('SOURCE_INTERRUPTED', 'the log is not read any more'))),
    );
  }

  async stream(_from: string, sink: ChangeSink, signal: AbortSignal): Promise<void> {
    this.#sink = sink;
    await untilAbort(signal).catch(() => {});
    for (const end of this.#onEnd) end();
    if (this.trouble !== null) throw this.trouble;
  }

  readonly compare = (a: string, b: string): -1 | 0 | 1 => Math.sign(Number(a) - Number(b)) as -1 | 0 | 1;
  readonly keepsValues = (): boolean => true;
  serverOf = (): string => '';
  attach = async (from: string | null): Promise<string> => from ?? '0';
  head = async (): Promise<string> => '0';
  remaining = async (): Promise<{ end: string; bytes: number }> => ({ end: '0', bytes: 0 });
  mark = async (): Promise<void> => {};
  published = async (): Promise<'all'> => 'all';
  discover: Source['discover'] = async () => [table];
  publish: Source['publish'] = async () => [];

  acknowledge(position: string): void {
    this.acknowledged.push(position);
  }
}

interface Run {
  readonly stop: AbortController;
  readonly ended: Promise<Again | null>;
  /** Has the source's catalog looked at. */
  readonly look: () => void;
}

function start(
  { db, work }: TestStore,
  source: FakeSource | CompositeSource,
  stageChanges: Target<unknown>['stageChanges'],
  other: Partial<Pick<TaskRunOptions, 'canReadMore'>> & { readonly spec?: unknown } = {},
): Run {
  const stop = new AbortController();
  const looks = new EventEmitter();
  const asked: number[] = [];
  const target = {
    stageChanges,
    besideBacklog: () => {},
    upkeepWaits: () => false,
    stageUpkeep: async () => [],
    exists: async () => true,
    commit: (_: unknown, also: (transaction: unknown) => Promise<void>) => db.transaction().execute(also),
  };
  const run = async (): Promise<Again | null> => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-run-'));
    try {
      const options = {
        work: {
          ...work,
          ...{ version: 1, runVersion: 1, start: 'resume', startPosition: null, begun: true, inexact: false },
          spec: other.spec ?? MirrorSpec.parse({ dataSource: 1, database: 'd' }),
          parameters: {
            ...parseParameters({}),
            ...{ commitInterval: INTERVAL_MS, discoverInterval: INTERVAL_MS },
          },
        },
        ...{ source, target, metastore: db, log: pino({ enabled: false }), folder, looks, asked },
        ...{ onLooked: () => {}, onPhase: () => {}, onPulse: () => {} },
        ...{ canReadMore: other.canReadMore ?? (async () => false), forgetLogs: async () => {} },
      };
      return await runTask(options as unknown as Parameters<typeof runTask>[0], stop.signal);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  const look = (): void => {
    asked.push(1);
    looks.emit('look');
  };
  return { stop, ended: run(), look };
}

const step: Target<unknown>['stageChanges'] = async (_table, _base, _batch, signal) => {
  await pause(STEP_MS);
  signal.throwIfAborted();
  return { location: 'x', rowsWritten: 0, nulledValues: 0, fetched: false, deleted: [] };
};

function becomes(what: () => unknown, value: unknown): Promise<void> {
  return expect.poll(what, { timeout: 10_000 }).toBe(value);
}

/** What was read of the log and not committed is committed at the stop, and nothing holds that up. */
async function stops({ stop, ended }: Run, source: FakeSource): Promise<void> {
  await becomes(() => source.reads, true);
  source.write('1');
  await becomes(() => source.acknowledged.at(-1), '1');
  source.write('2');
  stop.abort(new Error('stopped'));
  const late = pause(STOP_MS, 'late', { ref: false });
  expect(await Promise.race([ended, late])).toBeNull();
  expect(source.acknowledged.at(-1)).toBe('2');
}

function addLane({ store }: TestStore, state: Lane['state']): Promise<Lane> {
  return store.addLane({ source: name, target: name, objectId: 't', state, kept, rowsEstimated: null }, null);
}

it('stops while tables wait to be published', async () => {
  await using made = await testStore();
  await addLane(made, 'live');
  const source = new FakeSource('catalog');
  const run = start(made, source, step);
  await becomes(() => source.reads, true);
  let waits = false;
  source.publish = (_, signal) => {
    waits = true;
    return untilAbort(signal);
  };
  source.discover = async () => [
    table,
    { ...table, objectId: 'u', schema: { ...table.schema, name: { schema: 's', table: 'u' } } },
  ];
  run.look();
  await becomes(() => waits, true);
  await stops(run, source);
});

it('makes the last commit whole where a look at the catalog ends with the reading of the log', async () => {
  await using made = await testStore();
  await addLane(made, 'live');
  const source = new FakeSource('log');
  source.discover = () => source.ended();
  await stops(start(made, source, step), source);
});

it('begins again while a look at the catalog waits', async () => {
  await using made = await testStore();
  await made.db
    .updateTable('checkpoints')
    .set({ position: JSON.stringify({ m: '0' }) })
    .execute();
  const member = new FakeSource('log');
  const source = new CompositeSource(new Map([['m', member as unknown as Source]]));
  let looks = 0;
  member.discover = (_, signal) => (++looks === 1 ? Promise.resolve([]) : untilAbort(signal));
  const { ended } = start(made, source, step, {
    spec: { pipelineType: 2, sources: [], virtualTables: [] },
    canReadMore: async () => looks > 1,
  });
  const late = pause(STOP_MS, 'late', { ref: false });
  expect(await Promise.race([ended, late])).toBeInstanceOf(Again);
});

it.each(['log', 'catalog'] as const)(
  'stops while a backfill waits for a schema that only a commit can bring (ddl %s)',
  async (ddl) => {
    await using made = await testStore();
    const other = await made.store.addLane(
      {
        ...{ source: { schema: 's', table: 'u' }, target: { schema: 's', table: 'u' }, objectId: 'u' },
        ...{ state: 'backfilling', kept, rowsEstimated: null },
      },
      null,
    );
    other.load = besideVisible('x', { kind: 'backfill', exact: true, filter: 'a = 1' });
    await made.store.write((transaction) => made.store.saveLane(transaction, other));
    await addLane(made, 'live');
    const source = new FakeSource(ddl);
    const changed = {
      ...table,
      objectId: 'u',
      schema: { ...keptColumns('a', 'b').schema, name: { schema: 's', table: 'u' } },
    };
    let asked = 0;
    source.discover = async ({ tables }) => {
      if (tables.length > 0) asked++;
      return [table, changed];
    };
    const run = start(made, source, step);
    await becomes(() => asked > 0, true);
    await stops(run, source);
  },
);

it('cuts off a drain at a stop, and goes on with it after the next start', async () => {
  await using made = await testStore();
  const lane = await made.store.addLane(
    {
      ...{ source: { schema: 's', table: 'u' }, target: { schema: 's', table: 'u' }, objectId: 'u' },
      ...{ state: 'catching_up', kept, rowsEstimated: null },
    },
    null,
  );
  lane.load = { ...besideVisible('x', { kind: 'replay', exact: true }), consistentFrom: '0' };
  await made.store.write(async (transaction) => {
    await made.store.saveLane(transaction, lane);
    const segment = { schemaVersion: 1, path: '/nowhere/a', rows: 60_000, bytes: 1, kept };
    await addSegment(transaction, lane.id, { ...segment, firstOrd: 1, lastOrd: 60_000, endPosition: '0' });
  });
  await addLane(made, 'live');
  for (const _start of [1, 2]) {
    const source = new FakeSource('log');
    source.discover = async () => [table, { ...table, objectId: 'u' }];
    let drains = false;
    const run = start(made, source, (to, base, batch, signal) => {
      if (to.table !== 'u') return step(to, base, batch, signal);
      drains = true;
      return untilAbort(signal);
    });
    await becomes(() => drains, true);
    await stops(run, source);
  }
});

it.each(['stream', 'commit'] as const)('fails with what goes wrong at a stop in the %s', async (where) => {
  await using made = await testStore();
  await addLane(made, 'live');
  const source = new FakeSource('log');
  const trouble = new SluiceError('SOURCE_PROTOCOL', 'not what it should be');
  const { stop, ended } = start(made, source, async (...change) => {
    if (where === 'commit' && stop.signal.aborted) throw trouble;
    return step(...change);
  });
  ended.catch(() => {});
  await becomes(() => source.reads, true);
  source.write('1');
  await becomes(() => source.acknowledged.at(-1), '1');
  source.write('2');
  if (where === 'stream') source.trouble = trouble;
  stop.abort(new Error('stopped'));
  await expect(ended).rejects.toBe(trouble);
});

import { TABLE_ORDERS, type TableOrder } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { LANE_ORDERS } from '../../server/src/model/lane-state.ts';
import { order } from '../orders/ordering.ts';
import { slowWaits, TestLake } from '../support/lake.ts';
import { freshSeed } from '../support/seed.ts';
import { clickhouseDifferences } from './clickhouse.ts';
import { EventLog } from './event-log.ts';
import { Random } from './random.ts';
import { SUBJECTS, type Subject, type SubjectDatabase } from './subjects.ts';
import { KEYS } from './tables.ts';
import { Writer } from './workload.ts';

/**
 * Random orders for random tables under random transactions, while runner and server are killed and some of the engine's
 * waits last longer (slow-waits.mjs), so that its parts overtake each other as they do on a busy machine: once
 * everything that is paused or stopped is resumed and started, the lake holds what the source holds, row by row.
 * SLUICE_TEST_SEED=n replays a seed, SLUICE_TEST_SEEDS=count tries more of them.
 */
const GIVEN = process.env.SLUICE_TEST_SEED;
const FIRST = GIVEN === undefined ? freshSeed() : Number(GIVEN);
const SEEDS = GIVEN === undefined ? Number(process.env.SLUICE_TEST_SEEDS ?? 1) : 1;
const ROUNDS = 30;

async function survive(
  seed: number,
  subject: Subject,
  database: SubjectDatabase,
  log: EventLog,
): Promise<void> {
  const random = new Random(seed);
  const tables = subject.tables(random.fork('tables'));
  for (const table of tables) {
    log.add(`${table.ddl}; ${table.rows} rows`);
    await database.query(table.ddl);
  }
  const writers = await Promise.all(
    ['A', 'B'].map(
      async (name) =>
        new Writer({ client: await database.client(), tables, random: random.fork(name), log, name }),
    ),
  );
  for (const table of tables)
    for (let row = 0; row < table.rows; row++) await writers[0]!.insert(table, row % (KEYS * 5));
  await database.analyze(tables);
  const chaos = random.fork('chaos');
  await using lake = await TestLake.start({ env: slowWaits(seed) });
  await lake.createMirror('orders', database.connection, {
    type: subject.type,
    parameters: {
      commit_interval: `${chaos.between(100, 300)}ms`,
      chunk_size: '1MB',
      full_load_concurrency: String(chaos.between(1, 2)),
      failover_limit: '100',
      heartbeat_interval: '1s',
    },
  });
  await lake.start('orders');
  for (const writer of writers) writer.start();
  await lake.until(async () => (await lake.tables('orders')).length === tables.length);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const writer of writers) if (writer.failure !== null) throw writer.failure;
      await blow(lake, chaos, log);
      const what = chaos.pick<TableOrder>(TABLE_ORDERS);
      const some = (await lake.tables('orders')).filter(() => chaos.below(3) === 0);
      const where = what === 'backfill' ? { where: '1=1' } : {};
      if (some.length > 0) {
        const results = await order(
          lake,
          'orders',
          what,
          some.map(({ id }) => id),
          where,
        );
        for (const { source, state } of some) log.add(`${what} ${source.table} (${state})`);
        for (const { outcome, reason, state } of results) log.add(`  ${outcome} ${reason ?? ''} → ${state}`);
      }
      await new Promise((resolve) => setTimeout(resolve, chaos.below(400)));
    }
  } finally {
    await Promise.allSettled(writers.map((writer) => writer.stop()));
  }
  for (const writer of writers) await writer.stop();
  log.add('writers stopped');
  await allLive(lake, log);
  log.add('caught up');
  expect(await lake.differences(database.compared)).toEqual([]);
  expect(await clickhouseDifferences(lake, await database.side())).toEqual([]);
}

async function blow(lake: TestLake, chaos: Random, log: EventLog): Promise<void> {
  const which = chaos.below(12);
  if (which === 0 && (await lake.killRunner('orders'))) log.add('runner killed');
  if (which === 1) {
    await lake.killServer();
    await lake.restart();
    log.add('server killed and started');
  }
}

/** Whatever is paused or stopped goes on, and is where the source is. */
async function allLive(lake: TestLake, log: EventLog): Promise<void> {
  for (let round = 0; round < 5; round++) {
    // What was ordered while no runner lived is carried out by the next.
    await lake.caughtUp('orders', 120);
    const rest = (await lake.tables('orders')).filter(({ state }) => state !== 'live');
    if (rest.length === 0) return;
    for (const { id, state, source } of rest) {
      const what = state === 'paused' || state === 'lapsed' ? 'recover' : 'start';
      const [result] = await order(lake, 'orders', what, [id]);
      log.add(
        `${what} ${source.table} (${state}): ${result?.outcome} ${result?.reason ?? ''} → ${result?.state}`,
      );
    }
  }
  expect((await lake.tables('orders')).filter(({ state }) => state !== 'live')).toEqual([]);
}

it('draws from every order that there is', () => {
  expect([...TABLE_ORDERS].sort()).toEqual([...LANE_ORDERS].sort());
});

describe.each(SUBJECTS)(`tables under orders, SLUICE_TEST_SEED=${FIRST} and following: $type`, (subject) => {
  it.each(Array.from({ length: SEEDS }, (_, n) => FIRST + n))(
    'equal their source in the end: seed %i',
    async (seed) => {
      const log = new EventLog();
      const database = await subject.createDatabase();
      try {
        await survive(seed, subject, database, log);
      } catch (error) {
        throw new Error(
          `SLUICE_TEST_SEED=${seed}, ${subject.type}: ${(error as Error).message}\n${log.text()}`,
          { cause: error },
        );
      } finally {
        await database[Symbol.asyncDispose]();
      }
    },
    600_000,
  );
});

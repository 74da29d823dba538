import { pino } from 'pino';
import { expect, it } from 'vitest';
import { readChunks, writeChunks } from './chunk-rows.ts';
import { besideVisible } from './lane-batch.ts';
import type { RunContext } from './run-context.ts';
import { TableOrders } from './table-orders.ts';
import { keptColumns, testStore } from './testing/store.ts';

it.each([
  ['resync', 'live'],
  ['start', 'stopped'],
] as const)(
  '%s keeps the chunks of a load that begins before the commit that carries it out',
  async (kind, state) => {
    await using subject = await testStore();
    const { db, store, work } = subject;
    const name = { schema: 's', table: 't' };
    const lane = await store.addLane(
      { source: name, target: name, objectId: 't', state, kept: keptColumns('a'), rowsEstimated: null },
      null,
    );
    await store.write((transaction) => writeChunks(transaction, lane.id, [{ earlier: 1 }]));
    await db
      .insertInto('table_orders')
      .values({
        lane_id: lane.id,
        kind,
        filter: null,
        asked_by: 'a test',
        asked_at: 0,
        ended_at: null,
        refused: null,
      })
      .execute();
    const router = { adopt: () => {}, refresh: () => {} };
    const context = {
      store,
      work,
      router,
      log: pino({ enabled: false }),
      now: () => 0,
    } as unknown as RunContext;
    const none = (): void => {};
    const orders = new TableOrders(context, {
      lanes: () => [lane],
      waiting: none,
      reordered: none,
      published: none,
      manySegments: none,
      backfills: none,
    });
    await orders.look();
    const carriedOut = await orders.carryOut();
    expect(lane.state).toBe('pending');

    // What the loader does once it may read.
    await store.write(async (transaction) => {
      lane.state = 'loading';
      lane.load = besideVisible('x', { kind: 'replay', exact: false });
      await writeChunks(transaction, lane.id, [{ own: 1 }, { own: 2 }]);
    });
    await store.write((transaction) => carriedOut.record(transaction));

    expect((await readChunks(store.db, lane.id)).map(({ range }) => range)).toEqual([{ own: 1 }, { own: 2 }]);
  },
);

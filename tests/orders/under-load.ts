import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { expectCalm, LatencyWatch, Reader, SteadyLoad } from './load.ts';
import { order, tableOf } from './ordering.ts';
import { type OrdersSubject, startSubject } from './subjects.ts';

const MINUTES = 300_000;
const TASK = 'orders';
const ROWS = 60_000;
const state = (counts: readonly number[]): string => counts.join();

/** Each order for table `a` of a task whose tables are all being written to. */
export function describeOrders(type: 'postgres' | 'mysql'): void {
  describe(`orders under load: ${type}`, () => {
    let subject: OrdersSubject;
    let lake: TestLake;
    let load: SteadyLoad;
    let watch: LatencyWatch;
    let reader: Reader;

    beforeAll(async () => {
      subject = await startSubject(type);
      await SteadyLoad.fill(subject, ROWS);
      lake = await TestLake.start();
      await lake.createMirror(TASK, subject.connection, {
        type,
        parameters: { ...subject.parameters, commit_interval: '500ms', chunk_size: '1MB' },
      });
      await lake.start(TASK);
      await lake.caughtUp(TASK);
      load = await SteadyLoad.start(subject);
      watch = new LatencyWatch(lake, TASK);
      reader = new Reader(lake, subject.schema);
      await watch.median(10);
    }, MINUTES);

    afterAll(async () => {
      await Promise.allSettled([load?.hold(), watch?.stop(), reader?.stop()]);
      await lake?.[Symbol.asyncDispose]();
      await subject?.[Symbol.asyncDispose]();
    });

    const live = () => lake.until(async () => (await tableOf(lake, TASK, 'a')).state === 'live', 120);

    /** PostgreSQL leaves out what anybody does meanwhile. */
    async function unlogged(statements: readonly string[]): Promise<void> {
      await load.hold();
      await subject.unlogged(statements);
      load.go();
      await watch.median(2);
    }

    /** The same source and lake at one moment: nobody writes. */
    async function equal(): Promise<void> {
      await load.hold();
      await lake.caughtUp(TASK);
      expect(await lake.differences(subject.compared)).toEqual([]);
      load.go();
      await watch.median(2);
    }

    it(
      'pause keeps what is visible, and recover goes on from there without a load',
      async () => {
        const before = await watch.median(16);
        const loaded = (await tableOf(lake, TASK, 'a')).rowsLoaded;
        expect(await order(lake, TASK, 'pause', ['a'])).toMatchObject([{ outcome: 'done', state: 'paused' }]);
        await reader.looksAgain(2);
        const still = await lake.sql(`SELECT max(_source_ts) FROM "${subject.schema}".a`);
        expectCalm('while paused', before, await watch.median(16));
        expect(await lake.sql(`SELECT max(_source_ts) FROM "${subject.schema}".a`)).toEqual(still);
        expect(await order(lake, TASK, 'recover', ['a'])).toMatchObject([{ outcome: 'done' }]);
        await live();
        expectCalm('recover', before, await watch.median(16));
        await equal();
        expect((await tableOf(lake, TASK, 'a')).rowsLoaded).toBe(loaded);
        expect(await lake.attemptLog(TASK)).not.toContain('loaded anew');
      },
      MINUTES,
    );

    it(
      'resync mends whatever differs; readers see the old rows, then the new ones, and nothing between',
      async () => {
        const before = await watch.median(16);
        await unlogged([
          `DELETE FROM a WHERE id > ${ROWS - 10}`,
          `UPDATE a SET note = 'mended' WHERE id > ${ROWS - 20} AND id <= ${ROWS - 10}`,
          `INSERT INTO a VALUES (${ROWS + 1}, 1000, 'mended')`,
        ]);
        const was = await reader.fromHere();
        expect(await order(lake, TASK, 'resync', ['a'])).toMatchObject([{ outcome: 'done' }]);
        expectCalm('resync', before, await watch.median(10));
        await live();
        await reader.looksAgain(2);
        expect(reader.seen).toEqual([state(was), state([was[0] - 9, was[1], was[2] + 11])]);
        await equal();
      },
      MINUTES,
    );

    it(
      'backfill brings the rows of a filter over again, deletes included, and no others',
      async () => {
        const before = await watch.median(16);
        await unlogged([
          // Within the filter: gone, changed, new, and one that matches it in the lake only.
          `DELETE FROM a WHERE id = ${ROWS - 130}`,
          `UPDATE a SET note = 'mended' WHERE id = ${ROWS - 131}`,
          `INSERT INTO a VALUES (${ROWS + 2}, 100, 'mended')`,
          // Outside of it.
          `UPDATE a SET note = 'missed' WHERE id = ${ROWS - 140}`,
        ]);
        const was = await reader.fromHere();
        const where = `WHERE id > ${ROWS - 136} AND (id < ${ROWS - 120} OR id = ${ROWS + 2})`;
        expect(await order(lake, TASK, 'backfill', ['a'], { where })).toMatchObject([{ outcome: 'done' }]);
        expectCalm('backfill', before, await watch.median(10));
        await live();
        await reader.looksAgain(2);
        expect(reader.seen).toEqual([state(was), state([was[0], was[1], was[2] + 2])]);
        await load.hold();
        await lake.caughtUp(TASK);
        expect(await lake.differences(subject.compared)).toMatchObject([
          expect.stringMatching(new RegExp(`a: .*${ROWS - 140}`)),
        ]);
        const rest = `id = ${ROWS - 140}`;
        expect(await order(lake, TASK, 'backfill', ['a'], { where: rest })).toMatchObject([
          { outcome: 'done' },
        ]);
        await live();
        load.go();
        await equal();
      },
      MINUTES,
    );

    it(
      'a backfill whose filter the source or the lake does not understand changes nothing',
      async () => {
        for (const [where, said] of [
          ['no_such_column = 1', 'no_such_column'],
          ["note REGEXP_NOT_THERE 'x'", 'REGEXP_NOT_THERE'],
        ] as const) {
          expect(await order(lake, TASK, 'backfill', ['a'], { where })).toMatchObject([{ outcome: 'done' }]);
          await lake.until(async () => (await tableOf(lake, TASK, 'a')).error !== null);
          await live();
          expect((await tableOf(lake, TASK, 'a')).error).toMatchObject({
            code: 'TABLE_BACKFILL',
            message: expect.stringContaining(said),
          });
          expect(await order(lake, TASK, 'backfill', ['a'], { where: 'id = 1' })).toMatchObject([
            { outcome: 'done' },
          ]);
          await lake.until(async () => (await tableOf(lake, TASK, 'a')).error === null);
          await live();
        }
        await equal();
      },
      MINUTES,
    );

    it(
      'stop drops the changes of the table, start loads it again; cancel gives the load up',
      async () => {
        const before = await watch.median(16);
        expect(await order(lake, TASK, 'stop', ['a'])).toMatchObject([{ outcome: 'done', state: 'stopped' }]);
        await subject.query(`UPDATE a SET note = 'while stopped' WHERE id = ${ROWS - 50}`);
        reader.seen.length = 0;
        await lake.caughtUp(TASK);
        expectCalm('stop', before, await watch.median(10));
        await reader.looksAgain(2);
        expect(reader.seen).toHaveLength(1);
        expect(await order(lake, TASK, 'start', ['a'])).toMatchObject([{ outcome: 'done' }]);
        expect(await order(lake, TASK, 'cancel', ['a'])).toMatchObject([
          expect.objectContaining({ outcome: expect.stringMatching(/done|refused/) }),
        ]);
        const { state } = await tableOf(lake, TASK, 'a');
        if (state === 'stopped')
          expect(await order(lake, TASK, 'start', ['a'])).toMatchObject([{ outcome: 'done' }]);
        await live();
        await equal();
        expectCalm('start and cancel', before, await watch.median(10));
      },
      MINUTES,
    );

    it(
      'what cannot be done is refused with the reason, for each table by itself',
      async () => {
        expect(await order(lake, TASK, 'recover', ['a', 'b'])).toMatchObject([
          { outcome: 'refused', reason: 'it is not paused', state: 'live' },
          { outcome: 'refused', reason: 'it is not paused', state: 'live' },
        ]);
        expect(await order(lake, TASK, 'pause', ['b', 'c'])).toMatchObject([
          { outcome: 'done', state: 'paused' },
          { outcome: 'done', state: 'paused' },
        ]);
        // A restart of everything finds them as they were.
        await lake.killServer();
        await lake.restart();
        expect(await order(lake, TASK, 'pause', ['b'])).toMatchObject([
          { outcome: 'refused', reason: 'it is paused already' },
        ]);
        expect(await order(lake, TASK, 'recover', ['b', 'c'])).toMatchObject([
          { outcome: 'done' },
          { outcome: 'done' },
        ]);
        const api = await lake.api();
        await expect(
          api.post(`/tasks/${TASK}/tables/orders`, { order: 'stop', tables: ['a'] }),
        ).rejects.toMatchObject({ code: 'CONFIRMATION_REQUIRED' });
        await expect(order(lake, TASK, 'pause', ['nobody'])).rejects.toMatchObject({ code: 'NOT_FOUND' });
        await expect(
          order(lake, TASK, 'backfill', ['a'], { where: '1=1; DROP TABLE a' }),
        ).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
        await equal();
      },
      MINUTES,
    );

    it(
      'a pause outlives the log at the source: ten minutes of changes are applied without a load',
      async () => {
        const before = await tableOf(lake, TASK, 'a');
        await load.hold();
        await lake.caughtUp(TASK);
        const applied = (await tableOf(lake, TASK, 'a')).rowsApplied;
        expect(await order(lake, TASK, 'pause', ['a'])).toMatchObject([{ outcome: 'done' }]);
        const counted = load.changesOfA;
        // As many as the load makes in ten minutes.
        for (let n = 0; n < 60 * 600; n++) await load.step();
        await lake.caughtUp(TASK);
        await subject.purge();
        await lake.stop(TASK);
        await lake.start(TASK);
        expect(await order(lake, TASK, 'recover', ['a'])).toMatchObject([{ outcome: 'done' }]);
        await live();
        await lake.caughtUp(TASK);
        const after = await tableOf(lake, TASK, 'a');
        expect(after.rowsLoaded).toBe(before.rowsLoaded);
        expect(after.rowsApplied - applied).toBe(load.changesOfA - counted);
        expect(await lake.differences(subject.compared)).toEqual([]);
      },
      2 * MINUTES,
    );
  });
}

import { setTimeout as pause } from 'node:timers/promises';
import type { PublishedVersion, Task } from '@sluice/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { expectCalm, LatencyWatch, SteadyLoad } from './load.ts';
import { tableOf } from './ordering.ts';
import { type OrdersSubject, startSubject } from './subjects.ts';

const MINUTES = 300_000;
const TASK = 'published';
const ROWS = 1_000_000;

const BIG: Readonly<Record<'postgres' | 'mysql', readonly string[]>> = {
  postgres: [
    'CREATE TABLE big (id int PRIMARY KEY, n int, note varchar(100))',
    `INSERT INTO big SELECT i, i % 1000, 'note ' || i FROM generate_series(1, ${ROWS}) i`,
  ],
  mysql: [
    'CREATE TABLE big (id int PRIMARY KEY, n int, note varchar(100))',
    `SET SESSION cte_max_recursion_depth = ${ROWS}`,
    `INSERT INTO big WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${ROWS}) SELECT i, i % 1000, CONCAT('note ', i) FROM s`,
  ],
};

/** Versions that are published while the task runs, and its tables are written to. */
export function describePublishing(type: 'postgres' | 'mysql'): void {
  describe(`publishing onto a running task: ${type}`, () => {
    let subject: OrdersSubject;
    let lake: TestLake;
    let load: SteadyLoad;
    let watch: LatencyWatch;

    const named = (...names: string[]) => names.map((table) => ({ schema: subject.schema, table }));
    const comparable = (...names: string[]) =>
      lake.differences(subject.compared, (table) => names.includes(table));

    async function publish(change: (draft: Task['draft']) => object): Promise<PublishedVersion> {
      const api = await lake.api();
      const { draft } = await api.get<Task>(`/tasks/${TASK}`);
      await api.call('PUT', `/tasks/${TASK}/draft`, { ...draft, ...change(draft) });
      return api.post<PublishedVersion>(`/tasks/${TASK}/publish`);
    }

    const attempts = async () => (await lake.newestRun(TASK))!.attempts.length;

    beforeAll(async () => {
      subject = await startSubject(type);
      await SteadyLoad.fill(subject, 200_000);
      for (const statement of BIG[type]) await subject.query(statement);
      lake = await TestLake.start();
      await lake.createMirror(TASK, subject.connection, {
        type,
        tables: named('b', 'c'),
        parameters: { commit_interval: '500ms', chunk_size: '4MB', full_load_concurrency: '1' },
      });
      await lake.start(TASK);
      await lake.caughtUp(TASK);
      load = await SteadyLoad.start(subject);
      watch = new LatencyWatch(lake, TASK);
      await watch.median(10);
    }, MINUTES);

    afterAll(async () => {
      await Promise.allSettled([load?.hold(), watch?.stop()]);
      await lake?.[Symbol.asyncDispose]();
      await subject?.[Symbol.asyncDispose]();
    });

    it(
      'a table of a million rows joins while the others flow, in the same attempt',
      async () => {
        const before = await watch.median(16);
        expect(await publish(() => ({ tables: named('a', 'b', 'c', 'big') }))).toMatchObject({
          version: 2,
          takesEffect: 'now',
          waits: [],
        });
        const during: number[] = [];
        await lake.until(async () => {
          during.push(await watch.median(2));
          const big = (await lake.tables(TASK)).find(({ source }) => source.table === 'big');
          return big?.state === 'live';
        }, 200);
        during.sort((x, y) => x - y);
        expectCalm('a million rows join', before, during[Math.floor(during.length / 2)]!);
        await load.hold();
        await lake.caughtUp(TASK, 120);
        expect(await comparable('a', 'b', 'c', 'big')).toEqual([]);
        expect(await attempts()).toBe(1);
        expect((await lake.newestRun(TASK))?.version).toBe(2);
        load.go();
      },
      MINUTES,
    );

    it(
      'a table that is taken out keeps its rows, and may come back',
      async () => {
        expect(await publish(() => ({ tables: named('a', 'b', 'c') }))).toMatchObject({ takesEffect: 'now' });
        await lake.until(async () => (await tableOf(lake, TASK, 'big')).state === 'dropped');
        await subject.query(`DELETE FROM big WHERE id <= 10`);
        await lake.caughtUp(TASK);
        expect((await lake.sql(`SELECT count(*) FROM "${subject.schema}".big`)).rows).toEqual([[ROWS]]);
        expect(await publish(() => ({ tables: named('a', 'b', 'c', 'big') }))).toMatchObject({
          takesEffect: 'now',
        });
        await lake.until(async () => (await tableOf(lake, TASK, 'big')).state === 'live', 120);
        await load.hold();
        await lake.caughtUp(TASK, 120);
        expect(await comparable('a', 'b', 'c', 'big')).toEqual([]);
        expect(await attempts()).toBe(1);
        load.go();
      },
      MINUTES,
    );

    it(
      'more readers of the full load are at work at once, and fewer again',
      async () => {
        const api = await lake.api();
        /** Loads both tables again. @returns how much of the time more than one statement of the load was at work */
        const beside = async (): Promise<number> => {
          const both = { order: 'resync', tables: ['a', 'big'], confirm: true };
          await api.post(`/tasks/${TASK}/tables/orders`, both);
          const seen: number[] = [];
          let loading = true;
          const watching = (async () => {
            for (; loading; await pause(5)) seen.push(await subject.readers());
          })();
          await lake
            .until(async () => (await lake.tables(TASK)).every(({ state }) => state === 'live'), 200)
            .finally(() => {
              loading = false;
            });
          await watching;
          const reading = seen.filter((count) => count > 0);
          expect(reading.length).toBeGreaterThan(0);
          const share = reading.filter((count) => count > 1).length / reading.length;
          process.stdout.write(`    more than one reader: ${share.toFixed(2)} of ${reading.length} looks\n`);
          return share;
        };
        const parameters = (count: string) => (draft: Task['draft']) => ({
          parameters: { ...draft?.parameters, full_load_concurrency: count },
        });
        // A statement that has ended may still be listed when the next one begins.
        expect(await beside()).toBeLessThan(0.05);
        expect(await publish(parameters('4'))).toMatchObject({ takesEffect: 'now' });
        // A chunk is read in no time, and written for longer.
        let most = 0;
        for (let tries = 0; tries < 8 && most < 0.05; tries++) most = Math.max(most, await beside());
        expect(most).toBeGreaterThanOrEqual(0.05);
        expect(await publish(parameters('1'))).toMatchObject({ takesEffect: 'now' });
        expect(await beside()).toBeLessThan(0.05);
        await load.hold();
        await lake.caughtUp(TASK, 120);
        expect(await comparable('a', 'b', 'c', 'big')).toEqual([]);
        expect(await attempts()).toBe(1);
        load.go();
      },
      MINUTES,
    );

    it(
      'what a run cannot take over waits for the next start, all of it',
      async () => {
        const version = (await lake.newestRun(TASK))!.version;
        expect(await publish(() => ({ targetSchema: 'elsewhere', tables: named('b') }))).toMatchObject({
          takesEffect: 'at the next start',
          waits: ['targetSchema'],
        });
        await load.hold();
        await lake.caughtUp(TASK);
        expect((await lake.newestRun(TASK))!.version).toBe(version);
        expect((await lake.tables(TASK)).map(({ state }) => state)).toEqual(['live', 'live', 'live', 'live']);
        expect(await attempts()).toBe(1);
      },
      MINUTES,
    );
  });
}

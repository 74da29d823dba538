import type { TimelineEvent } from '@sluice/contract';
import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { expectCalm, LatencyWatch, SteadyLoad } from './load.ts';
import { order, tableOf } from './ordering.ts';
import { startSubject } from './subjects.ts';

const TASK = 'queue';
/** Some 150 chunks, of which one is read at a time: seconds, in which two orders are given at once. */
const ROWS = 600_000;

const BIG: Readonly<Record<'postgres' | 'mysql', readonly string[]>> = {
  postgres: [
    'CREATE TABLE big (id int PRIMARY KEY, pad text)',
    `INSERT INTO big SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, ${ROWS}) i`,
  ],
  mysql: [
    'CREATE TABLE big (id int PRIMARY KEY, pad text)',
    `SET SESSION cte_max_recursion_depth = ${ROWS}`,
    `INSERT INTO big WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${ROWS}) SELECT i, REPEAT(SHA2(i, 256), 4) FROM s`,
  ],
};
const SMALL = ['first', 'second', 'third'] as const;

/** Orders for the queue of loads, while a long one is under way and other tables are written to. */
export function testQueue(type: 'postgres' | 'mysql'): void {
  it('prioritize brings a load before those that were ordered first, cancel gives one up; by ids, several at once', async () => {
    await using subject = await startSubject(type);
    await SteadyLoad.fill(subject, 20_000);
    for (const statement of BIG[type]) await subject.query(statement);
    for (const name of SMALL) {
      await subject.query(`CREATE TABLE ${name} (id int PRIMARY KEY)`);
      await subject.query(`INSERT INTO ${name} VALUES (1), (2), (3)`);
    }
    await using lake = await TestLake.start();
    await lake.createMirror(TASK, subject.connection, {
      type,
      parameters: {
        ...subject.parameters,
        commit_interval: '500ms',
        chunk_size: '1MB',
        full_load_concurrency: '1',
      },
    });
    await lake.start(TASK);
    await lake.caughtUp(TASK, 120);
    const id = async (name: string): Promise<number> => (await tableOf(lake, TASK, name)).id;
    const [big, first, second, third] = await Promise.all(['big', ...SMALL].map(id));
    const load = await SteadyLoad.start(subject);
    const watch = new LatencyWatch(lake, TASK);
    try {
      const before = await watch.median(16);
      const api = await lake.api();
      const [last] = await api.get<TimelineEvent[]>(`/tasks/${TASK}/events?limit=1`);
      expect(await order(lake, TASK, 'resync', [big!, first!, second!, third!])).toMatchObject(
        ['big', ...SMALL].map(() => ({ outcome: 'done' })),
      );
      await lake.until(async () => (await tableOf(lake, TASK, 'big')).state === 'loading');
      const ordered = [order(lake, TASK, 'prioritize', [third!]), order(lake, TASK, 'cancel', [second!])];
      expect(await Promise.all(ordered)).toMatchObject([
        [{ outcome: 'done' }],
        [{ outcome: 'done', state: 'stopped' }],
      ]);
      expectCalm('prioritize and cancel', before, await watch.median(10));
      for (const name of ['big', 'first', 'third'])
        await lake.until(async () => (await tableOf(lake, TASK, name)).state === 'live', 120);

      const steps = await api.get<TimelineEvent[]>(
        `/tasks/${TASK}/events?after=${last!.id}&kind=table.state&limit=1000`,
      );
      const states = steps.map(({ table, detail }) => `${table?.split('.').at(-1)} ${detail.to}`);
      const at = (state: string): number => {
        expect(states).toContain(state);
        return states.indexOf(state);
      };
      // Before the other that waits, and before the rest of the one that is under way.
      expect(at('third catching_up')).toBeLessThan(at('first catching_up'));
      expect(at('third catching_up')).toBeLessThan(at('big catching_up'));
      expect(states.slice(0, at('second stopped'))).not.toContain('second catching_up');
      // What is given up is the load: the rows that were visible stay.
      expect((await lake.sql(`SELECT count(*) FROM "${subject.schema}".second`)).rows).toEqual([[3]]);

      expect(await order(lake, TASK, 'start', [second!])).toMatchObject([{ outcome: 'done' }]);
      await lake.until(async () => (await tableOf(lake, TASK, 'second')).state === 'live', 120);
    } finally {
      await Promise.allSettled([load.hold(), watch.stop()]);
    }
    await lake.caughtUp(TASK, 120);
    // Row by row it would take minutes.
    expect(
      (await lake.sql(`SELECT count(*), count(DISTINCT id), min(length(pad)) FROM "${subject.schema}".big`))
        .rows,
    ).toEqual([[ROWS, ROWS, 256]]);
    expect(await lake.differences(subject.compared, (table) => table !== 'big')).toEqual([]);
    expect((await lake.newestRun(TASK))?.attempts).toHaveLength(1);
  }, 400_000);
}

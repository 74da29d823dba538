import type { TimelineEvent } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { order, tableOf } from './ordering.ts';

const MINUTES = 300_000;

/** A line an event, in the order of the alphabet: what happens side by side has no other. */
async function timeline(lake: TestLake, path: string): Promise<readonly string[]> {
  const api = await lake.api();
  const events = await api.get<TimelineEvent[]>(path);
  expect(events.map(({ id }) => id)).toEqual(events.map(({ id }) => id).sort((a, b) => b - a));
  return (
    events
      // A phase that a single commit ends is not seen.
      .filter(({ kind }) => kind !== 'run.phase')
      .map(({ by, kind, table, text }) => `${by} ${kind} ${table ?? ''} ${text}`)
      .sort()
  );
}

describe('orders for one table of a running task', () => {
  it(
    'pauses and resumes where it paused, without a load',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await database.query(`CREATE TABLE a (id int PRIMARY KEY, n int); CREATE TABLE b (id int PRIMARY KEY, n int);
        INSERT INTO a SELECT i, 0 FROM generate_series(1, 1000) i; INSERT INTO b SELECT i, 0 FROM generate_series(1, 1000) i`);
      await using lake = await TestLake.start();
      await lake.createMirror('m', database.connection);
      await lake.start('m');
      await lake.caughtUp('m');
      expect(await order(lake, 'm', 'pause', ['a'])).toMatchObject([{ outcome: 'done', state: 'paused' }]);
      await database.query(
        'UPDATE a SET n = 1 WHERE id <= 500; DELETE FROM a WHERE id > 900; UPDATE b SET n = 1',
      );
      await database.query("ALTER TABLE a ADD COLUMN more text; INSERT INTO a VALUES (2000, 5, 'x')");
      await lake.caughtUp('m');
      expect(await lake.sql('SELECT count(*), sum(n) FROM public.a')).toMatchObject({ rows: [[1000, 0]] });
      expect(await lake.differences(database.url, (table) => table === 'b')).toEqual([]);
      expect(await order(lake, 'm', 'recover', ['a'])).toMatchObject([{ outcome: 'done' }]);
      await lake.caughtUp('m');
      expect(await tableOf(lake, 'm', 'a')).toMatchObject({ state: 'live' });
      expect(await lake.differences(database.url)).toEqual([]);
      expect(await lake.attemptLog('m')).not.toContain('loaded anew');
      await lake.stop('m');
      expect(await timeline(lake, '/tasks/m/events?limit=1000')).toEqual(
        [
          'api task.created  task made',
          'api task.published  version 1 published',
          'api run.started  started: resume, version 1',
          'sluice attempt.began  attempt 1 began',
          'sluice table.joined public.a joined the task, pending',
          'sluice table.joined public.b joined the task, pending',
          ...['a', 'b'].flatMap((table) => [
            `sluice table.state public.${table} pending → loading`,
            `sluice table.state public.${table} loading → catching_up, 1000 rows loaded`,
            `sluice table.state public.${table} catching_up → live`,
          ]),
          'api table.order public.a pause',
          'sluice table.state public.a live → paused',
          'sluice table.schema public.a columns: added more text',
          'api table.order public.a recover',
          'sluice table.state public.a paused → catching_up',
          'sluice table.state public.a catching_up → live',
          'api run.stop-asked  stop asked for',
          'sluice run.stopped  stopped',
        ].sort(),
      );
      expect(await timeline(lake, '/data-sources/m/events')).toEqual([
        'api data-source.created  data source made',
      ]);
      expect(await timeline(lake, '/tasks/m/events?kind=table.&table=public.b&limit=1')).toEqual([
        'sluice table.state public.b catching_up → live',
      ]);
    },
    MINUTES,
  );

  it(
    'backfills rows that a filter matches: changed, missing and extra ones',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await database.query(`CREATE TABLE a (id int PRIMARY KEY, region int, n text);
        INSERT INTO a SELECT i, i % 4, 'v' || i FROM generate_series(1, 2000) i`);
      await using lake = await TestLake.start();
      await lake.createMirror('m', database.connection);
      await lake.start('m');
      await lake.caughtUp('m');
      await database.query(`UPDATE a SET n = 'w' WHERE region = 1`);
      await lake.caughtUp('m');
      expect(await order(lake, 'm', 'backfill', ['a'], { where: 'where region = 1' })).toMatchObject([
        { outcome: 'done' },
      ]);
      await database.query(`DELETE FROM a WHERE id = 5; INSERT INTO a VALUES (5000, 1, 'new')`);
      await lake.caughtUp('m');
      expect(await tableOf(lake, 'm', 'a')).toMatchObject({ state: 'live' });
      expect(await lake.differences(database.url)).toEqual([]);
    },
    MINUTES,
  );
});

import { expect, it } from 'vitest';
import { startMysql } from '../../../../tests/support/mysql.ts';
import { logNameOf, nextLogName, serverOfLog } from './log-anew.ts';
import { requirePosition } from './position.ts';
import { Following } from './testing/following.ts';

const never = new AbortController().signal;

it('counts the numberings of a server', () => {
  expect(nextLogName('server-id-1')).toBe('server-id-1/2');
  expect(nextLogName('server-id-1/9')).toBe('server-id-1/10');
  expect(serverOfLog('server-id-1/10')).toBe('server-id-1');
  expect(logNameOf(requirePosition('b.000001:4|me/2|'), 'me')).toBe('me/2');
  expect(logNameOf(requirePosition('b.000001:4|other/2|'), 'me')).toBe('me');
  expect(logNameOf(requirePosition('b.000001:4'), 'me')).toBe('me');
});

it('a log that is numbered anew is read on by GTID, whether its numbers have passed the place or not', async () => {
  await using server = await startMysql('mysql');
  await using following = await Following.open(
    'mysql',
    ['CREATE TABLE t (id int PRIMARY KEY)', 'CREATE TABLE bag (a int)'],
    server,
  );
  const { source, database } = following;
  const flush = (times: number): Promise<void> =>
    following.run(...Array.from({ length: times }, () => 'FLUSH BINARY LOGS'));
  const reset = async (): Promise<void> => {
    const [[executed = ''] = []] = await database.rows('SELECT @@GLOBAL.gtid_executed');
    await following.run('RESET BINARY LOGS AND GTIDS', `SET GLOBAL gtid_purged = '${executed}'`);
  };
  const insert = (id: number): Promise<void> => following.run(`INSERT INTO t VALUES (${id})`);
  const told = (...ids: number[]): string[] => ids.flatMap((id) => ['begin', `I t ${id}`, 'commit']);
  const logOf = (position: string): string => position.split('|')[1] ?? '';

  await flush(2);
  const first = await following.start();
  await insert(1);
  expect(await following.story()).toEqual(told(1));
  await following.stop();
  let saved = following.sink.ends.at(-1)!;

  for (const [count, flushes] of [
    [2, 0],
    [3, 9],
  ] as const) {
    const before = count * 10;
    await reset();
    await insert(before);
    await flush(flushes);
    await insert(before + 1);
    if (flushes === 0) {
      // Nobody has looked at the log yet: what is saved is not its end, and whoever reads it passes nothing over.
      expect(source.compare(saved, await source.head(never))).toBe(-1);
      following.stream(saved);
      await expect(following.streaming).rejects.toMatchObject({ code: 'SOURCE_INTERRUPTED' });
    }

    const from = await following.start(saved);
    const log = `${logOf(first)}/${count}`;
    expect(from).toBe(`|${log}|${saved.split('|')[2]}`);
    expect(await following.story()).toEqual(told(before, before + 1));
    // Loads that began in the old numbering begin anew by it.
    const bag = (await following.tables()).find((table) => table.schema.name.table === 'bag')!;
    expect(source.serverOf(bag.schema.name)).toBe(log);
    await using snapshot = await source.snapshot(bag.schema, never);
    expect(snapshot.visibility).toMatchObject({ kind: 'log', server: log });
    saved = following.sink.ends.at(-1)!;
    expect(logOf(saved)).toBe(log);
    expect(source.compare(saved, await source.head(never))).toBe(0);
    const { end, bytes } = await source.remaining(saved, never);
    expect([logOf(end), bytes]).toEqual([log, 0]);
    await following.stop();
    // The place is known now, and the numbers go on.
    expect(await source.attach(saved, never)).toBe(saved);
  }
});

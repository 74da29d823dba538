import pg from 'pg';
import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { startMysql } from '../support/mysql.ts';
import { startPostgres } from '../support/postgres.ts';

it('undeploys a task whose source is gone only when told to, and says what stays there', async () => {
  await using server = await startPostgres();
  await using database = await server.createDatabase();
  await database.query(
    'CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept SELECT generate_series(1, 10)',
  );
  await using lake = await TestLake.start();
  await lake.createMirror('gone', database.connection);
  await lake.start('gone');
  await lake.caughtUp('gone');
  await lake.stop('gone');
  await server.stop();
  const api = await lake.api();
  await expect(api.post('/tasks/gone/undeploy', { confirm: true })).rejects.toMatchObject({
    code: 'SOURCE_UNREACHABLE',
    message: expect.stringContaining('--force'),
  });
  const { done } = await api.post<{ done: string[] }>('/tasks/gone/undeploy', { confirm: true, force: true });
  expect(done.join(' ')).toContain('still keeps the replication slot');
  await api.call('DELETE', '/tasks/gone?confirm=true');
  await api.call('DELETE', '/data-sources/gone');
  expect((await lake.sql('SELECT count(*) FROM public.kept')).rows).toEqual([[10]]);
  await server.start();
  // The connection from before the stop is dead.
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
  await client.end();
});

it('undeploys a task of MySQL without a word to the server, which keeps nothing of it', async () => {
  await using server = await startMysql('mysql');
  await using database = await server.createDatabase('shop');
  await database.query('CREATE TABLE kept (id int PRIMARY KEY)');
  await database.query('INSERT INTO kept VALUES (1), (2)');
  await using lake = await TestLake.start();
  await lake.createMirror('gone', database.connection, { type: 'mysql' });
  await lake.start('gone');
  await lake.caughtUp('gone');
  await lake.stop('gone');
  await server.stop();
  const api = await lake.api();
  await expect(api.post('/tasks/gone/undeploy', { confirm: false })).rejects.toMatchObject({
    code: 'CONFIRMATION_REQUIRED',
    message: expect.not.stringMatching(/slot|publication/),
  });
  const { done } = await api.post<{ done: string[] }>('/tasks/gone/undeploy', { confirm: true });
  expect(done).toEqual([
    expect.stringMatching(/^Forgot the position \w+\.\d+:/),
    '1 target table stays with every row.',
  ]);
  expect((await lake.sql('SELECT count(*) FROM shop.kept')).rows).toEqual([[2]]);
});

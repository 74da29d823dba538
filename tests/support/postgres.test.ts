import { describe, expect, it } from 'vitest';
import { sharedPostgres, startPostgres } from './postgres.ts';

describe('a PostgreSQL of a test', () => {
  it('keeps port and committed rows through stop, kill -9 and start', async () => {
    await using server = await startPostgres({ settings: { wal_level: 'replica', fsync: 'on' } });
    await using database = await server.createDatabase('käse "1"');
    await database.query('CREATE TABLE t (id int PRIMARY KEY)');
    await database.query('INSERT INTO t VALUES (1)');
    await server.kill();
    await expect(database.query('SELECT 1')).rejects.toThrow();
    await server.start();
    await database.query('INSERT INTO t VALUES (2)');
    await server.restart({ wal_level: 'logical' });
    await expect(database.query('SELECT 1')).rejects.toThrow();
    expect((await database.query('SELECT id FROM t ORDER BY id')).rows).toEqual([{ id: 1 }, { id: 2 }]);
    expect((await database.query('SHOW wal_level')).rows).toEqual([{ wal_level: 'logical' }]);
    expect((await database.query('SELECT current_database() AS name')).rows).toEqual([{ name: 'käse "1"' }]);
  });

  it('asks for the password over TCP', async () => {
    const server = sharedPostgres();
    const wrong = new URL(server.url);
    wrong.password = 'wrong';
    const { default: pg } = await import('pg');
    await expect(new pg.Client({ connectionString: wrong.href }).connect()).rejects.toThrow(/password/);
  });

  it('drops a database that has slots', async () => {
    const server = sharedPostgres();
    const database = await server.createDatabase();
    await database.query(`SELECT pg_create_logical_replication_slot('${database.name}', 'pgoutput')`);
    await database[Symbol.asyncDispose]();
    await using other = await server.createDatabase();
    const { rows } = await other.query(
      'SELECT 1 FROM pg_database WHERE datname = $1 UNION ALL SELECT 1 FROM pg_replication_slots WHERE slot_name = $1',
      [database.name],
    );
    expect(rows).toEqual([]);
  });

  it('runs PostgreSQL 15 too', async () => {
    await using server = await startPostgres({ version: 15 });
    await using database = await server.createDatabase();
    const { rows } = await database.query(
      "SELECT current_setting('server_version_num')::int / 10000 AS major",
    );
    expect(rows).toEqual([{ major: 15 }]);
  });
});

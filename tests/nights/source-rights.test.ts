import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, startPostgres } from '../support/postgres.ts';
import { blocklisted, createRole, expectEqual, failure, run, table } from './source-support.ts';

const MINUTES = 300_000;

it(
  'says that wal_level is not logical, and runs once it is',
  async () => {
    await using server = await startPostgres({ settings: { wal_level: 'replica' } });
    await using database = await server.createDatabase();
    await database.query('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)');
    await using lake = await TestLake.start();
    await lake.createMirror('m', database.connection);
    await lake.start('m');
    expect(await failure(lake, 'm')).toMatchObject({
      code: 'PG_WAL_LEVEL',
      message: expect.stringContaining('replica'),
      remedy: expect.stringContaining("ALTER SYSTEM SET wal_level = 'logical'"),
    });
    expect((await run(lake, 'm')).attempts).toHaveLength(1);
    await server.restart({ wal_level: 'logical' });
    await lake.start('m');
    await expectEqual(lake, 'm', database);
  },
  MINUTES,
);

it(
  'says that the account may not replicate, and runs once it may',
  async () => {
    const server = sharedPostgres();
    await using role = await createRole(server, '');
    await using database = await server.createDatabase();
    await database.query(`GRANT CREATE ON DATABASE ${database.name} TO ${role.name}; CREATE TABLE t (id int PRIMARY KEY);
    INSERT INTO t VALUES (1), (2); ALTER TABLE t OWNER TO ${role.name}`);
    await using lake = await TestLake.start();
    await lake.createMirror('m', role.at(database.connection));
    await lake.start('m');
    expect(await failure(lake, 'm')).toMatchObject({
      code: 'PG_NO_REPLICATION',
      message: expect.stringContaining(role.name),
      remedy: expect.stringContaining(`ALTER ROLE "${role.name}" REPLICATION;`),
    });
    expect((await run(lake, 'm')).attempts).toHaveLength(1);
    await database.query(`ALTER ROLE ${role.name} REPLICATION`);
    await lake.start('m');
    await expectEqual(lake, 'm', database);
  },
  MINUTES,
);

it(
  'says that the account may not make a publication, and runs once it may',
  async () => {
    const server = sharedPostgres();
    await using role = await createRole(server, 'REPLICATION');
    await using database = await server.createDatabase();
    await database.query(`CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2);
    ALTER TABLE t OWNER TO ${role.name}`);
    await using lake = await TestLake.start();
    await lake.createMirror('m', role.at(database.connection));
    await lake.start('m');
    expect(await failure(lake, 'm')).toMatchObject({
      code: 'PG_PUBLICATION_RIGHTS',
      remedy: expect.stringContaining('`publication`'),
    });
    expect((await run(lake, 'm')).attempts).toHaveLength(1);
    await database.query(`GRANT CREATE ON DATABASE ${database.name} TO ${role.name}`);
    await lake.start('m');
    await expectEqual(lake, 'm', database);
  },
  MINUTES,
);

it(
  'stops the tables that it may not read or publish, with what mends it, and goes on with the others',
  async () => {
    const server = sharedPostgres();
    await using role = await createRole(server, 'REPLICATION');
    await using database = await server.createDatabase();
    await database.query(`GRANT CREATE ON DATABASE ${database.name} TO ${role.name};
    CREATE TABLE fine (id int PRIMARY KEY, v text); CREATE TABLE "Not Mine" (id int PRIMARY KEY, v text);
    CREATE TABLE secret (id int PRIMARY KEY, v text); CREATE SCHEMA closed; CREATE TABLE closed.t (id int PRIMARY KEY);
    INSERT INTO fine SELECT i, 'f' FROM generate_series(1, 100) i;
    INSERT INTO "Not Mine" SELECT i, 'n' FROM generate_series(1, 100) i;
    INSERT INTO secret SELECT i, 's' FROM generate_series(1, 100) i; INSERT INTO closed.t VALUES (1);
    ALTER TABLE fine OWNER TO ${role.name}; ALTER TABLE secret OWNER TO ${role.name};
    REVOKE SELECT ON secret FROM ${role.name}; GRANT SELECT ON "Not Mine" TO ${role.name}`);
    await using lake = await TestLake.start();
    await lake.createMirror('m', role.at(database.connection));
    await lake.start('m');
    expect(await blocklisted(lake, 'm', 'secret')).toMatchObject({
      code: 'TABLE_NO_SELECT',
      remedy: expect.stringContaining(`GRANT SELECT ON "public"."secret" TO "${role.name}";`),
    });
    expect(await blocklisted(lake, 'm', 'Not Mine')).toMatchObject({
      code: 'TABLE_NOT_PUBLISHED',
      message: expect.stringContaining('must be owner of table Not Mine'),
    });
    expect(await blocklisted(lake, 'm', 't')).toMatchObject({
      code: 'TABLE_NO_SELECT',
      remedy: expect.stringContaining(`GRANT USAGE ON SCHEMA "closed" TO "${role.name}";`),
    });
    await lake.caughtUp('m');
    expect((await lake.status('m')).tables).toEqual({ total: 4, live: 1, blocklisted: 3 });
    await database.query(`INSERT INTO fine VALUES (1000, 'x'); UPDATE secret SET v = 'y' WHERE id < 10;
    DELETE FROM "Not Mine" WHERE id < 10`);
    await lake.caughtUp('m');
    expect((await lake.sql('SELECT count(*) FROM public.fine')).rows).toEqual([[101]]);

    await database.query(`GRANT SELECT ON secret TO ${role.name}; ALTER TABLE "Not Mine" OWNER TO ${role.name};
    GRANT USAGE ON SCHEMA closed TO ${role.name}; ALTER TABLE closed.t OWNER TO ${role.name}`);
    await lake.stop('m');
    await lake.start('m');
    await lake.until(async () => (await lake.status('m')).tables.live === 4);
    await expectEqual(lake, 'm', database);
    expect(await lake.tables('m')).toMatchObject([
      { error: null },
      { error: null },
      { error: null },
      { error: null },
    ]);
    expect((await table(lake, 'm', 'fine'))?.rowsLoaded).toBe(100);
  },
  MINUTES,
);

it(
  'uses the publication that an administrator made, and leaves it as it is',
  async () => {
    const server = sharedPostgres();
    await using role = await createRole(server, 'REPLICATION');
    await using database = await server.createDatabase();
    await database.query(`CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, v text);
    CREATE TABLE outside (id int PRIMARY KEY); CREATE TABLE narrow (id int PRIMARY KEY, v text, w text);
    INSERT INTO a SELECT i, 'a' FROM generate_series(1, 100) i; INSERT INTO b SELECT i, 'b' FROM generate_series(1, 100) i;
    INSERT INTO outside VALUES (1); INSERT INTO narrow VALUES (1, 'v', 'w');
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role.name}`);
    await using lake = await TestLake.start();
    await lake.createMirror('m', role.at(database.connection), { parameters: { publication: 'By Admin' } });
    await lake.start('m');
    expect(await failure(lake, 'm')).toMatchObject({
      code: 'PG_PUBLICATION_MISSING',
      message: expect.stringContaining('By Admin'),
    });
    await database.query('CREATE PUBLICATION "By Admin" FOR TABLE a, b, narrow (id, v)');
    await lake.start('m', { from: 'stateless' });
    expect(await blocklisted(lake, 'm', 'outside')).toMatchObject({
      code: 'TABLE_NOT_PUBLISHED',
      message: expect.stringContaining('does not hold the table'),
      remedy: expect.stringContaining('ALTER PUBLICATION'),
    });
    expect(await blocklisted(lake, 'm', 'narrow')).toMatchObject({
      code: 'TABLE_NOT_PUBLISHED',
      message: expect.stringContaining('column list'),
    });
    await database.query(
      "INSERT INTO a VALUES (1000, 'x'); UPDATE b SET v = 'y'; INSERT INTO outside VALUES (2)",
    );
    await lake.caughtUp('m');
    const members = await database.query(
      'SELECT pubname::text AS name, tablename::text AS table FROM pg_publication_tables ORDER BY 2',
    );
    expect(members.rows).toEqual([
      { name: 'By Admin', table: 'a' },
      { name: 'By Admin', table: 'b' },
      { name: 'By Admin', table: 'narrow' },
    ]);
    await database.query('ALTER PUBLICATION "By Admin" SET TABLE a, b, narrow, outside');
    await lake.stop('m');
    await lake.start('m');
    await lake.until(async () => (await lake.status('m')).tables.live === 4);
    await expectEqual(lake, 'm', database);
    await database.query("UPDATE narrow SET w = 'z'; DELETE FROM outside WHERE id = 1");
    await expectEqual(lake, 'm', database);

    // While it runs: what is not published is in no log, also after it is published again.
    for (const [narrower, tables] of [
      ['SET TABLE a WHERE (id > 100000), b, narrow, outside', ['a']],
      ["SET (publish = 'insert')", ['a', 'b', 'narrow', 'outside']],
    ] as const) {
      await database.query(`ALTER PUBLICATION "By Admin" ${narrower}`);
      for (const name of tables)
        expect(await blocklisted(lake, 'm', name)).toMatchObject({ code: 'TABLE_NOT_PUBLISHED' });
      await database.query("UPDATE a SET v = v || '!'; DELETE FROM a WHERE id % 5 = 0");
      await database.query(
        `ALTER PUBLICATION "By Admin" SET TABLE a, b, narrow, outside;
         ALTER PUBLICATION "By Admin" SET (publish = 'insert, update, delete, truncate')`,
      );
      await lake.stop('m');
      await lake.start('m');
      await lake.until(async () => (await lake.status('m')).tables.live === 4);
      await expectEqual(lake, 'm', database);
    }
  },
  MINUTES,
);

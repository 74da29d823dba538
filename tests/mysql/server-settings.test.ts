import { describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { type Flavour, type OwnMysql, startMysql, type TestMysqlDatabase } from '../support/mysql.ts';
import { NUMBERS } from './numbers.ts';

const TASK = 'settings';

/** Settings of the whole server, each on one of its own. */
const SERVERS: readonly {
  readonly what: string;
  readonly flavour: Flavour;
  readonly settings: Readonly<Record<string, string | number>>;
  /** Rights that the account needs besides. */
  readonly grant?: string;
}[] = [
  {
    what: 'no GTIDs',
    flavour: 'mysql',
    settings: { 'gtid-mode': 'OFF', 'enforce-gtid-consistency': 'OFF' },
    grant: 'LOCK TABLES',
  },
  {
    what: 'no checksums, compressed transactions, MINIMAL images, small files',
    flavour: 'mysql',
    settings: {
      'binlog-checksum': 'NONE',
      'binlog-transaction-compression': 'ON',
      'binlog-row-image': 'MINIMAL',
      'max-binlog-size': 65536,
    },
  },
  {
    what: 'another zone, implicit timestamps',
    flavour: 'mysql',
    settings: { 'default-time-zone': '+05:30', 'explicit-defaults-for-timestamp': 'OFF' },
  },
  {
    what: 'compressed events, no checksums, small files',
    flavour: 'mariadb',
    settings: {
      'log-bin-compress': 1,
      'log-bin-compress-min-len': 10,
      'binlog-checksum': 'NONE',
      'max-binlog-size': 65536,
    },
  },
  {
    what: 'names in lower case, no annotations',
    flavour: 'mariadb',
    settings: {
      'lower-case-table-names': 1,
      'binlog-annotate-row-events': 0,
      'default-time-zone': '+05:30',
      'gtid-domain-id': 7,
    },
  },
];

describe.each(SERVERS)('$flavour: $what', ({ flavour, settings, grant }) => {
  it('is mirrored, over a crash of the source and a stop of the task', async () => {
    await using server = await startMysql(flavour, { settings: { ...DURABLE, ...settings } });
    await using database = await server.createDatabase();
    if (grant !== undefined)
      await database.query(`GRANT ${grant} ON *.* TO \`${database.connection.username}\`@'%'`);
    for (const sql of [...NUMBERS, ...TABLES]) await database.query(sql);
    await using lake = await TestLake.start();
    await lake.createMirror(TASK, database.connection, { type: flavour });
    await lake.start(TASK);
    await lake.caughtUp(TASK);
    expect(await lake.differences(database.connection)).toEqual([]);

    await change(database);
    await lake.caughtUp(TASK);
    expect(await lake.differences(database.connection)).toEqual([]);

    await crash(server, database);
    await change(database);
    await lake.caughtUp(TASK, 90);
    expect(await lake.differences(database.connection)).toEqual([]);

    await lake.stop(TASK);
    await database.query('FLUSH BINARY LOGS');
    await change(database);
    await database.query('ALTER TABLE Keyed ADD COLUMN c int DEFAULT 3');
    await database.query('UPDATE Keyed SET c = id WHERE id < 9');
    await lake.start(TASK);
    await lake.caughtUp(TASK, 90);
    expect(await lake.differences(database.connection)).toEqual([]);
    expect((await lake.tables(TASK)).map((table) => table.state)).toEqual(['live', 'live', 'live', 'live']);
  }, 180_000);
});

/** A server that forgets what its own log holds could not be mirrored over its crash. */
const DURABLE = { 'innodb-flush-log-at-trx-commit': 1, 'sync-binlog': 1 } as const;

const TABLES = [
  'CREATE TABLE Keyed (id int PRIMARY KEY AUTO_INCREMENT, a varchar(50), at timestamp NULL, t text)',
  `INSERT INTO Keyed (a, at, t) SELECT n, '2024-02-29' + INTERVAL n SECOND, REPEAT('text', 100) FROM numbers`,
  'CREATE TABLE `Composite Key` (a varchar(10), b int, v json, PRIMARY KEY (b, a))',
  `INSERT INTO \`Composite Key\` SELECT n, n % 7, '{"a": [1, 2]}' FROM numbers WHERE n <= 100`,
  'CREATE TABLE bag (a int, b text)',
  `INSERT INTO bag SELECT n % 10, 'x' FROM numbers WHERE n <= 50`,
];

async function change(database: TestMysqlDatabase): Promise<void> {
  for (const sql of [
    `UPDATE Keyed SET a = CONCAT(a, '!') WHERE id % 3 = 0`,
    'UPDATE Keyed SET id = id + 10000 WHERE id % 100 = 1',
    `INSERT INTO Keyed (a, at, t) SELECT n, NOW(), REPEAT('y', 1000) FROM numbers WHERE n <= 100`,
    'DELETE FROM Keyed WHERE id % 97 = 0',
    `UPDATE \`Composite Key\` SET a = CONCAT(a, 'k') WHERE b = 3 AND CHAR_LENGTH(a) < 9`,
    `UPDATE \`Composite Key\` SET v = JSON_SET(v, '$.b', a) WHERE b = 4`,
    `UPDATE bag SET b = NULL WHERE a = 3`,
    'DELETE FROM bag WHERE a = 4 LIMIT 1',
    'INSERT INTO bag VALUES (4, NULL), (4, NULL)',
  ])
    await database.query(sql);
}

/** kill -9, with one XA transaction prepared, which the server knows after its recovery. */
async function crash(server: OwnMysql, database: TestMysqlDatabase): Promise<void> {
  const client = await database.client();
  for (const sql of [
    `XA START 'x'`,
    `UPDATE Keyed SET a = 'xa' WHERE id < 20`,
    `XA END 'x'`,
    `XA PREPARE 'x'`,
  ])
    await client.query(sql);
  await server.kill();
  await server.start();
  // The connection that the crash broke says so once.
  await database.query('SELECT 1').catch(() => undefined);
  await database.query(`INSERT INTO bag VALUES (1, 'after the crash')`);
  await database.query(`XA COMMIT 'x'`);
}

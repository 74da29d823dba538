import { expect, it } from 'vitest';
import { mysqlAdmin } from '../../server/src/sources/mysql/admin.ts';
import { TestLake } from '../support/lake.ts';
import { FLAVOURS, type Flavour, type OwnMysql, startMysql } from '../support/mysql.ts';

const TASK = 'replica';
const UPDATES = { mysql: 'log-replica-updates', mariadb: 'log-slave-updates' } as const;

it.each(FLAVOURS)('%s: a replica is mirrored once it logs what it takes over', async (flavour) => {
  await using origin = await startMysql(flavour, { settings: { 'server-id': 11 } });
  await using replica = await startMysql(flavour, {
    settings: { 'server-id': 12, [UPDATES[flavour]]: 'OFF' },
  });
  await follow(flavour, replica, origin);
  // The account goes to the replica by itself.
  await using database = await origin.createDatabase('shop');
  const connection = { ...database.connection, port: replica.port };
  await database.query('CREATE TABLE t (id int PRIMARY KEY, a int)');
  await database.query('INSERT INTO t VALUES (1, 1)');
  await using lake = await TestLake.start();
  await lake.until(() => mysqlAdmin.objects(connection, new AbortController().signal).catch(() => null));

  const check = async (): Promise<string | undefined> => {
    const findings = await mysqlAdmin.checkCdc(connection, { selection: null }, new AbortController().signal);
    return findings.find((finding) => finding.code === 'MYSQL_REPLICA_UPDATES')?.level;
  };
  expect(await check()).toBe('error');
  await lake.createMirror(TASK, connection, { type: flavour });
  await lake.start(TASK);
  await lake.until(async () => (await lake.tables(TASK))[0]?.error?.code === 'MYSQL_REPLICA_UPDATES');

  await replica.restart({ [UPDATES[flavour]]: 'ON' });
  await lake.until(async () => (await lake.tables(TASK))[0]?.state === 'live', 90);
  await database.query('INSERT INTO t VALUES (2, 2)');
  await database.query('UPDATE t SET a = 3 WHERE id = 1');
  await lake.until(async () => (await rows(lake)) === '[[1,3],[2,2]]');
  expect(await check()).toBe('ok');
  expect(await lake.differences(connection)).toEqual([]);
});

const rows = async (lake: TestLake): Promise<string> =>
  JSON.stringify((await lake.sql('SELECT id, a FROM shop.t ORDER BY id')).rows);

async function follow(flavour: Flavour, replica: OwnMysql, origin: OwnMysql): Promise<void> {
  await using there = await origin.createDatabase();
  await there.query(`CREATE USER follower@'%' IDENTIFIED BY 'sluice'`);
  await there.query(`GRANT REPLICATION SLAVE ON *.* TO follower@'%'`);
  await using here = await replica.createDatabase();
  const { host, port } = origin;
  const words = flavour === 'mysql' ? 'REPLICATION SOURCE TO SOURCE' : 'MASTER TO MASTER';
  const word = words.split(' ').at(-1);
  await here.query(
    `CHANGE ${words}_HOST = '${host}', ${word}_PORT = ${port}, ${word}_USER = 'follower', ${word}_PASSWORD = 'sluice', ${
      flavour === 'mysql'
        ? 'SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1'
        : 'MASTER_USE_GTID = slave_pos'
    }`,
  );
  await here.query(flavour === 'mysql' ? 'START REPLICA' : 'START SLAVE');
}

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FLAVOURS, type OwnMysql, sharedMysql, startMysql } from '../../../../tests/support/mysql.ts';
import type { Connection, Finding, Selection } from '../source.ts';
import { mysqlAdmin } from './admin.ts';
import { parseFilter } from './binlog-filter.ts';
import { judgeServer, type ServerFacts } from './check.ts';
import { parseGrant } from './grants.ts';
import { never } from './testing/log-reading.ts';

const grants = (...lines: string[]) => lines.flatMap((line) => parseGrant(line) ?? []);
const variables = (some: Readonly<Record<string, string>>): Map<string, string> =>
  new Map(Object.entries(some));

const VARIABLES = {
  log_bin: 'ON',
  binlog_format: 'ROW',
  binlog_row_image: 'FULL',
  binlog_row_metadata: 'FULL',
  binlog_expire_logs_seconds: '2592000',
  gtid_mode: 'ON',
  server_id: '1',
  log_replica_updates: 'ON',
  max_allowed_packet: '67108864',
};
const GOOD: ServerFacts = {
  flavour: 'mysql',
  version: 80_045,
  versionText: '8.0.45',
  variables: variables(VARIABLES),
  account: 'u@%',
  headRefused: null,
  isReplica: true,
  filter: parseFilter('', ''),
  grants: grants('GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `u`@`%`'),
  schemas: ['shop'],
  zone: { setting: 'SYSTEM', system: 'CET', offsets: [60, 120], wanted: null, year: 2026 },
};
const setTo = (some: Readonly<Record<string, string>>): Partial<ServerFacts> => ({
  variables: variables({ ...VARIABLES, ...some }),
});
const zone = (wanted: string): Partial<ServerFacts> => ({ zone: { ...GOOD.zone, wanted } });
const NO_GTIDS = setTo({ gtid_mode: 'OFF' });

describe('what is made of the facts', () => {
  it('a good server has nothing to mend', () => {
    const bad = judgeServer(GOOD).filter((one) => !['ok', 'info'].includes(one.level) || one.fix !== null);
    expect(bad).toEqual([]);
  });

  it.each<[Partial<ServerFacts>, string, Finding['level'], string | RegExp | null]>([
    [{ version: 50_562, versionText: '5.5.62' }, 'MYSQL_VERSION', 'error', null],
    [{ flavour: 'mariadb', version: 100_432 }, 'MYSQL_VERSION', 'error', null],
    [setTo({ log_bin: 'OFF' }), 'MYSQL_BINLOG_OFF', 'error', /^\[mysqld\]\nlog_bin/],
    [setTo({ binlog_format: 'MIXED' }), 'MYSQL_BINLOG_FORMAT', 'error', /^SET GLOBAL/],
    [setTo({ binlog_row_image: 'MINIMAL' }), 'MYSQL_ROW_IMAGE', 'warning', /^SET GLOBAL/],
    [setTo({ binlog_row_metadata: 'MINIMAL' }), 'MYSQL_ROW_METADATA', 'info', /^SET GLOBAL/],
    [setTo({ binlog_expire_logs_seconds: '3600' }), 'MYSQL_BINLOG_EXPIRY', 'warning', /seconds = 259200;$/],
    [
      { variables: variables({ expire_logs_days: '0.5' }) },
      'MYSQL_BINLOG_EXPIRY',
      'warning',
      /expire_logs_days = 3;$/,
    ],
    [setTo({ binlog_expire_logs_seconds: '0' }), 'MYSQL_BINLOG_EXPIRY', 'ok', null],
    [setTo({ server_id: '0' }), 'MYSQL_SERVER_ID', 'error', 'SET GLOBAL server_id = 1;'],
    [setTo({ log_replica_updates: 'OFF' }), 'MYSQL_REPLICA_UPDATES', 'error', /log_replica_updates = ON$/],
    [
      { variables: variables({ log_slave_updates: 'OFF' }) },
      'MYSQL_REPLICA_UPDATES',
      'error',
      /log_slave_updates = ON$/,
    ],
    [zone('Europe/Berlin'), 'MYSQL_TIME_ZONE', 'ok', null],
    [zone('Africa/Lagos'), 'MYSQL_TIME_ZONE', 'warning', "SET GLOBAL time_zone = '+01:00';"],
    [zone('America/New_York'), 'MYSQL_TIME_ZONE', 'warning', "SET GLOBAL time_zone = 'America/New_York';"],
    [setTo({ max_allowed_packet: '4194304' }), 'MYSQL_MAX_ALLOWED_PACKET', 'warning', /67108864;$/],
    [NO_GTIDS, 'MYSQL_GTID_MODE', 'warning', /gtid_mode = ON;$/],
    [NO_GTIDS, 'MYSQL_NO_LOCK_TABLES', 'error', 'GRANT LOCK TABLES ON *.* TO `u`@`%`;'],
    [{ grants: [] }, 'MYSQL_NO_REPLICATION', 'error', 'GRANT REPLICATION SLAVE ON *.* TO `u`@`%`;'],
    [
      { headRefused: 'denied' },
      'MYSQL_NO_REPLICATION_CLIENT',
      'error',
      'GRANT REPLICATION CLIENT ON *.* TO `u`@`%`;',
    ],
    [{ filter: parseFilter('shop,x', '') }, 'MYSQL_BINLOG_FILTER', 'warning', null],
    [{ filter: parseFilter('', 'x') }, 'MYSQL_BINLOG_FILTER', 'warning', null],
    [{ filter: parseFilter('x', '') }, 'MYSQL_BINLOG_FILTER', 'error', '[mysqld]\nbinlog_do_db = shop'],
    [{ filter: parseFilter('', 'x,shop') }, 'MYSQL_BINLOG_FILTER', 'error', null],
    // Byte by byte, whatever lower_case_table_names says.
    [{ filter: parseFilter('', 'Shop') }, 'MYSQL_BINLOG_FILTER', 'warning', null],
    [{ schemas: [], filter: parseFilter('', 'shop') }, 'MYSQL_BINLOG_FILTER', 'warning', null],
  ])('%j: %s is %s', (change, code, level, fix) => {
    const found = judgeServer({ ...GOOD, ...change }).filter((finding) => finding.code === code);
    expect(found).toMatchObject([{ level }]);
    if (fix instanceof RegExp) expect(found[0]?.fix).toMatch(fix);
    else expect(found[0]?.fix).toBe(fix);
  });

  it.each([
    ['GRANT LOCK TABLES ON *.* TO `u`@`%`', ['my shop', 'b'], true],
    ['GRANT SELECT, LOCK TABLES ON `my shop`.* TO `u`@`%`', ['my shop'], true],
    ['GRANT ALL PRIVILEGES ON `my shop`.* TO `u`@`%`', ['my shop'], true],
    ['GRANT LOCK TABLES ON `my shop`.* TO `u`@`%`', ['my shop', 'b'], false],
    ['GRANT LOCK TABLES ON `my shop`.* TO `u`@`%`', [], false],
  ])('with %s, tables of %j may be locked: %s', (line, schemas, may) => {
    const findings = judgeServer({ ...GOOD, ...NO_GTIDS, grants: grants(line), schemas });
    expect(findings.every((finding) => finding.code !== 'MYSQL_NO_LOCK_TABLES')).toBe(may);
  });
});

async function check(
  connection: Connection,
  selection: Selection | null = null,
): Promise<readonly Finding[]> {
  return await mysqlAdmin.checkCdc(connection, { selection }, never);
}

const levels = (findings: readonly Finding[], code: string): string[] =>
  findings.filter((finding) => finding.code === code).map((finding) => finding.level);

const troubles = (findings: readonly Finding[]): string[] =>
  findings.filter((one) => one.level === 'error' || one.level === 'warning').map((one) => one.code);

describe.each(FLAVOURS)('check-cdc of %s', (flavour) => {
  const server = sharedMysql(flavour);

  it('of a good server and account has nothing to mend', async () => {
    await using database = await server.createDatabase();
    await database.query('CREATE TABLE t (id int PRIMARY KEY)');
    const findings = await check(database.connection);
    expect(troubles(findings)).toEqual([]);
    expect(findings.find((one) => one.code === 'TABLES')).toMatchObject({ found: '1 of 1 can be mirrored' });
  });

  it('gives the account what it lacks, right by right', async () => {
    await using database = await server.createDatabase();
    const username = `odd 'n"\\ ${randomBytes(4).toString('hex')}`;
    const account = `\`${username}\`@\`%\``;
    const { name } = database;
    for (const sql of [
      'CREATE TABLE t (id int PRIMARY KEY, a int)',
      'CREATE TABLE `one column` (id int PRIMARY KEY, a int)',
      'CREATE VIEW v AS SELECT * FROM t',
      `CREATE USER ${account} IDENTIFIED BY 'sluice'`,
      `GRANT SELECT (id) ON \`one column\` TO ${account}`,
      `GRANT SELECT ON v TO ${account}`,
    ])
      await database.query(sql);
    const selection = {
      schemas: [],
      tables: ['t', 'one column', 'v'].map((table) => ({ schema: name, table })),
    };
    const look = (): Promise<readonly Finding[]> => check({ ...database.connection, username }, selection);
    try {
      const before = await look();
      expect(new Set(troubles(before))).toEqual(
        new Set([
          'MYSQL_NO_REPLICATION',
          'MYSQL_NO_REPLICATION_CLIENT',
          'TABLE_DROPPED',
          'TABLE_NO_SELECT',
          'TABLES',
        ]),
      );
      const view = before.find((finding) => finding.found === 'a view');
      expect(view).toMatchObject({ code: 'TABLE_DROPPED', fix: null });
      for (const { fix } of before) if (fix?.startsWith('GRANT')) await database.query(fix);
      const after = (await look()).filter((finding) => finding.subject !== view?.subject);
      expect(troubles(after)).toEqual([]);
    } finally {
      await database.query(`DROP USER ${account}`);
    }
  });

  it('mends tables that cannot be mirrored as they are', async () => {
    await using database = await server.createDatabase();
    for (const sql of [
      'CREATE TABLE `no key` (id int) ENGINE = MyISAM',
      'CREATE TABLE by_row (id int)',
      'CREATE TABLE merged (id int) ENGINE = MRG_MyISAM',
    ])
      await database.query(sql);
    const before = await check(database.connection);
    expect(troubles(before)).toEqual(['TABLE_ENGINE', 'TABLE_NO_KEY']);
    expect(levels(before, 'TABLE_BY_ROW')).toEqual(['info']);
    for (const { fix, code } of before) if (code === 'TABLE_NO_KEY') await database.query(fix ?? '');
    const after = await check(database.connection);
    expect(troubles(after)).toEqual(['TABLE_ENGINE']);
    expect(levels(after, 'TABLE_BY_ROW')).toEqual(['info', 'info']);
  });

  it('warns where there is nothing to mirror', async () => {
    await using database = await server.createDatabase();
    expect(troubles(await check(database.connection))).toEqual(['TABLES']);
  });

  it('of a server that is set otherwise: its own statements mend it', async () => {
    await using own = await startMysql(flavour, { settings: WRONG[flavour] });
    await using database = await own.createDatabase('my shop');
    await database.query('CREATE TABLE t (id int PRIMARY KEY)');
    const before = await check(database.connection);
    expect(troubles(before).sort()).toEqual([...EXPECTED[flavour]].sort());
    for (const { fix } of before)
      for (const sql of (fix ?? '').split('; ')) if (/^(SET|GRANT)/.test(sql)) await database.query(sql);
    await configure(own, before);
    const after = await check(database.connection);
    // Other databases are still left out, and with them the DDL of sessions whose default they are.
    expect(troubles(after)).toEqual(['MYSQL_BINLOG_FILTER']);
    expect(levels(after, 'MYSQL_BINLOG_FILTER')).toEqual(['warning']);
    expect(levels(after, 'MYSQL_ROW_METADATA')).toEqual(['ok']);
    // The zone that the data source names: what the server says now, and after the statement.
    const elsewhere = { ...database.connection, timezone: '+05:30' };
    const zone = async (): Promise<Finding | undefined> =>
      (await check(elsewhere)).find(({ code }) => code === 'MYSQL_TIME_ZONE');
    const mismatch = await zone();
    expect(mismatch).toMatchObject({ level: 'warning', fix: "SET GLOBAL time_zone = '+05:30';" });
    // The restart closed the connection of before.
    await (await database.client()).query(mismatch?.fix ?? '');
    expect(await zone()).toMatchObject({ level: 'ok', found: '+05:30: +05:30' });
  });

  it('of a server without a log says what to put into its configuration', async () => {
    const settings = { 'skip-log-bin': 1, 'server-id': 0 };
    await using own = await startMysql(flavour, { settings });
    await using database = await own.createDatabase();
    await database.query('CREATE TABLE t (id int PRIMARY KEY)');
    const before = await check(database.connection);
    expect(troubles(before)).toEqual([
      'MYSQL_BINLOG_OFF',
      // MariaDB takes 0 for 1.
      ...(flavour === 'mysql' ? ['MYSQL_SERVER_ID'] : []),
    ]);
    await configure(own, before);
    expect(troubles(await check(database.connection))).toEqual([]);
  });
});

/** Settings that a restart changes: what a finding has as lines of a configuration file. */
async function configure(own: OwnMysql, findings: readonly Finding[]): Promise<void> {
  const lines = findings.flatMap(({ fix }) => (fix?.startsWith('[mysqld]') ? fix.split('\n').slice(1) : []));
  const settings = lines.map((line) => line.split(' = ').map((part) => part.trim()));
  const kept = findings
    .flatMap(({ fix }) => [...(fix ?? '').matchAll(/SET GLOBAL (\w+) = (\w+)/g)])
    .map((match) => [match[1], match[2]]);
  if (settings.length > 0) await own.restart(Object.fromEntries([...kept, ...settings]));
}

const WRONG = {
  mysql: {
    'binlog-format': 'MIXED',
    'binlog-row-image': 'MINIMAL',
    'binlog-expire-logs-seconds': 600,
    'gtid-mode': 'OFF',
    'enforce-gtid-consistency': 'OFF',
    'max-allowed-packet': '1M',
    'binlog-do-db': 'elsewhere',
  },
  mariadb: {
    'binlog-format': 'MIXED',
    'binlog-row-image': 'MINIMAL',
    'expire-logs-days': 0.01,
    'max-allowed-packet': '1M',
    'binlog-do-db': 'elsewhere',
  },
} as const;
const COMMON = [
  'MYSQL_BINLOG_FORMAT',
  'MYSQL_ROW_IMAGE',
  'MYSQL_BINLOG_EXPIRY',
  'MYSQL_MAX_ALLOWED_PACKET',
  'MYSQL_BINLOG_FILTER',
  'MYSQL_BINLOG_FILTER',
  'TABLES',
] as const;
const EXPECTED = { mysql: [...COMMON, 'MYSQL_GTID_MODE', 'MYSQL_NO_LOCK_TABLES'], mariadb: COMMON };

import { describe, expect, it } from 'vitest';
import { sharedPostgres, startPostgres } from '../../../../tests/support/postgres.ts';
import { postgresAdmin } from './admin.ts';
import { judgeServer, type ServerFacts } from './check.ts';
import { never } from './testing/reading.ts';

const GOOD: ServerFacts = {
  version: 180_004,
  versionText: '18.4',
  inRecovery: false,
  walLevel: 'logical',
  maxSlots: 10,
  usedSlots: 1,
  maxSenders: 10,
  usedSenders: 1,
  keepSizeMb: 10_240,
  senderTimeoutMs: 60_000,
  idleSlotTimeout: { value: '0', on: false },
  role: 'r',
  database: 'd',
  mayReplicate: true,
  mayCreate: true,
  encoding: 'UTF8',
  idleSlots: [],
  oldestTransaction: null,
};

describe('check-cdc', () => {
  it('a good server has nothing to mend', () => {
    expect(judgeServer(GOOD).filter((finding) => finding.level !== 'ok' || finding.fix !== null)).toEqual([]);
  });

  it.each([
    [{ version: 130_020, versionText: '13.20' }, 'PG_VERSION', 'error', null],
    [{ version: 150_012, versionText: '15.12' }, 'PG_VERSION', 'warning', null],
    [{ inRecovery: true }, 'PG_STANDBY', 'error', null],
    [{ walLevel: 'replica' }, 'PG_WAL_LEVEL', 'error', "ALTER SYSTEM SET wal_level = 'logical';"],
    [{ usedSlots: 10 }, 'PG_REPLICATION_SLOTS', 'error', 'ALTER SYSTEM SET max_replication_slots = 20;'],
    [{ usedSenders: 10 }, 'PG_WAL_SENDERS', 'error', 'ALTER SYSTEM SET max_wal_senders = 20;'],
    [{ maxSenders: 4 }, 'PG_WAL_SENDERS', 'warning', 'ALTER SYSTEM SET max_wal_senders = 11;'],
    [{ keepSizeMb: -1 }, 'PG_SLOT_WAL_KEEP_SIZE', 'info', null],
    [
      { keepSizeMb: 64 },
      'PG_SLOT_WAL_KEEP_SIZE',
      'warning',
      "ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; SELECT pg_reload_conf();",
    ],
    [
      { idleSlotTimeout: { value: '3600', on: true } },
      'PG_IDLE_SLOT_TIMEOUT',
      'warning',
      'ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();',
    ],
    [
      { senderTimeoutMs: 1000 },
      'PG_WAL_SENDER_TIMEOUT',
      'warning',
      "ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();",
    ],
    [{ mayReplicate: false }, 'PG_REPLICATION', 'error', 'ALTER ROLE "r" REPLICATION;'],
    [{ mayCreate: false }, 'PG_CREATE', 'error', 'GRANT CREATE ON DATABASE "d" TO "r";'],
    [{ encoding: 'SQL_ASCII' }, 'PG_ENCODING', 'warning', null],
    [
      { idleSlots: [{ name: 'sluice_x', keptMb: 5 }] },
      'PG_IDLE_SLOT',
      'info',
      "SELECT pg_drop_replication_slot('sluice_x');",
    ],
    [
      { oldestTransaction: { pid: 7, seconds: 9000 } },
      'PG_LONG_TRANSACTION',
      'warning',
      'SELECT pg_terminate_backend(7);',
    ],
  ] satisfies readonly (readonly [Partial<ServerFacts>, string, string, string | null])[])(
    '%j is %s, %s',
    (change, code, level, fix) => {
      const bad = judgeServer({ ...GOOD, ...change }).filter((finding) => finding.level !== 'ok');
      expect(bad.map((finding) => [finding.code, finding.level, finding.fix])).toEqual([[code, level, fix]]);
    },
  );

  it('reads a real server and its tables, and the statements that it gives mend what it found', async () => {
    await using own = await startPostgres({
      settings: {
        wal_level: 'replica',
        max_wal_senders: 3,
        max_replication_slots: 5,
        idle_replication_slot_timeout: '1d',
      },
    });
    await using db = await own.createDatabase();
    await db.query(`CREATE ROLE "The Reader" LOGIN PASSWORD 'x' NOSUPERUSER;
      CREATE ROLE boss; GRANT ALL ON SCHEMA public TO boss; SET ROLE boss;
      CREATE TABLE good (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED);
      CREATE TABLE keyless (n int); CREATE TABLE nothing (id int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
      CREATE TABLE rows (n int); ALTER TABLE rows REPLICA IDENTITY FULL;
      CREATE UNLOGGED TABLE fast (id int PRIMARY KEY);
      CREATE VIEW seen AS SELECT 1;
      CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE UNLOGGED TABLE part_1 PARTITION OF part FOR VALUES FROM (1) TO (9);
      RESET ROLE`);
    const connection = { ...db.connection, username: 'The Reader', password: 'x' };
    const check = async (): Promise<readonly (readonly [string, string, string, string | null])[]> =>
      (
        await postgresAdmin.checkCdc(
          connection,
          { selection: { schemas: ['public'], tables: [{ schema: 'public', table: 'seen' }] } },
          never,
        )
      )
        .filter((finding) => finding.level === 'error' || finding.level === 'warning')
        .map((finding) => [finding.code, finding.level, finding.subject, finding.fix] as const);
    const first = await check();
    expect(first.map(([code, , subject]) => `${code} ${subject}`)).toEqual([
      'PG_WAL_LEVEL wal_level',
      'PG_WAL_SENDERS max_wal_senders',
      'PG_IDLE_SLOT_TIMEOUT idle_replication_slot_timeout',
      'PG_REPLICATION role The Reader',
      `PG_CREATE database ${db.name}`,
      'TABLE_NOT_FOUND "public"."seen"',
      'TABLE_UNLOGGED "public"."fast"',
      ...['good', 'keyless', 'nothing', 'part', 'rows'].flatMap((table) => [
        `TABLE_NO_SELECT "public"."${table}"`,
        `TABLE_NOT_OWNED "public"."${table}"`,
      ]),
      'TABLES tables',
    ]);
    // Until nothing is left but what no statement mends. Settings take a restart.
    const left: string[] = [];
    for (let round = 0; round < 6; round++) {
      const fixes = [
        ...new Set((await check()).flatMap(([, , , fix]) => (fix === null ? [] : fix.split(/(?<=;) /)))),
      ];
      if (fixes.length === 0) break;
      left.push(String(fixes.length));
      await using admin = await own.createDatabase();
      const settings: Record<string, string> = {};
      for (const fix of fixes) {
        await (fix.startsWith('ALTER SYSTEM') ? admin : db).query(fix);
        // The test's server is given its settings on the command line, which wins over ALTER SYSTEM.
        const [, name, value] = /^ALTER SYSTEM SET (\w+) = '?([^';]*)/.exec(fix) ?? [];
        if (name !== undefined && value !== undefined) settings[name] = value;
      }
      await db.query(`GRANT USAGE ON SCHEMA public TO "The Reader"`);
      await own.restart(settings);
      await db.query('SELECT 1').catch(() => undefined);
    }
    expect((await check()).map(([code, , subject]) => `${code} ${subject}`)).toEqual([
      'TABLE_NOT_FOUND "public"."seen"',
    ]);
    expect(left.length).toBeLessThan(5);
  });

  it('an empty database is not an error', async () => {
    await using db = await sharedPostgres().createDatabase();
    const findings = await postgresAdmin.checkCdc(db.connection, { selection: null }, never);
    expect(findings.filter((finding) => finding.level === 'error')).toEqual([]);
    expect(findings.find((finding) => finding.code === 'TABLES')?.found).toBe('0 of 0 can be mirrored');
  });
});

import type { Connection, Finding, Selection } from '../source.ts';
import { checkTables } from './check-tables.ts';
import type { Session } from './connect.ts';
import { quoteIdent } from './quote.ts';
import { MAY_REPLICATE } from './slot.ts';

const ADVISED_SENDERS = 10;
const SHORT_SENDER_TIMEOUT_MS = 5_000;
const SMALL_KEEP_SIZE_MB = 1024;
const LONG_TRANSACTION_S = 600;

/** Everything that the findings about the server and the account depend on, as the server said it. */
export interface ServerFacts {
  readonly version: number;
  readonly versionText: string;
  readonly inRecovery: boolean;
  readonly walLevel: string;
  readonly maxSlots: number;
  readonly usedSlots: number;
  readonly maxSenders: number;
  readonly usedSenders: number;
  /** −1: unlimited. */
  readonly keepSizeMb: number;
  readonly senderTimeoutMs: number;
  /** Of PostgreSQL 18, 0: off; null: the server has none. */
  readonly idleSlotTimeout: { readonly value: string; readonly on: boolean } | null;
  readonly role: string;
  readonly database: string;
  readonly mayReplicate: boolean;
  readonly mayCreate: boolean;
  readonly encoding: string;
  /** Slots of ours in this database that nobody reads, and how much log each keeps. */
  readonly idleSlots: readonly { readonly name: string; readonly keptMb: number | null }[];
  /** The longest open transaction that writes; a new slot waits for it. */
  readonly oldestTransaction: { readonly pid: number; readonly seconds: number } | null;
}

/** The settings and rights of the server, then the tables: each with what is wrong, why, and the statement that mends it. */
export async function checkCdc(
  session: Session,
  connection: Connection,
  selection: Selection | null,
): Promise<readonly Finding[]> {
  const facts = await readFacts(session, connection.database);
  const findings = judgeServer(facts);
  return [...findings, ...(await checkTables(session, selection ?? { schemas: [], tables: [] }))];
}

async function readFacts(session: Session, database: string): Promise<ServerFacts> {
  const settings = new Map(
    (
      await session.rows<{ name: string; setting: string }>(
        `SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'wal_level', 'max_replication_slots',
           'max_wal_senders', 'max_slot_wal_keep_size', 'wal_sender_timeout', 'idle_replication_slot_timeout')`,
      )
    ).map((row) => [row.name, row.setting]),
  );
  const row = await session.row<{
    recovery: boolean;
    slots: number;
    senders: number;
    role: string;
    replicate: boolean;
    create: boolean;
    encoding: string;
  }>(
    `SELECT pg_is_in_recovery() AS recovery,
            (SELECT count(*) FROM pg_replication_slots)::int AS slots,
            (SELECT count(*) FROM pg_stat_replication)::int AS senders,
            current_user::text AS role,
            ${MAY_REPLICATE} AS replicate,
            has_database_privilege(current_database(), 'CREATE') AS create,
            (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database())::text AS encoding`,
  );
  const position = row.recovery ? 'pg_last_wal_replay_lsn()' : 'pg_current_wal_lsn()';
  const idleSlots = await session.rows<{ name: string; kept: number | null }>(
    `SELECT slot_name::text AS name, (pg_wal_lsn_diff(${position}, restart_lsn) / 1048576)::float8 AS kept
       FROM pg_replication_slots
      WHERE NOT active AND database = current_database() AND slot_name LIKE 'sluice\\_%' ORDER BY slot_name`,
  );
  const [oldest] = await session.rows<{ pid: number; seconds: number }>(
    `SELECT pid, extract(epoch FROM clock_timestamp() - xact_start)::int AS seconds
       FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND xact_start IS NOT NULL ORDER BY xact_start LIMIT 1`,
  );
  const idle = settings.get('idle_replication_slot_timeout');
  return {
    version: session.version,
    versionText: settings.get('server_version') ?? '',
    inRecovery: row.recovery,
    walLevel: settings.get('wal_level') ?? '',
    maxSlots: Number(settings.get('max_replication_slots')),
    usedSlots: row.slots,
    maxSenders: Number(settings.get('max_wal_senders')),
    usedSenders: row.senders,
    keepSizeMb: Number(settings.get('max_slot_wal_keep_size')),
    senderTimeoutMs: Number(settings.get('wal_sender_timeout')),
    idleSlotTimeout: idle === undefined ? null : { value: idle, on: Number(idle) > 0 },
    role: row.role,
    database,
    mayReplicate: row.replicate,
    mayCreate: row.create,
    encoding: row.encoding,
    idleSlots: idleSlots.map((slot) => ({
      name: slot.name,
      keptMb: slot.kept === null ? null : Math.round(slot.kept),
    })),
    oldestTransaction: oldest ?? null,
  };
}

/** A minor version from which on a transaction that runs while a table is published does not lose its later changes. */
const MENDED_MINOR: Readonly<Record<number, number>> = { 14: 18, 15: 13, 16: 9, 17: 5 };

export function judgeServer(facts: ServerFacts): Finding[] {
  return [
    version(facts),
    ...recovery(facts),
    walLevel(facts),
    slots(facts),
    senders(facts),
    keepSize(facts),
    ...idleSlotTimeout(facts),
    senderTimeout(facts),
    replication(facts),
    create(facts),
    encoding(facts),
    ...idleSlots(facts),
    ...oldTransaction(facts),
  ];
}

function version(facts: ServerFacts): Finding {
  const major = Math.floor(facts.version / 10_000);
  const minor = facts.version % 10_000;
  const base = { code: 'PG_VERSION', subject: 'server version', found: facts.versionText };
  if (major < 14)
    return {
      ...base,
      level: 'error',
      why: 'Sluice reads PostgreSQL 14 and later: older servers lack partitioned publishing and range scans over a table.',
      fix: null,
    };
  const mended = MENDED_MINOR[major];
  if (mended !== undefined && minor < mended)
    return {
      ...base,
      level: 'warning',
      why: `Before ${major}.${mended} the server can leave changes out of the log when a table joins a publication while a transaction writes to it. Update the server to the latest ${major}.x.`,
      fix: null,
    };
  return { ...base, level: 'ok', why: 'PostgreSQL 14 and later are read.', fix: null };
}

function recovery(facts: ServerFacts): Finding[] {
  if (!facts.inRecovery) return [];
  return [
    {
      code: 'PG_STANDBY',
      level: 'error',
      subject: 'server role',
      found: 'standby',
      why: 'A publication can only be made, and marks only be written, on the primary. Point the data source at it.',
      fix: null,
    },
  ];
}

function walLevel(facts: ServerFacts): Finding {
  const good = facts.walLevel === 'logical';
  return {
    code: 'PG_WAL_LEVEL',
    level: good ? 'ok' : 'error',
    subject: 'wal_level',
    found: facts.walLevel,
    why: 'Only at level logical does the log say what happened to rows. The server must be restarted after the change.',
    fix: good ? null : "ALTER SYSTEM SET wal_level = 'logical';",
  };
}

function slots(facts: ServerFacts): Finding {
  const free = facts.maxSlots - facts.usedSlots;
  return {
    code: 'PG_REPLICATION_SLOTS',
    level: free > 0 ? 'ok' : 'error',
    subject: 'max_replication_slots',
    found: `${facts.maxSlots}, ${free} free`,
    why: 'Each task keeps one replication slot of its own. The server must be restarted after the change.',
    fix: free > 0 ? null : `ALTER SYSTEM SET max_replication_slots = ${facts.maxSlots + ADVISED_SENDERS};`,
  };
}

function senders(facts: ServerFacts): Finding {
  const free = facts.maxSenders - facts.usedSenders;
  const level = free <= 0 ? 'error' : facts.maxSenders < ADVISED_SENDERS ? 'warning' : 'ok';
  return {
    code: 'PG_WAL_SENDERS',
    level,
    subject: 'max_wal_senders',
    found: `${facts.maxSenders}, ${free} free`,
    why: `Each running task holds one WAL sender, besides the standbys and backups; ${ADVISED_SENDERS} or more are advised. The server must be restarted after the change.`,
    fix:
      level === 'ok'
        ? null
        : `ALTER SYSTEM SET max_wal_senders = ${Math.max(ADVISED_SENDERS, facts.usedSenders + ADVISED_SENDERS)};`,
  };
}

function keepSize(facts: ServerFacts): Finding {
  const base = { code: 'PG_SLOT_WAL_KEEP_SIZE', subject: 'max_slot_wal_keep_size' };
  if (facts.keepSizeMb < 0)
    return {
      ...base,
      level: 'info',
      found: 'unlimited',
      why: 'While a task is stopped, the server keeps all log since then, until its disk is full. A limit protects the disk; a task that was stopped for longer must then load anew.',
      fix: null,
    };
  if (facts.keepSizeMb < SMALL_KEEP_SIZE_MB)
    return {
      ...base,
      level: 'warning',
      found: `${facts.keepSizeMb} MB`,
      why: 'When a task falls behind by more than this, its slot is invalidated and the tables have to be loaded anew.',
      fix: "ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; SELECT pg_reload_conf();",
    };
  return {
    ...base,
    level: 'ok',
    found: `${facts.keepSizeMb} MB`,
    why: 'The log that a stopped task may keep is limited, and the limit leaves time.',
    fix: null,
  };
}

function idleSlotTimeout(facts: ServerFacts): Finding[] {
  if (!facts.idleSlotTimeout) return [];
  const { on, value } = facts.idleSlotTimeout;
  return [
    {
      code: 'PG_IDLE_SLOT_TIMEOUT',
      level: on ? 'warning' : 'ok',
      subject: 'idle_replication_slot_timeout',
      found: value,
      why: 'A task that is stopped for longer than this loses its slot and has to load anew; 0 switches that off.',
      fix: on ? 'ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();' : null,
    },
  ];
}

function senderTimeout(facts: ServerFacts): Finding {
  const short = facts.senderTimeoutMs > 0 && facts.senderTimeoutMs < SHORT_SENDER_TIMEOUT_MS;
  return {
    code: 'PG_WAL_SENDER_TIMEOUT',
    level: short ? 'warning' : 'ok',
    subject: 'wal_sender_timeout',
    found: facts.senderTimeoutMs === 0 ? 'off' : `${facts.senderTimeoutMs} ms`,
    why: 'A reader that the network or a busy machine holds up for longer is cut off and has to connect again.',
    fix: short ? "ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();" : null,
  };
}

function replication(facts: ServerFacts): Finding {
  return {
    code: 'PG_REPLICATION',
    level: facts.mayReplicate ? 'ok' : 'error',
    subject: `role ${facts.role}`,
    found: facts.mayReplicate ? 'REPLICATION' : 'no REPLICATION',
    why: 'Only such a role may make a replication slot and read the log.',
    fix: facts.mayReplicate ? null : `ALTER ROLE ${quoteIdent(facts.role)} REPLICATION;`,
  };
}

function create(facts: ServerFacts): Finding {
  return {
    code: 'PG_CREATE',
    level: facts.mayCreate ? 'ok' : 'error',
    subject: `database ${facts.database}`,
    found: facts.mayCreate ? 'CREATE' : 'no CREATE',
    why: 'The task makes its own publication in the database. Not needed when an administrator makes one and it is named in the parameter `publication`.',
    fix: facts.mayCreate
      ? null
      : `GRANT CREATE ON DATABASE ${quoteIdent(facts.database)} TO ${quoteIdent(facts.role)};`,
  };
}

function encoding(facts: ServerFacts): Finding {
  const unknown = facts.encoding === 'SQL_ASCII';
  return {
    code: 'PG_ENCODING',
    level: unknown ? 'warning' : 'ok',
    subject: `encoding of database ${facts.database}`,
    found: facts.encoding,
    why: unknown
      ? 'The server does not know in which encoding its texts are, so texts that are not UTF-8 cannot be mirrored.'
      : 'The server hands out texts as UTF-8.',
    fix: null,
  };
}

function idleSlots(facts: ServerFacts): Finding[] {
  return facts.idleSlots.map((slot) => ({
    code: 'PG_IDLE_SLOT',
    level: 'info' as const,
    subject: `replication slot ${slot.name}`,
    found:
      slot.keptMb === null ? 'not read by anybody' : `not read by anybody, keeps ${slot.keptMb} MB of log`,
    why: 'It belongs to a task that is stopped, or was left behind by one that is gone. Drop it only in the second case.',
    fix: `SELECT pg_drop_replication_slot('${slot.name}');`,
  }));
}

function oldTransaction(facts: ServerFacts): Finding[] {
  const oldest = facts.oldestTransaction;
  if (!oldest || oldest.seconds < LONG_TRANSACTION_S) return [];
  return [
    {
      code: 'PG_LONG_TRANSACTION',
      level: 'warning',
      subject: `process ${oldest.pid}`,
      found: `a transaction open for ${oldest.seconds} s`,
      why: 'A new replication slot is made only when the transactions that write at that moment have ended: the start would wait for this one.',
      fix: `SELECT pg_terminate_backend(${oldest.pid});`,
    },
  ];
}

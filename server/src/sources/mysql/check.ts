import { SluiceError } from '@sluice/contract';
import type { Connection, Finding, Selection } from '../source.ts';
import { type BinlogFilter, filters, filterText, isLogged, NO_FILTER, readFilter } from './binlog-filter.ts';
import { checkTables } from './check-tables.ts';
import type { Session } from './connect.ts';
import { accountText, type Grant, mayInSchema, mayOnServer, parseGrant } from './grants.ts';
import { readHead } from './position.ts';
import { readReplicaState } from './replica.ts';
import type { Flavour } from './server-info.ts';
import { judgeZone, readZone, type ZoneFacts } from './time-zone.ts';

const DAY_S = 86_400;
const OLDEST = { mysql: 50_600, mariadb: 100_500 } as const;
const SMALL_PACKET = 16 << 20;

/** Everything that the findings about the server and the account depend on, as the server said it. */
export interface ServerFacts {
  readonly flavour: Flavour;
  readonly version: number;
  readonly versionText: string;
  /** By lower-case name; what the server does not have is missing. */
  readonly variables: ReadonlyMap<string, string>;
  readonly account: string;
  /** What reading the head of the log comes to: null where it can be read. */
  readonly headRefused: string | null;
  readonly isReplica: boolean;
  readonly filter: BinlogFilter;
  /** SHOW GRANTS, roles that are active included. */
  readonly grants: readonly Grant[];
  /** The databases that the task takes; none: not known. */
  readonly schemas: readonly string[];
  readonly zone: ZoneFacts;
}

const VARIABLES = [
  'log_bin',
  'binlog_format',
  'binlog_row_image',
  'binlog_row_metadata',
  'binlog_row_value_options',
  'binlog_expire_logs_seconds',
  'expire_logs_days',
  'gtid_mode',
  'server_id',
  'log_slave_updates',
  'log_replica_updates',
  'max_allowed_packet',
  'binlog_transaction_compression',
] as const;

/** The settings and rights of the server, then the tables: each with what is wrong, why, and the statement that mends it. */
export async function checkCdc(
  session: Session,
  connection: Connection,
  selection: Selection | null,
): Promise<readonly Finding[]> {
  const wanted = selection ?? { schemas: [], tables: [] };
  const findings = judgeServer(await readFacts(session, connection, schemasOf(wanted, connection.database)));
  return [...findings, ...(await checkTables(session, connection, wanted))];
}

function schemasOf({ schemas, tables }: Selection, database: string): readonly string[] {
  if (tables.length > 0) return [...new Set(tables.map((table) => table.schema))];
  return schemas.length > 0 || database === '' ? schemas : [database];
}

async function readFacts(
  session: Session,
  connection: Connection,
  schemas: readonly string[],
): Promise<ServerFacts> {
  const { flavour, version, versionText } = session.info;
  const variables = await session.rows<{ Variable_name: string; Value: string | null }>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${VARIABLES.map((name) => `'${name}'`).join(', ')})`,
  );
  const { account } = await session.row<{ account: string }>('SELECT CURRENT_USER() AS account');
  const grants = await session.rows('SHOW GRANTS');
  const headRefused = await readHead(session).then(
    () => null,
    (error: unknown) => SluiceError.from(error).message,
  );
  return {
    flavour,
    version,
    versionText,
    variables: new Map(variables.map((row) => [row.Variable_name.toLowerCase(), row.Value ?? ''])),
    account,
    headRefused,
    isReplica: (await readReplicaState(session)) !== 'none',
    filter: (await readFilter(session)) ?? NO_FILTER,
    grants: grants.flatMap((row) => parseGrant(Object.values(row)[0] ?? '') ?? []),
    schemas,
    zone: await readZone(session, connection.timezone ?? null),
  };
}

export function judgeServer(facts: ServerFacts): Finding[] {
  return [
    version(facts),
    logBin(facts),
    ...format(facts),
    rowImage(facts),
    ...metadata(facts),
    expiry(facts),
    ...gtid(facts),
    serverId(facts),
    ...replicaUpdates(facts),
    binlogFilter(facts),
    packet(facts),
    judgeZone(facts.zone),
    replicationSlave(facts),
    ...replicationClient(facts),
  ];
}

const settingOf = (facts: ServerFacts, name: (typeof VARIABLES)[number]): string =>
  facts.variables.get(name) ?? '';
const isOn = (value: string): boolean => value === 'ON' || value === '1';

function version(facts: ServerFacts): Finding {
  const good = facts.version >= OLDEST[facts.flavour];
  return {
    code: 'MYSQL_VERSION',
    level: good ? 'ok' : 'error',
    subject: 'server version',
    found: facts.versionText,
    why: 'MySQL 5.6 and later and MariaDB 10.5 and later are read.',
    fix: null,
  };
}

function logBin(facts: ServerFacts): Finding {
  const good = isOn(settingOf(facts, 'log_bin'));
  return {
    code: 'MYSQL_BINLOG_OFF',
    level: good ? 'ok' : 'error',
    subject: 'log_bin',
    found: settingOf(facts, 'log_bin'),
    why: 'Changes are read from the binary log. The server must be restarted after the change.',
    fix: good ? null : '[mysqld]\nlog_bin = binlog\nserver_id = 1',
  };
}

function format(facts: ServerFacts): Finding[] {
  const found = settingOf(facts, 'binlog_format');
  // A server that knows the row format only has no such setting any more.
  if (found === '') return [];
  const good = found === 'ROW';
  return [
    {
      code: 'MYSQL_BINLOG_FORMAT',
      level: good ? 'ok' : 'error',
      subject: 'binlog_format',
      found,
      why: 'Only in row format does the log say what became of each row. Sessions that are connected keep their format until they connect again.',
      fix: good ? null : 'SET GLOBAL binlog_format = ROW;',
    },
  ];
}

function rowImage(facts: ServerFacts): Finding {
  const found = settingOf(facts, 'binlog_row_image');
  const good = found === 'FULL';
  return {
    code: 'MYSQL_ROW_IMAGE',
    level: good ? 'ok' : 'warning',
    subject: 'binlog_row_image',
    found,
    why: 'With partial images a value that did not change is taken from the lake, which costs a look-up a row, and tables without a key cannot be mirrored.',
    fix: good ? null : 'SET GLOBAL binlog_row_image = FULL;',
  };
}

function metadata(facts: ServerFacts): Finding[] {
  const found = settingOf(facts, 'binlog_row_metadata');
  if (found === '') return [];
  const good = found === 'FULL';
  return [
    {
      code: 'MYSQL_ROW_METADATA',
      level: good ? 'ok' : 'info',
      subject: 'binlog_row_metadata',
      found,
      why: 'With FULL the log names the columns, so that a change of a table is noticed even where the log does not show the statement. Without it the catalog is asked.',
      fix: good ? null : 'SET GLOBAL binlog_row_metadata = FULL;',
    },
  ];
}

function expiry(facts: ServerFacts): Finding {
  const seconds = Number(settingOf(facts, 'binlog_expire_logs_seconds') || 0);
  const days = Number(settingOf(facts, 'expire_logs_days') || 0);
  const kept = seconds > 0 ? seconds : days * DAY_S;
  // 0 and 0: nothing is ever removed by itself.
  const good = kept === 0 || kept >= DAY_S;
  const name = facts.variables.has('binlog_expire_logs_seconds')
    ? 'binlog_expire_logs_seconds'
    : 'expire_logs_days';
  return {
    code: 'MYSQL_BINLOG_EXPIRY',
    level: good ? 'ok' : 'warning',
    subject: name,
    found: kept === 0 ? 'kept for ever' : `${kept} s`,
    why: 'A task that was stopped for longer than the log is kept has to load everything anew; a day at least is advised.',
    fix: good
      ? null
      : name === 'expire_logs_days'
        ? 'SET GLOBAL expire_logs_days = 3;'
        : 'SET GLOBAL binlog_expire_logs_seconds = 259200;',
  };
}

function gtid(facts: ServerFacts): Finding[] {
  if (facts.flavour === 'mariadb') return [];
  const found = settingOf(facts, 'gtid_mode') || 'OFF';
  const good = found === 'ON';
  const { grants, schemas } = facts;
  const mayLock =
    schemas.length === 0
      ? mayOnServer(grants, 'LOCK TABLES')
      : schemas.every((schema) => mayInSchema(grants, 'LOCK TABLES', schema));
  return [
    {
      code: 'MYSQL_GTID_MODE',
      level: good ? 'ok' : 'warning',
      subject: 'gtid_mode',
      found,
      why: 'Without GTIDs a position means something on this one server only, so a failover to a replica of it needs a new load; and the load of a table has to lock it for a moment (LOCK TABLES … READ).',
      fix: good
        ? null
        : 'SET GLOBAL enforce_gtid_consistency = ON; SET GLOBAL gtid_mode = OFF_PERMISSIVE; SET GLOBAL gtid_mode = ON_PERMISSIVE; SET GLOBAL gtid_mode = ON;',
    },
    ...(good || mayLock
      ? []
      : [
          {
            code: 'MYSQL_NO_LOCK_TABLES',
            level: 'error' as const,
            subject: `account ${facts.account}`,
            found: 'no LOCK TABLES',
            why: 'Without GTIDs the load of a table has to lock it for a moment.',
            fix: `GRANT LOCK TABLES ON *.* TO ${accountText(facts.account)};`,
          },
        ]),
  ];
}

function serverId(facts: ServerFacts): Finding {
  const found = settingOf(facts, 'server_id');
  const good = found !== '' && found !== '0';
  return {
    code: 'MYSQL_SERVER_ID',
    level: good ? 'ok' : 'error',
    subject: 'server_id',
    found,
    why: 'A server without a number of its own lets nobody read its log.',
    fix: good ? null : 'SET GLOBAL server_id = 1;',
  };
}

function replicaUpdates(facts: ServerFacts): Finding[] {
  if (!facts.isReplica) return [];
  const found = settingOf(facts, 'log_replica_updates') || settingOf(facts, 'log_slave_updates');
  const good = isOn(found);
  return [
    {
      code: 'MYSQL_REPLICA_UPDATES',
      level: good ? 'ok' : 'error',
      subject: 'log_replica_updates',
      found,
      why: 'This server is a replica: without it, what it takes over from its source is not in its own log. The server must be restarted after the change.',
      fix: good
        ? null
        : `[mysqld]\nlog_${facts.variables.has('log_replica_updates') ? 'replica' : 'slave'}_updates = ON`,
    },
  ];
}

function binlogFilter({ filter, schemas }: ServerFacts): Finding {
  const missing = schemas.filter((schema) => !isLogged(filter, schema));
  const rest = { code: 'MYSQL_BINLOG_FILTER', subject: 'binlog_do_db, binlog_ignore_db' } as const;
  if (!filters(filter))
    return { ...rest, level: 'ok', found: 'none', why: 'Every database is in the log.', fix: null };
  if (missing.length === 0)
    return {
      ...rest,
      level: 'warning',
      found: filterText(filter),
      why: 'The server leaves databases out of its log. DDL goes by the default database of its session: sent from one that is left out it is not logged either, a TRUNCATE of a mirrored table included, and nobody can see that.',
      fix: null,
    };
  return {
    ...rest,
    level: 'error',
    found: filterText(filter),
    why: `Changes of ${missing.join(', ')} are not in the log. The server must be restarted after the change${filter.only.length > 0 ? '' : ' (take binlog_ignore_db out of its configuration)'}.`,
    fix:
      filter.only.length > 0
        ? ['[mysqld]', ...missing.map((schema) => `binlog_do_db = ${schema}`)].join('\n')
        : null,
  };
}

function packet(facts: ServerFacts): Finding {
  const bytes = Number(settingOf(facts, 'max_allowed_packet'));
  const good = bytes >= SMALL_PACKET;
  return {
    code: 'MYSQL_MAX_ALLOWED_PACKET',
    level: good ? 'ok' : 'warning',
    subject: 'max_allowed_packet',
    found: `${Math.round(bytes / (1 << 20))} MB`,
    why: 'The server does not hand out an event of its log that is larger. It has to be at least what it was when the largest row was written.',
    fix: good ? null : 'SET GLOBAL max_allowed_packet = 67108864;',
  };
}

function replicationSlave(facts: ServerFacts): Finding {
  const good = mayOnServer(facts.grants, 'REPLICATION SLAVE');
  return {
    code: 'MYSQL_NO_REPLICATION',
    level: good ? 'ok' : 'error',
    subject: `account ${facts.account}`,
    found: good ? 'REPLICATION SLAVE' : 'no REPLICATION SLAVE',
    why: 'Only such an account may read the log.',
    fix: good ? null : `GRANT REPLICATION SLAVE ON *.* TO ${accountText(facts.account)};`,
  };
}

function replicationClient(facts: ServerFacts): Finding[] {
  // A log that is not there has no end, whatever the account may do.
  if (!isOn(settingOf(facts, 'log_bin'))) return [];
  const good = facts.headRefused === null;
  const right = facts.flavour === 'mariadb' ? 'BINLOG MONITOR' : 'REPLICATION CLIENT';
  return [
    {
      code: 'MYSQL_NO_REPLICATION_CLIENT',
      level: good ? 'ok' : 'error',
      subject: `account ${facts.account}`,
      found: good ? right : (facts.headRefused ?? ''),
      why: 'The end of the log has to be asked for: where a load begins, and how far the mirror is behind.',
      fix: good ? null : `GRANT ${right} ON *.* TO ${accountText(facts.account)};`,
    },
  ];
}

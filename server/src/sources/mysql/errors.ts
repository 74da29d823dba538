import { type ErrorCode, SluiceError } from '@sluice/contract';

/** What was being done when the server or the network failed: the same number means different things. */
export type Stage = 'connect' | 'query' | 'start' | 'stream' | 'load';

type ByNumber = Readonly<Record<number, ErrorCode>>;

/**
 * Error numbers that mean the same at every stage ("MySQL Error Message Reference"; MariaDB's own from 1900 to 1999
 * and from 4000 on).
 */
const BY_NUMBER: ByNumber = {
  1040: 'SOURCE_UNREACHABLE', // too many connections
  1044: 'SOURCE_AUTH', // no access to this database
  1045: 'SOURCE_AUTH',
  1049: 'SOURCE_NO_DATABASE',
  1053: 'SOURCE_INTERRUPTED', // shutdown in progress
  1080: 'SOURCE_INTERRUPTED',
  1129: 'SOURCE_UNREACHABLE', // host blocked after many failed connections
  1130: 'SOURCE_AUTH', // host not allowed
  1152: 'SOURCE_INTERRUPTED',
  1158: 'SOURCE_INTERRUPTED',
  1159: 'SOURCE_INTERRUPTED',
  1160: 'SOURCE_INTERRUPTED',
  1161: 'SOURCE_INTERRUPTED',
  1184: 'SOURCE_INTERRUPTED',
  1203: 'SOURCE_UNREACHABLE', // max_user_connections
  1226: 'SOURCE_UNREACHABLE', // a limit of the account
  1251: 'SOURCE_AUTH',
  1317: 'SOURCE_INTERRUPTED', // KILL QUERY
  1381: 'MYSQL_BINLOG_OFF',
  1524: 'SOURCE_AUTH', // authentication plugin not loaded
  1698: 'SOURCE_AUTH',
  1820: 'SOURCE_AUTH', // password expired
  1862: 'SOURCE_AUTH',
  1927: 'SOURCE_INTERRUPTED', // MariaDB: connection killed
  3032: 'SOURCE_UNREACHABLE', // offline mode
  3118: 'SOURCE_AUTH', // account locked
  3159: 'SOURCE_TLS', // require_secure_transport
  3169: 'SOURCE_INTERRUPTED', // session killed
  3955: 'SOURCE_AUTH', // account blocked after failed logins
  4031: 'SOURCE_INTERRUPTED', // closed for inactivity
  4052: 'SERVER_ID_TAKEN', // MariaDB
  4151: 'SOURCE_AUTH', // MariaDB: account locked
};

const BY_STAGE: Readonly<Record<Stage, ByNumber>> = {
  connect: {},
  query: {},
  // The account has been let in by then; registering as a replica is refused with the number of a wrong password.
  start: { 1045: 'MYSQL_NO_REPLICATION', 1227: 'MYSQL_NO_REPLICATION', 1153: 'EVENT_TOO_LARGE' },
  stream: { 1153: 'EVENT_TOO_LARGE' },
  load: {
    1049: 'TABLE_DROPPED',
    1146: 'TABLE_DROPPED',
    1054: 'TABLE_SCHEMA',
    1176: 'TABLE_SCHEMA', // the index that the load reads by is gone
    1412: 'TABLE_SCHEMA', // the table's definition is newer than the snapshot
    1044: 'TABLE_NO_SELECT',
    1142: 'TABLE_NO_SELECT',
    1143: 'TABLE_NO_SELECT',
    1205: 'SOURCE_LOCKED',
    1213: 'SOURCE_LOCKED',
  },
};

/**
 * All that goes wrong with a dump of the log has the number 1236; what it is stands in the message alone, which the
 * server does not translate (MySQL: sql/rpl_binlog_sender.cc, libs/mysql/binlog/event; MariaDB: sql/sql_repl.cc).
 */
const DUMP_FATAL = 1236;
const DUMP_MESSAGES: readonly (readonly [RegExp, ErrorCode])[] = [
  [/same server_uuid|same server_id/i, 'SERVER_ID_TAKEN'],
  [/max_allowed_packet/i, 'EVENT_TOO_LARGE'],
  [/could not find first log file|no longer available|could not open log file/i, 'BINLOG_PURGED'],
  [/purged (required )?binary logs|have been purged/i, 'BINLOG_PURGED'],
  [/has more GTIDs than/i, 'SERVER_BEHIND'],
  [/is not in the (master|source)'s binlog|is missing from the (master|source)'s binlog/i, 'SERVER_BEHIND'],
  [/from position > file size|impossible position/i, 'SERVER_BEHIND'],
  [/from position < 4|AUTO_POSITION|GTID_MODE/i, 'POSITION_UNAVAILABLE'],
  [
    /bogus data in log event|truncated in the middle|event read from binlog did not pass|not a binlog file/i,
    'BINLOG_CORRUPT',
  ],
];
/** MySQL's own number for it, where the message comes with one. */
const PURGED_GTIDS = 1789;

/** Error codes of Node's sockets, resolver and TLS, and those of mysql2. */
const BY_CODE: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: 'SOURCE_UNREACHABLE',
  ENOTFOUND: 'SOURCE_UNREACHABLE',
  EAI_AGAIN: 'SOURCE_UNREACHABLE',
  EHOSTUNREACH: 'SOURCE_UNREACHABLE',
  EHOSTDOWN: 'SOURCE_UNREACHABLE',
  ENETUNREACH: 'SOURCE_UNREACHABLE',
  EADDRNOTAVAIL: 'SOURCE_UNREACHABLE',
  ENOENT: 'SOURCE_UNREACHABLE',
  EPROTO: 'SOURCE_TLS',
  CERT_HAS_EXPIRED: 'SOURCE_TLS',
  CERT_NOT_YET_VALID: 'SOURCE_TLS',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'SOURCE_TLS',
  SELF_SIGNED_CERT_IN_CHAIN: 'SOURCE_TLS',
  UNABLE_TO_GET_ISSUER_CERT: 'SOURCE_TLS',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'SOURCE_TLS',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'SOURCE_TLS',
  HANDSHAKE_NO_SSL_SUPPORT: 'SOURCE_TLS',
  AUTH_SWITCH_PLUGIN_ERROR: 'SOURCE_AUTH',
  MYSQL_CLEAR_PASSWORD_NOT_ENABLED: 'SOURCE_AUTH',
};

/** Lost while in use; while connecting it means that the host was not reached. */
const LOST = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  'ERR_STREAM_DESTROYED',
  'PROTOCOL_CONNECTION_LOST',
]);

/** Errors that come without a code of their own. Matched from their beginning: nothing of the server's own words is looked at. */
const UNKNOWN_PLUGIN = 'Server requests authentication using unknown plugin';
const TLS_CUT_OFF = 'Client network socket disconnected';
const CLOSED = "Can't add new command when connection is in closed state";

/** What else an error calls for than the table's remedy, by number. */
const REMEDY: Readonly<Record<number, string>> = {
  1040: 'The server has no connection free: raise max_connections, or close some; it is tried again.',
  1129: 'Run FLUSH HOSTS (from 8.0.23 on: TRUNCATE TABLE performance_schema.host_cache) at the server; it is tried again.',
  1203: 'The account has no connection free: raise max_user_connections, or close some; it is tried again.',
  1226: 'The account has used up a limit of its own (ALTER USER … WITH MAX_…): raise it; it is tried again.',
  1820: 'Give the account a new password (ALTER USER … IDENTIFIED BY …) and put it into the data source.',
  1862: 'Give the account a new password (ALTER USER … IDENTIFIED BY …) and put it into the data source.',
  3032: 'The server is in offline mode: SET GLOBAL offline_mode = OFF; it is tried again.',
  3118: 'Run ALTER USER … ACCOUNT UNLOCK; at the server.',
  3159: 'The server takes encrypted connections only: set the sslmode of the data source to require or verify-full.',
  4151: 'Run ALTER USER … ACCOUNT UNLOCK; at the server.',
};

/** An error that the server sent, whoever read it: mysql2, or we from a socket that we took over. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly errno: number;
  readonly sqlState: string;

  constructor(errno: number, sqlState: string, message: string) {
    super(message);
    this.errno = errno;
    this.sqlState = sqlState;
  }
}

/** ER_LOCK_WAIT_TIMEOUT: a lock was not to be had within lock_wait_timeout. */
export const LOCK_WAIT_TIMEOUT = 1205;

/** The server's error number; null where the error is not the server's. */
export function errorNumber(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('errno' in error)) return null;
  // Node's own errors have negative ones.
  return typeof error.errno === 'number' && error.errno > 0 ? error.errno : null;
}

function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

function isSystemError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'syscall' in error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

export function classify(error: unknown, stage: Stage): ErrorCode {
  const lost: ErrorCode = stage === 'connect' ? 'SOURCE_UNREACHABLE' : 'SOURCE_INTERRUPTED';
  const number = errorNumber(error);
  const message = messageOf(error);
  if (number !== null) {
    if (number === PURGED_GTIDS) return 'BINLOG_PURGED';
    if (number === DUMP_FATAL)
      return DUMP_MESSAGES.find(([pattern]) => pattern.test(message))?.[1] ?? 'SOURCE_QUERY';
    const code = BY_STAGE[stage][number] ?? BY_NUMBER[number] ?? 'SOURCE_QUERY';
    // A server that goes down while it is being connected to has not been reached.
    return code === 'SOURCE_INTERRUPTED' ? lost : code;
  }
  const code = codeOf(error);
  if (code !== null) {
    if (LOST.has(code)) return lost;
    // mysql2 puts this in the place of Node's own code, also where the connection was lost meanwhile.
    if (code === 'HANDSHAKE_SSL_ERROR')
      return isSystemError(error) || message.startsWith(TLS_CUT_OFF) ? lost : 'SOURCE_TLS';
    const known = BY_CODE[code];
    if (known) return known;
    if (/^ERR_(SSL|TLS)_/.test(code)) return 'SOURCE_TLS';
    if (code.startsWith('PROTOCOL_')) return 'SOURCE_PROTOCOL';
  }
  if (message.startsWith(CLOSED)) return lost;
  if (message.startsWith(UNKNOWN_PLUGIN)) return 'SOURCE_AUTH';
  return stage === 'connect' ? 'SOURCE_UNREACHABLE' : 'INTERNAL';
}

/** `doing` says what was tried, to stand before the server's words: `reading shop.orders`. */
export function sourceError(error: unknown, stage: Stage, doing: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const message = messageOf(error) || (codeOf(error) ?? 'failed');
  return new SluiceError(classify(error, stage), `${doing}: ${message}`, {
    cause: error,
    remedy: REMEDY[errorNumber(error) ?? 0],
  });
}

/**
 * Every error that a person can meet, in one table. An error is for the person at 3 a.m.: a code to search
 * for, what happened (the message, said where it is thrown), and what to do about it (the remedy).
 *
 * `retry` is what the supervisor does when the error ends an attempt:
 *   always   the other side is away (host down, server restarting): try again for as long as it takes
 *   limited  a fault that may pass: try again with back-off, at most so often without progress
 *   never    a person must act first
 * `scope` says how far the trouble reaches: one table (it is blocklisted, the rest goes on), the task, or
 * only the request that was refused.
 */
export type Retry = 'always' | 'limited' | 'never';
export type Scope = 'request' | 'task' | 'table';

export interface ErrorRule {
  readonly status: number;
  readonly retry: Retry;
  readonly scope: Scope;
  readonly remedy: string;
}

const request = (status: number, remedy: string): ErrorRule => ({
  status,
  retry: 'never',
  scope: 'request',
  remedy,
});
const task = (retry: Retry, remedy: string): ErrorRule => ({ status: 409, retry, scope: 'task', remedy });
const table = (remedy: string): ErrorRule => ({ status: 409, retry: 'never', scope: 'table', remedy });

export const ERRORS = {
  // --- requests
  USAGE: request(400, 'Run the command with --help to see what it takes.'),
  INVALID_REQUEST: request(400, 'Mend the named field and send the request again.'),
  UNAUTHORIZED: request(
    401,
    'Send the token of <data-dir>/token as a bearer token (SLUICE_TOKEN for the command line).',
  ),
  NOT_FOUND: request(404, 'Check the name; the list command of the same kind shows what exists.'),
  ALREADY_EXISTS: request(409, 'Choose another name, or delete the existing one first.'),
  CONFLICT: request(409, 'Look at the current state with the status command, then try again.'),
  CONFIRMATION_REQUIRED: request(400, 'Read what the operation will do, then repeat it with -y.'),
  SERVER_UNREACHABLE: request(503, 'Start the server with `sluice serve`, or point SLUICE_URL at it.'),
  PORT_IN_USE: request(409, 'Stop what listens there, or choose another port with --port.'),
  TIMEOUT: request(408, 'Wait longer with --timeout, or look at `sluice task status` for what holds it up.'),
  SQL_REFUSED: request(400, 'Only one read-only SELECT over warehouse tables is allowed.'),
  SQL_FAILED: request(
    400,
    'Mend the statement; `sluice table list` and `sluice table describe` show what there is.',
  ),
  SQL_LIMIT: request(
    400,
    'Narrow the query (a filter, fewer columns, --limit), or raise the limit of the server.',
  ),
  POSITION_INVALID: request(
    400,
    'Give a position as the source writes it. PostgreSQL: an LSN such as 16/B374D848. MySQL and MariaDB: binlog.000042:4711 where a transaction ends, a GTID set, or a time.',
  ),
  POSITION_EXPIRED: request(
    409,
    'The source no longer has the log from there on: choose a later position, or start the task stateless.',
  ),
  POSITION_AHEAD: request(
    409,
    "Choose a position that the source's log has reached, or start the task without one: it then goes on from the saved position.",
  ),
  MERGE_REFUSED: request(
    409,
    'Read `sluice task merge-report`: it names each shard and column. Mend these at the source, or leave the shard out by its rule.',
  ),
  INTERNAL: {
    status: 500,
    retry: 'limited',
    scope: 'task',
    remedy: 'This is a fault in Sluice. Please report it with the log of the attempt.',
  },

  // --- connecting to a source
  SOURCE_UNREACHABLE: {
    status: 502,
    retry: 'always',
    scope: 'task',
    remedy: 'Check that the database server runs and that host, port and firewall let this machine reach it.',
  },
  SOURCE_AUTH: {
    status: 502,
    retry: 'never',
    scope: 'task',
    remedy: 'Mend the user name or the password of the data source: sluice datasource update.',
  },
  SOURCE_NO_DATABASE: {
    status: 502,
    retry: 'never',
    scope: 'task',
    remedy: 'Mend the database name of the data source or of the task.',
  },
  SOURCE_TLS: {
    status: 502,
    retry: 'never',
    scope: 'task',
    remedy: 'Set the sslmode of the data source to what the server offers: sluice datasource update.',
  },
  SOURCE_INTERRUPTED: task(
    'always',
    'The server closed the connection or restarted; the task reconnects by itself.',
  ),
  SOURCE_LOCKED: task(
    'always',
    'A statement of somebody else waits for the table or holds it; the load goes on behind it by itself.',
  ),
  SOURCE_QUERY: task(
    'limited',
    'The server refused a statement; its message says why. Check the rights of the account with `sluice datasource check-cdc`.',
  ),
  SOURCE_PROTOCOL: task(
    'limited',
    'The server sent what the protocol does not allow. Please report it with the log of the attempt.',
  ),

  // --- PostgreSQL, the task as a whole
  PG_VERSION: task('never', 'Sluice reads PostgreSQL 14 and later.'),
  PG_WAL_LEVEL: task('never', "Run ALTER SYSTEM SET wal_level = 'logical'; and restart the server."),
  PG_NO_REPLICATION: task('never', 'Run ALTER ROLE <user> REPLICATION; as a superuser.'),
  PG_NO_SLOT_FREE: task(
    'never',
    'Drop a replication slot that nobody uses, or raise max_replication_slots and restart the server.',
  ),
  PG_SLOT_IN_USE: task(
    'limited',
    'Another process reads this replication slot: stop it, or end it with SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots.',
  ),
  PG_SLOT_MISSING: task(
    'never',
    'The replication slot was dropped, so changes may be lost: start the task stateless to load the tables anew.',
  ),
  PG_SLOT_INVALIDATED: task(
    'never',
    'The server removed WAL that the slot still needed: raise max_slot_wal_keep_size, then start the task stateless.',
  ),
  PG_SLOT_FOREIGN: task(
    'never',
    'A slot of this name exists that this task did not make: drop it, or rename the task.',
  ),
  PG_SLOT_AHEAD: task(
    'never',
    'The slot was moved past the position that the task has saved: start the task stateless to load the tables anew.',
  ),
  PG_PUBLICATION_MISSING: task(
    'never',
    'The publication was dropped, so changes may be missing from the log: start the task stateless.',
  ),
  PG_PUBLICATION_RIGHTS: task(
    'never',
    'Grant CREATE on the database and ownership of the tables, or let an administrator create the publication and name it in the parameter `publication`.',
  ),

  // --- MySQL and MariaDB, the task as a whole
  MYSQL_VERSION: task('never', 'Sluice reads MySQL 5.6 and later, and MariaDB 10.5 and later.'),
  MYSQL_BINLOG_OFF: task(
    'never',
    'Start the server with log_bin (in the configuration: log-bin=binlog, and a server-id), then start the task.',
  ),
  MYSQL_BINLOG_FORMAT: task(
    'never',
    "Run SET GLOBAL binlog_format = 'ROW'; and put it into the server's configuration; connections that are open keep the old format until they are made anew.",
  ),
  MYSQL_NO_REPLICATION: task(
    'never',
    'Run GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO the account of the data source.',
  ),
  MYSQL_AUTH_NEEDS_TLS: {
    status: 502,
    retry: 'never',
    scope: 'task',
    remedy:
      'Set the sslmode of the data source to require or verify-full, or give the server an RSA key (caching_sha2_password_auto_generate_rsa_keys = ON and a restart).',
  },
  BINLOG_PURGED: task(
    'never',
    'The server has removed binary logs that were still to be read: raise binlog_expire_logs_seconds (or expire_logs_days), then start the task stateless to load the tables anew. Where only some tables have changed since: start it with --position at the end of the log and re-sync those.',
  ),
  BINLOG_INCIDENT: task(
    'never',
    'The server says that changes are missing from its binary log: start the task stateless to load the tables anew.',
  ),
  BINLOG_CORRUPT: task(
    'limited',
    'The binary log could not be read as it was written. If it comes again, the file is damaged at the server (mysqlbinlog --verify-binlog-checksum tells): start the task stateless.',
  ),
  EVENT_TOO_LARGE: task(
    'never',
    'Raise max_allowed_packet at the server (SET GLOBAL max_allowed_packet = 1073741824;) and start the task; it goes on from its last commit. If it is that large already, the log is damaged there: start the task stateless.',
  ),
  SERVER_ID_TAKEN: task(
    'limited',
    'Another replica of the server uses the same server id; the next attempt takes another one. Keep 5400 to 6400 free for Sluice.',
  ),
  SERVER_BEHIND: task(
    'limited',
    'Let the server catch up if it is a replica that was promoted or is behind. If its log was reset, or it is another server, start the task stateless to load the tables anew.',
  ),

  // --- the task, whatever the source
  POSITION_UNAVAILABLE: task(
    'never',
    'The source no longer has the log from there on: choose a later position, or start the task stateless.',
  ),
  NO_TABLES: task('never', 'Choose tables that exist; `sluice datasource objects` lists them.'),
  STORAGE_FULL: task('always', 'Free space on the disk of the warehouse; the task goes on by itself.'),
  STORAGE_FAILED: task(
    'limited',
    'The warehouse could not be written; the message says where. Check the disk and the rights of the folder.',
  ),
  COMMIT_CONFLICT: task(
    'limited',
    'Another writer commits to the same table at the same time: stop it, one writer owns a table.',
  ),
  METASTORE_BUSY: task('limited', 'The metastore stayed locked by another process; it is tried again.'),
  FENCED: task('never', 'A newer attempt of this run has taken over; nothing is to be done.'),
  RUNNER_DIED: task(
    'limited',
    'The process of the run ended without a word (killed, or out of memory: the log of the system tells). The next attempt goes on from the last commit.',
  ),
  RUNNER_MEMORY: task(
    'limited',
    'Raise the parameter runner_memory: rows as large as these need more. The next attempt goes on from the last commit.',
  ),
  FAILOVER_LIMIT: task(
    'never',
    'The task failed too often without progress: mend the cause named in the attempts, then start it again.',
  ),

  // --- one table
  TABLE_NO_KEY: table(
    'Add a primary key, or run ALTER TABLE … REPLICA IDENTITY FULL (PostgreSQL) or ALTER TABLE … ENGINE = InnoDB (MySQL, MariaDB); then start the table again.',
  ),
  TABLE_NO_IDENTITY: table(
    'Run ALTER TABLE … REPLICA IDENTITY DEFAULT (or FULL), then start the table again.',
  ),
  TABLE_NO_SELECT: table(
    'Run GRANT SELECT ON the table TO the account of the data source, then start the table again.',
  ),
  TABLE_LAPSED: table(
    'Resume the table (`sluice task cdc recover-table`): it is loaded anew beside what is visible. To keep more, raise pause_retention or pause_retention_size.',
  ),
  TABLE_BACKFILL: table(
    'Give a filter that the source and the lake both understand, or re-sync the whole table: sluice task cdc resync-table.',
  ),
  TABLE_CASCADE: table(
    'Mirror the table that is referred to by the same task, or make the foreign key one without CASCADE and SET NULL, or set the parameter unlogged_cascades to ignore where nothing relies on the rule.',
  ),
  TABLE_ENGINE: table(
    'Give the table an engine that keeps its rows (ALTER TABLE … ENGINE = InnoDB), or mirror it where its rows are; then start the table again.',
  ),
  MYSQL_BINLOG_FILTER: table(
    "Take the database out of binlog_ignore_db, or put it into binlog_do_db, in the server's configuration, and restart the server; the table is then loaded by itself.",
  ),
  MYSQL_REPLICA_UPDATES: table(
    'Put log_replica_updates = ON (MariaDB, MySQL before 8.0.26: log_slave_updates = ON) into the configuration of the server and restart it, or mirror the server that it follows; the table is then loaded by itself.',
  ),
  MYSQL_NO_LOCK_TABLES: table(
    'Run GRANT LOCK TABLES ON the database TO the account of the data source, or switch gtid_mode to ON; then start the table again.',
  ),
  TABLE_NOT_PUBLISHED: table(
    'Let its owner run ALTER PUBLICATION … ADD TABLE …, then start the table again.',
  ),
  TABLE_DROPPED: table(
    'The table no longer exists at the source; its target is kept. Delete the target if it is not needed.',
  ),
  TABLE_VALUE: table(
    'A value does not fit its type in the lake; the message names the column. Change the value or set the parameter `out_of_range`, then start the table again: `sluice task cdc start-table`.',
  ),
  TABLE_KEY_LENGTH: table(
    'Raise the parameter max_key_size to the size that the message names, or above, and publish; then start the table again: `sluice task cdc start-table`. Or shorten the key at the source.',
  ),
  TABLE_KEY_CONFLICT: table(
    'Give one of the two rows another key at the source, then start the shard again: `sluice task cdc start-table`. Or make the extended fields part of the key (--extended-key), publish and start the task stateless.',
  ),
  TABLE_SCHEMA: table(
    'The table is, or has become, what its mirror cannot follow; the message says how. Mend that, then start the table again: it is loaded anew.',
  ),
  TABLE_SCHEMA_CHANGED: table(
    'Look at both sides: `sluice task cdc exceptions`. Change the source back, or publish a schema_evolution that lets the table follow; then start it again: `sluice task cdc start-table`. Or take the columns of the source over with a load: `sluice task cdc resync-table`.',
  ),
  TABLE_NAME_TAKEN: table(
    'Two source tables lead to the same target name: change the naming rule of the target.',
  ),
  BINLOG_STATEMENT: table(
    "Some session writes its statements to the binary log instead of rows: run SET GLOBAL binlog_format = 'ROW'; and end the session, then start the table again: it is loaded anew.",
  ),
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof ERRORS;

/** How an error looks to whoever called: on stderr of the command line, and in HTTP answers. */
export interface ErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
    /** Of the documentation, which explains the code at length; `sluice errors CODE` prints it. */
    readonly page?: string;
  };
}

export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: ErrorCode;
  readonly remedy: string;

  /** `message` says what happened to what, in one sentence, without secrets. */
  constructor(
    code: ErrorCode,
    message: string,
    options: { remedy?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy ?? ERRORS[code].remedy;
  }

  get rule(): ErrorRule {
    return ERRORS[this.code];
  }

  toBody(): ErrorBody {
    return { error: { code: this.code, message: this.message, remedy: this.remedy } };
  }

  /** What cannot be classified is a fault of ours, and says so. */
  static from(error: unknown): SluiceError {
    if (error instanceof SluiceError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new SluiceError('INTERNAL', message, { cause: error });
  }
}

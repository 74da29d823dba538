import type { ErrorGroup } from './error-text.ts';

export const MYSQL = {
  title: 'MySQL and MariaDB',
  intro: 'They concern the task as a whole; the binary log (binlog) is what the changes are read from.',
  texts: {
    MYSQL_VERSION: {
      means: 'The server is older than MySQL 5.6 or MariaDB 10.5.',
      comesFrom: 'As said.',
      toDo: 'Upgrade the server.',
    },
    MYSQL_BINLOG_OFF: {
      means: 'The server keeps no binary log.',
      comesFrom: 'MariaDB and MySQL before 8.0 start without one unless `log-bin` is set; `skip-log-bin`.',
      toDo: 'Set `log-bin` and `server-id` in the configuration of the server, restart it, start the task.',
    },
    MYSQL_BINLOG_FORMAT: {
      means: 'The server writes statements into its binary log, which do not say what became of each row.',
      comesFrom: '`binlog_format` is `STATEMENT` or `MIXED` (the default of MariaDB).',
      toDo: "`SET GLOBAL binlog_format = 'ROW';` and the same in the configuration of the server. Sessions that are open keep the old format: end them (a pool of the application: restart it). Then start the task.",
    },
    MYSQL_NO_REPLICATION: {
      means: 'The account may not read the binary log.',
      comesFrom:
        'The privileges `REPLICATION SLAVE` and `REPLICATION CLIENT` were not granted (MariaDB: `BINLOG MONITOR` is the newer name of the latter).',
      toDo: '`GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO …;`, then start the task.',
    },
    MYSQL_AUTH_NEEDS_TLS: {
      means: 'The server does not take the password over a connection without encryption.',
      comesFrom:
        'The account uses `caching_sha2_password` or `sha256_password`, `sslmode` is `disable`, and the server has no RSA key that the password could be encrypted with.',
      toDo: 'Set `sslmode` of the data source to `require` or `verify-full`. Or give the server a key: `caching_sha2_password_auto_generate_rsa_keys = ON` and a restart.',
    },
    BINLOG_PURGED: {
      means:
        'The server no longer has the binary log from the position on that was to be read, so changes are lost for the task.',
      comesFrom:
        "The task stood still for longer than the server keeps its log (`binlog_expire_logs_seconds`, `expire_logs_days`, a provider's own setting); `PURGE BINARY LOGS`, `RESET BINARY LOGS AND GTIDS`.",
      toDo: 'Raise the time that the log is kept, then start the task stateless: its tables are loaded anew, beside what readers see. Where most tables are large and you know which of them have changed since: `SHOW BINARY LOG STATUS` (before MySQL 8.2 and in MariaDB `SHOW MASTER STATUS`) tells the end of the log; `sluice task start T --position FILE:OFFSET`, then `sluice task cdc resync-table T TABLES…` for those that changed. `sluice verify T` shows which tables differ.',
    },
    BINLOG_INCIDENT: {
      means: 'The server wrote into its binary log that changes are missing there.',
      comesFrom:
        'The server could not write a change to its log: a disk that was full, a crash in between (the incident `LOST_EVENTS`).',
      toDo: 'Start the task stateless: its tables are loaded anew. Look into the error log of the server for the cause.',
    },
    BINLOG_CORRUPT: {
      means:
        'What was read of the binary log is not what was written: its checksum does not fit, or it does not begin where an event begins.',
      comesFrom:
        'A fault of the network or of a proxy (then it passes); a damaged file; a start position that was typed and lies within an event.',
      toDo: 'If it comes again: `mysqlbinlog --verify-binlog-checksum FILE` at the server tells whether the file is damaged; if it is, start the task stateless. A typed position: choose one that `SHOW BINLOG EVENTS` lists.',
    },
    EVENT_TOO_LARGE: {
      means: 'The server cannot send a change, because it is larger than its `max_allowed_packet`.',
      comesFrom:
        'A row of many megabytes, at a server that does not use its upper limit for replicas by itself; a damaged file of the log, in which an event pretends to be larger than any can be.',
      toDo: '`SET GLOBAL max_allowed_packet = 1073741824;` at the server, start the task. It goes on from its last commit. If the limit is 1 GiB already, the file is damaged (`mysqlbinlog --verify-binlog-checksum FILE` at the server tells): start the task stateless, or at a later position and re-sync the tables that lack changes.',
    },
    SERVER_ID_TAKEN: {
      means: 'The server ended the reading of its log, because another replica came with the same server id.',
      comesFrom:
        'A replica or another tool that uses a number from 5400 to 6400; a second Sluice server that reads the same database.',
      toDo: 'Nothing at first: the next attempt takes another number. If it comes again and again, give the other replica a number outside of that range.',
    },
    SERVER_BEHIND: {
      means: 'The log of the server ends before the position that the task has read to.',
      comesFrom:
        'A failover to a replica that is behind (it passes when the replica has caught up) or that had not received the last transactions; a server that crashed with `sync_binlog` other than 1; a reset log; another server under the same address.',
      toDo: 'Wait if the server is catching up. Otherwise start the task stateless: its tables are loaded anew.',
    },
  },
} as const satisfies ErrorGroup;

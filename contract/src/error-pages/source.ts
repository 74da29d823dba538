import type { ErrorGroup } from './error-text.ts';

export const SOURCE = {
  title: 'Reaching the source',
  intro: '',
  texts: {
    SOURCE_UNREACHABLE: {
      means: 'The database server was not reached, or has no connection free.',
      comesFrom:
        'Host down, wrong host or port, a firewall, a name that does not resolve, a server that is starting up; SQLSTATE 53300: `max_connections` or `max_wal_senders` used up; MySQL: error 1040, 1203 or 1226.',
      toDo: 'Bring the server back, or mend the data source (`sluice datasource update NAME --host …`). A running task tries again with pauses of 0.25 s to 30 s for as long as it takes, and goes on from its last commit.',
    },
    SOURCE_AUTH: {
      means: 'The server refused the account.',
      comesFrom:
        'Wrong user name or password. PostgreSQL: `pg_hba.conf` does not let this host, user and database in; the role may not log in, or may not connect to the database. MySQL and MariaDB: the account does not exist for this host, is locked, its password has expired, or it has no right in the database.',
      toDo: 'Mend the account of the data source (`sluice datasource update NAME --username … --password-stdin`), or what the server says of it: `pg_hba.conf` (PostgreSQL; then reload it), `ALTER USER … ACCOUNT UNLOCK` or the host of the account (MySQL, MariaDB). `sluice datasource test NAME` tells whether it is let in. Start the task again.',
    },
    SOURCE_NO_DATABASE: {
      means: 'The database does not exist.',
      comesFrom: 'A misspelt name; it was dropped or renamed.',
      toDo: 'Mend the database of the data source or of the task, publish, start.',
    },
    SOURCE_TLS: {
      means: 'An encrypted connection could not be made.',
      comesFrom:
        '`sslmode` is `require` or `verify-full` and the server offers no TLS; with `verify-full`: the certificate is not signed by an authority that Node.js knows, has expired, or is for another name.',
      toDo: 'Set the `sslmode` that the server offers (`sluice datasource update NAME --sslmode …`). For a private authority start the server with `NODE_EXTRA_CA_CERTS=<file>`: its runners inherit it.',
    },
    SOURCE_INTERRUPTED: {
      means: 'A connection that was in use ended.',
      comesFrom:
        'The server restarted, was stopped, or an administrator ended the session; the network or a proxy dropped it. PostgreSQL: the server was silent for twice its `wal_sender_timeout` (120 s where that is off). MySQL and MariaDB: it sent none of several heartbeats that were due.',
      toDo: "Nothing. The task reconnects and goes on from its last commit. If it comes again and again: the server's log says who ended the session.",
    },
    SOURCE_LOCKED: {
      means:
        'A full load could not read a table, because somebody else holds it: a statement that needs it alone (`TRUNCATE`, `ALTER TABLE`, `VACUUM FULL`), which runs or waits.',
      comesFrom:
        "PostgreSQL: somebody else's statement. The load gives its own lock up, so that it is never in the way of a statement that waits for it. MySQL and MariaDB: `LOCK TABLES` or DDL of another session outlasted `lock_wait_timeout`, or the server chose the read as the victim of a deadlock.",
      toDo: 'Nothing. The load goes on when the statement is through, anew where the table was emptied or rewritten.',
    },
    SOURCE_QUERY: {
      means: 'The server refused a statement; the message holds its words.',
      comesFrom: 'A right is missing, a setting of the role gets in the way, a limit of the server was met.',
      toDo: "Run `sluice datasource check-cdc`. Then read the message: its words are the server's own, and its manual knows them.",
    },
    SOURCE_PROTOCOL: {
      means:
        'The server sent what the replication protocol does not allow, or what this version does not know.',
      comesFrom:
        'A proxy or pooler between Sluice and the server; a server that is only compatible with PostgreSQL or MySQL; a fault in Sluice.',
      toDo: 'Connect to the server directly. If it comes again, report it with the log of the attempt.',
    },
  },
} as const satisfies ErrorGroup;

import type { ErrorGroup } from './error-text.ts';

export const REQUESTS = {
  title: 'Requests',
  intro: 'They refuse a request and change nothing.',
  texts: {
    USAGE: {
      means:
        'The command line was not understood, or the server cannot listen at the address it was given. Exit code 2.',
      comesFrom:
        'An unknown command or option, a missing argument, a number out of bounds; `--host` with an address that is not of this machine; a port below 1024 without the right to it.',
      toDo: 'Run the command with `--help`. For `serve`: an address of this machine, a port above 1023.',
    },
    INVALID_REQUEST: {
      means: 'A request was understood and its content is wrong. The message names the field.',
      comesFrom:
        'A body that does not fit the schema, a [parameter](parameters.md) out of bounds, a type of data source that this version cannot read, a VCluster that cannot sync, a text that is no position, a `Host` header that does not name loopback while the server listens there only.',
      toDo: 'Mend the field that is named. The schemas stand in `/api/v1/openapi.json`.',
    },
    UNAUTHORIZED: {
      means: "The request carries no bearer token, or another one than the server's.",
      comesFrom:
        "No `Authorization: Bearer …` header; a token of another data folder; for the command line: a `token` file that this user cannot read, or an address that is not loopback, to which the file's token is never sent.",
      toDo: 'Send the text of `<data-dir>/token`; for the command line set `SLUICE_TOKEN`.',
    },
    NOT_FOUND: {
      means: 'What was named does not exist.',
      comesFrom:
        'A misspelt name, an id of something deleted, a table that is not visible in the lake yet, a path that the API does not have.',
      toDo: 'List what there is: `sluice task list`, `sluice datasource list`, `sluice table list`.',
    },
    ALREADY_EXISTS: {
      means: 'A name is taken.',
      comesFrom: 'A data source, folder, task, namespace or table of that name exists.',
      toDo: 'Choose another name, or delete the other one.',
    },
    CONFLICT: {
      means: 'The request does not fit the state that things are in. The message says which.',
      comesFrom:
        'Starting a task that runs or is not published; stopping one that does not run; undeploying one that runs; deleting one that is deployed, or a data source that a task uses; publishing, for another data source or database, a task that is published already; a second server on one data folder; a metastore that a newer version of Sluice wrote.',
      toDo: 'Look at the state (`sluice task status`), change it first, then repeat.',
    },
    CONFIRMATION_REQUIRED: {
      means: 'The request would destroy something. The message says what, and what stays.',
      comesFrom:
        '`undeploy`, `delete`, `restore`, `verify --repair` and the orders that load a table anew or drop its changes, without `-y` (API: `confirm: true`) where no terminal can ask; `setup`, whose last question was answered with no.',
      toDo: 'Read the message. Repeat with `-y` if that is what you want. Agents are given a value to repeat the call with ([mcp.md](mcp.md#what-asks-first)).',
    },
    SERVER_UNREACHABLE: {
      means: 'The command line found no server at the address.',
      comesFrom:
        'The server does not run, listens at another address, or belongs to another data folder than the one that the command looked into.',
      toDo: 'Start it with `sluice serve`, or name it with `--url` or `SLUICE_URL`. The order of the places that are looked at stands in [cli.md](cli.md#which-server).',
    },
    PORT_IN_USE: {
      means: '`sluice serve` cannot listen: the port is taken.',
      comesFrom: 'Another server, or another program, listens there.',
      toDo: 'Stop that one, or choose another port with `--port` (`0`: any free one).',
    },
    TIMEOUT: {
      means: 'A state was not reached in time, or the caller went away before the answer.',
      comesFrom: '`task wait` or `runs wait` with too short a `--timeout`; a server that is shutting down.',
      toDo: 'Look at `sluice task status` and `sluice task cdc tables` for what holds it up; wait longer with `--timeout`.',
    },
    SQL_REFUSED: {
      means: 'A statement was refused before it ran.',
      comesFrom:
        'It is not one single `SELECT`, `WITH`, `VALUES`, `DESCRIBE`, `SUMMARIZE` or `SHOW TABLES`; it uses a function that reads files, settings or the environment; it names another database, or an older snapshot (`AT …`).',
      toDo: 'Rewrite it as one query over tables named `schema.table`. For anything else, read the tables with an engine of your own: [targets/lakehouse.md](targets/lakehouse.md#reading).',
    },
    SQL_FAILED: {
      means: "A statement ran into an error, or could not be parsed. The message is the query engine's.",
      comesFrom:
        'A misspelt column or table, a type that does not fit, a name that differs from two tables in case only.',
      toDo: "`sluice table list` and `sluice table describe T` show names and types. Table and column names follow DuckDB's SQL.",
    },
    SQL_LIMIT: {
      means:
        'A query hit a limit: 300 s, 512 MiB of memory, 4 GiB of temporary files, 256 MiB of result, or 2 queries that run and 32 that wait.',
      comesFrom: 'A large sort or join, a result with `--limit 0`, many callers at once.',
      toDo: 'Filter, select fewer columns, keep a limit; run what is heavy in an engine of your own. The limits are fixed in this version.',
    },
    POSITION_INVALID: {
      means: "What was given as the start's position is no place of this source's log. Nothing was touched.",
      comesFrom:
        "A text that is not a position; an offset in the middle of a transaction or of an event; a time, where the source's log cannot be searched by time (PostgreSQL).",
      toDo: 'PostgreSQL: an LSN such as `16/B374D848`. MySQL and MariaDB: `binlog.000042:4711` where a transaction ends, a GTID set, or a time with its zone.',
    },
    POSITION_EXPIRED: {
      means:
        'The source no longer has its log from that position on, so changes would be missing. Nothing was touched.',
      comesFrom:
        'Binary logs that were purged; a replication slot that was moved past the position. The message says from where on the log is there.',
      toDo: 'Choose a later position and load the tables that lack changes anew (`sluice task cdc resync-table`), or start the task stateless.',
    },
    POSITION_AHEAD: {
      means: "The source's log has not reached that position. Nothing was touched.",
      comesFrom:
        'A position of another server; a server that was restored to an earlier time; a moment in the future.',
      toDo: 'Choose a position that the log has reached, or start the task without one.',
    },
    MERGE_REFUSED: {
      means:
        'A sharded-table merge cannot be published: some shard would not go into its target exactly, or cannot be read. Nothing was changed.',
      comesFrom:
        'Keys or types that differ between shards and have no common one, a source table that belongs to two virtual tables, a virtual table that no source table belongs to, an extended field called like a column, a shard that cannot be mirrored, a server that does not answer.',
      toDo: '`sluice task merge-report TASK` names all of it, with a remedy each ([merge.md](merge.md#what-cannot-be-merged)). Mend the shard at the source, or leave it out by its pattern, then publish again.',
    },
    INTERNAL: {
      means:
        'Something happened that Sluice has no code for. It is a fault of ours, or of something below us.',
      comesFrom:
        'An unexpected error of a library or of the operating system; a file of the data folder that was damaged or exchanged (`secret.key`, `token`).',
      toDo: 'Read the log of the attempt (`sluice attempts log RUN`) or of the server: the message and the stack are there. Report it with both. A wrong `secret.key`: put the right one back, or set the passwords of the data sources again.',
    },
  },
} as const satisfies ErrorGroup;

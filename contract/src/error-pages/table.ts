import type { ErrorGroup } from './error-text.ts';

export const TABLE = {
  title: 'One table',
  intro:
    'They put one table on the blocklist; the others go on. `sluice task cdc tables T` shows state and error of each.',
  texts: {
    TABLE_NO_KEY: {
      means: 'Without a key the rows of the table cannot be told apart, or not be read as of one moment.',
      comesFrom:
        'PostgreSQL: the table has no primary key, or one that is `DEFERRABLE`, and its replica identity is the default, so the log would not say which row an update or delete means. MySQL and MariaDB: the table has neither a primary key nor a unique index of columns that are `NOT NULL`, and its engine has no transactions (`MyISAM`, `Aria`, `MEMORY`, `CSV`), so its rows cannot be read as of one place in the log.',
      toDo: 'Add a primary key. Otherwise PostgreSQL: `ALTER TABLE … REPLICA IDENTITY FULL;`. MySQL and MariaDB: `ALTER TABLE … ENGINE = InnoDB;`. [Leave the blocklist](errors.md#leaving-the-blocklist).',
    },
    TABLE_NO_IDENTITY: {
      means:
        'The log does not say which row was changed. PostgreSQL: the replica identity of the table, or of one of its partitions, does not identify rows.',
      comesFrom:
        '`REPLICA IDENTITY NOTHING`; an identity index that was dropped; a key that holds a generated column; a partition that is foreign, unlogged, or identified otherwise than its table; an identity that was changed while the table was followed. MySQL, MariaDB: rows without a primary key whose columns are not all logged (`binlog_row_image` other than `FULL`; MariaDB from 11.8 on: generated columns).',
      toDo: 'The remedy in the message has the exact statement. [Leave the blocklist](errors.md#leaving-the-blocklist).',
    },
    TABLE_LAPSED: {
      means:
        'The table is paused, and changes since then are no longer kept; what was visible stays as it was.',
      comesFrom:
        'The pause outlasted `pause_retention`, its changes outgrew `pause_retention_size`, or the table changed at the source so that it has to be loaded anew (the message says which).',
      toDo: '`sluice task cdc recover-table T`: the table is loaded anew beside what is visible, then takes its place.',
    },
    TABLE_BACKFILL: {
      means:
        'A backfill was given up; the table goes on as if it had not been asked for, and no row was changed by it.',
      comesFrom:
        'The source or the lake does not understand the filter (each evaluates it in its own SQL: PostgreSQL or MySQL, and DuckDB), or the key is of a type by which single rows cannot be asked for (a float, a time with zone, a boolean). The message says which.',
      toDo: 'Write the filter in plain SQL (comparisons, `AND`, `OR`, `IN`, `BETWEEN`, `LIKE`, text in single quotes), or load the table anew with `sluice task cdc resync-table`.',
    },
    TABLE_CASCADE: {
      means:
        'A foreign key of the table changes or deletes its rows by itself, the server does not log that, and it cannot be told from the changes of the table that is referred to either.',
      comesFrom:
        "`ON DELETE` or `ON UPDATE` with `CASCADE` or `SET NULL`, on MariaDB and on MySQL before 9.6 (or with `innodb_native_foreign_keys`): the storage engine does it, and the log has the parent's change only. Sluice does to the child what the rule says; the message names what it lacks for that: the parent is not among the tables of the task, or is stopped itself; the key refers to other columns than the parent's primary key; the child has no primary key, or columns generated from others; the columns are text under a collation that is not known; the rules lead from a table over others back to itself. See [cascades](sources/mysql.md#cascades-that-are-not-logged).",
      toDo: 'What the message says, most often adding the parent to the task; or declare the key without the rule and let the application or a trigger delete the rows (triggers are logged); or, where nothing relies on it, `--set unlogged_cascades=ignore`. [Leave the blocklist](errors.md#leaving-the-blocklist).',
    },
    TABLE_ENGINE: {
      means: 'Changes of the table may pass by the log of this server, or the server cannot open the table.',
      comesFrom:
        'MySQL and MariaDB: an engine that does not keep the rows itself (`MRG_MYISAM`: those of other tables; `FEDERATED`, `CONNECT`, `SPIDER`: those of another server; `BLACKHOLE`: none), or one that is not known here; a table whose files are damaged or whose engine is not loaded.',
      toDo: 'Mirror the tables behind it, or the server where its rows are; or `ALTER TABLE … ENGINE = InnoDB`. [Leave the blocklist](errors.md#leaving-the-blocklist).',
    },
    MYSQL_BINLOG_FILTER: {
      means:
        'The server leaves the database of the table out of its binary log, so no change of it would ever be seen.',
      comesFrom:
        '`binlog_ignore_db` names the database, or `binlog_do_db` names others only. Names are compared byte by byte, upper and lower case too, whatever `lower_case_table_names` says.',
      toDo: 'Change the configuration of the server, restart it. The table is then loaded by itself. [Leave the blocklist](errors.md#leaving-the-blocklist).',
    },
    MYSQL_REPLICA_UPDATES: {
      means:
        'The server is a replica that does not write to its own binary log what it takes over, so those changes would never be seen.',
      comesFrom:
        '`log_replica_updates` (`log_slave_updates`) is off, as it is by default in MariaDB and in MySQL before 8.0, and the server is following another one at the moment.',
      toDo: 'Switch it on in the configuration, restart the server; or name the server that it follows in the data source. The tables are then loaded by themselves. [Leave the blocklist](errors.md#leaving-the-blocklist).',
    },
    MYSQL_NO_LOCK_TABLES: {
      means: 'The account may not lock the table, which the start of its load needs for a moment.',
      comesFrom:
        'A MySQL server with `gtid_mode` OFF, where nothing but a lock tells that all changes in the log are also in the table; or a table without a key in an engine without transactions.',
      toDo: "`GRANT LOCK TABLES ON <database>.* TO <account>`, written with the same pattern for the database as the account's `SELECT`, since only the most specific grant counts; or switch `gtid_mode` to ON. [Leave the blocklist](errors.md#leaving-the-blocklist).",
    },
    TABLE_NO_SELECT: {
      means: 'The account may not read all rows and columns of the table.',
      comesFrom:
        'PostgreSQL: no `SELECT` on the table or on a partition, no `USAGE` on the schema, or row-level security that applies to the account. MySQL and MariaDB: no `SELECT` on the table, or on single columns only (`GRANT SELECT (id, name) …`): the server then hides that there are others.',
      toDo: 'Grant what the remedy names (PostgreSQL: `BYPASSRLS` for row-level security; MySQL and MariaDB: `SELECT` on the whole table). [Leave the blocklist](errors.md#leaving-the-blocklist).',
    },
    TABLE_NOT_PUBLISHED: {
      means: 'PostgreSQL: the table could not join the publication, so its changes would not be in the log.',
      comesFrom:
        "The account does not own it; or an administrator's publication does not hold it, holds a part of it only (column list, row filter), leaves out a kind of change, or has `publish_via_partition_root` off for a partitioned table.",
      toDo: 'Let its owner or the administrator add it: [sources/postgres.md](sources/postgres.md#rights). [Leave the blocklist](errors.md#leaving-the-blocklist).',
    },
    TABLE_DROPPED: {
      means:
        'The table is no longer among those that the task follows at the source. Its target stays as it was.',
      comesFrom:
        'It was dropped, moved to a schema that the task does not mirror, or became unlogged (PostgreSQL); or its schema was taken out of the task. MySQL and MariaDB: also, the account lost every right to it.',
      toDo: 'Nothing, if that was meant. A table that is made again under the same name is loaded by itself.',
    },
    TABLE_VALUE: {
      means:
        'A value cannot be held exactly by its type in the lake. The message names the column, the value and the type.',
      comesFrom:
        "PostgreSQL: `24:00:00` in a `time` column, an array of several dimensions or one that does not start at 1, a date outside the lake's range, `NaN` in a `numeric(p,s)`, an infinite date with `infinite_dates=error` or in a key. MySQL and MariaDB: a `time` below zero or of a day and more, another number than 0 and 1 in a `tinyint(1)`, a zero or partial date (`0000-00-00`, `2024-05-00`) with `zero_dates=error` or in a key.",
      toDo: 'Change the value, or set `out_of_range=null` (such values become null and are counted; never in a key). MySQL and MariaDB: `time=string` and `tinyint1=int` keep every value, for tables that are loaded from then on. [Leave the blocklist](errors.md#leaving-the-blocklist).',
    },
    TABLE_KEY_LENGTH: {
      means:
        'A row has a key that is longer than the parameter `max_key_size` allows (128 bytes by default).',
      comesFrom:
        "Long text or bytes in the primary key (or in the unique index that takes its place), or many columns in it. The size is that of the row's own values, in bytes, not the declared one: a `varchar(255)` is no trouble as long as what is in it is short. Keys are what old rows are found by: long ones make every update and delete slower, which is why there is a limit at all.",
      toDo: 'Set `max_key_size` to what the message names, or above (in the draft, or in the file of the task: `sluice task export`, `sluice task apply`), and publish: a running task takes it over at once. Then `sluice task cdc start-table T TABLE`: a table that was live goes on with the changes that were kept, without a load; one whose full load met the row is loaded. Where the row is gone at the source by then, starting the table is enough. [Leave the blocklist](errors.md#leaving-the-blocklist).',
    },
    TABLE_KEY_CONFLICT: {
      means:
        'A row of a shard has the key of a row of another shard, in a merge whose key does not say where a row is from. One would have hidden the other.',
      comesFrom:
        'Shards that number their rows by themselves (each an AUTO_INCREMENT of its own). Or a row that was moved from one shard to another: the logs of two servers have no common order, so its insert may be seen before its delete.',
      toDo: 'The message names the key and both shards. The shard that brought the key second is stopped; its rows stay as they were before, and the others flow. Where keys may be equal, make the extended fields part of the key ([merge.md](merge.md#the-merged-schema)) and start stateless. Else mend the row at the source, then `sluice task cdc start-table T ID`: the shard is loaded beside its rows and takes their place.',
    },
    TABLE_SCHEMA: {
      means:
        'The table changed in a way that its mirror cannot follow, or the target is not a table that Sluice can write.',
      comesFrom:
        'PostgreSQL: a publication with a column list. MySQL and MariaDB: a column of a type that is not known, or of a format from before MySQL 5.6 and MariaDB 10.1; columns for the period of its rows (`GENERATED ALWAYS AS ROW START`). A target of another tool that is partitioned, of format version 1 or 3, or has equality deletes; a row that the log deletes and the lake does not have; columns that are gone when a chunk is read.',
      toDo: "Read the message. If the target is another tool's, drop or rename it. [Leave the blocklist](errors.md#leaving-the-blocklist).",
    },
    TABLE_SCHEMA_CHANGED: {
      means:
        'The columns of the table changed at the source in a way that `schema_evolution` does not let its target follow. What is visible stays, under its own columns.',
      comesFrom:
        'The message begins with what it is: `pk column different` (the key has other columns), `pk column type mismatch` (a column of the key has another type), `invalid modify column` (another column has another type), or `column added`, `column dropped`, `column renamed`. With `schema_evolution = follow`, the default, it does not come up.',
      toDo: '`sluice task cdc exceptions T` shows the columns of both sides beside each other, and with what a start begins. Either change the source back, or publish another `schema_evolution` (a running task takes it over at once); then `sluice task cdc start-table T TABLE`. Where the changes since were kept (`stalled`), they are applied, without a load; where they would not have been enough (`blocked`: rows that were there have other values now), the table is loaded beside what is visible. `resync-table` takes the columns of the source over in any case: a load always does.',
    },
    TABLE_NAME_TAKEN: {
      means: 'Two source tables lead to one target name.',
      comesFrom:
        'A naming rule without `{SOURCE_SCHEMA}` over several schemas; names that differ in case only (found when the task is published).',
      toDo: 'Change `target-schema` or `target-table`, publish. [Leave the blocklist](errors.md#leaving-the-blocklist).',
    },
    BINLOG_STATEMENT: {
      means:
        'A table was changed by a statement that stands in the binary log as text: which rows it changed is not told.',
      comesFrom:
        '`binlog_format` is `STATEMENT` or `MIXED` in some session, or was when it was opened; a statement that the server always logs as text.',
      toDo: "`SET GLOBAL binlog_format = 'ROW';`, end the sessions that keep the old format. [Leave the blocklist](errors.md#leaving-the-blocklist).",
    },
  },
} as const satisfies ErrorGroup;

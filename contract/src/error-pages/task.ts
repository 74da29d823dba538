import type { ErrorGroup } from './error-text.ts';

export const TASK = {
  title: 'The task',
  intro: '',
  texts: {
    POSITION_UNAVAILABLE: {
      means: 'The run cannot begin at the position that it was given.',
      comesFrom:
        "A position beyond the end of the server's log: it is of another server, or this one was restored to an earlier time; a resume without a saved position.",
      toDo: 'Choose a position within the log, or start the task stateless.',
    },
    NO_TABLES: {
      means: 'None of the tables of the task exists, or the database lacks one that the task names.',
      comesFrom:
        'A misspelt name (upper case counts); a view, a foreign, temporary or unlogged table, or a partition, which are not mirrored by themselves.',
      toDo: 'List them with `sluice datasource objects NAME DATABASE`, mend the draft, publish.',
    },
    STORAGE_FULL: {
      means: 'The disk of the data folder is full.',
      comesFrom:
        'Data files, segments, temporary files or the metastore cannot grow. Also: temporary files of a run have reached 256 GiB.',
      toDo: 'Free space. The task tries again by itself and goes on from its last commit. Meanwhile it reads nothing. PostgreSQL keeps its log for the slot: watch the disk there too. MySQL and MariaDB remove theirs after their own time (`binlog_expire_logs_seconds`): free space before that, or the tables are to be loaded anew (`BINLOG_PURGED`).',
    },
    STORAGE_FAILED: {
      means: 'A file of the data folder could not be read or written. The message names it.',
      comesFrom:
        'Rights of the folder, a disk fault, a read-only mount, a file that somebody removed from the warehouse, a data folder that was moved.',
      toDo: 'Mend the cause. Files of the warehouse are referred to by absolute paths: a data folder must lie where it was made ([operations.md](operations.md#back-up)).',
    },
    COMMIT_CONFLICT: {
      means: 'Another writer has changed a table that the task writes.',
      comesFrom: 'A client of the REST catalog committed to it, dropped it or renamed it.',
      toDo: 'Stop that writer: a mirrored table has one writer, the task. The next attempt goes on from what the catalog says now.',
    },
    METASTORE_BUSY: {
      means: 'The metastore stayed locked for 15 s.',
      comesFrom:
        'Another program has `metastore.db` open in a transaction (a SQLite shell, a back-up tool); a disk that hangs.',
      toDo: 'End that program. The step is tried again.',
    },
    FENCED: {
      means:
        'An attempt that has been replaced tried to write. It was refused, which is what is meant to happen.',
      comesFrom: 'A runner that was thought dead was only slow.',
      toDo: 'Nothing.',
    },
    RUNNER_DIED: {
      means: 'The process of the run ended without saying why.',
      comesFrom:
        'Killed from outside; killed by the system for want of memory; a crash of a native library; it did not stop within 30 s; the server itself was killed.',
      toDo: "Usually nothing: the next attempt goes on from the last commit. If it comes again: the system's log tells of out-of-memory kills; lower `runner_memory` to fit the machine, or give the machine more.",
    },
    RUNNER_MEMORY: {
      means:
        'A step of a table did not fit into the memory that `runner_memory` leaves to DuckDB (35 %), though it was made again in parts and with nothing beside it.',
      comesFrom:
        'Several values of tens of megabytes at once; a wide table with a very small `runner_memory`.',
      toDo: 'Raise `runner_memory`. Where the next attempt gets through by itself, nothing.',
    },
    FAILOVER_LIMIT: {
      means: 'The run has failed: too many failures without progress within the window.',
      comesFrom:
        'More than `failover_limit` failures within `failover_window` that got no further than the last. The message ends with the last of them.',
      toDo: 'Mend that one, then start the task: it goes on from its last commit.',
    },
  },
} as const satisfies ErrorGroup;

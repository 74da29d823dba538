import type { ErrorGroup } from './error-text.ts';

export const POSTGRES = {
  title: 'PostgreSQL',
  intro: 'They concern the task as a whole.',
  texts: {
    PG_VERSION: {
      means: 'The server is older than PostgreSQL 14.',
      comesFrom: 'As said.',
      toDo: 'Upgrade the server.',
    },
    PG_WAL_LEVEL: {
      means: "The server's log does not hold what happened to rows.",
      comesFrom: '`wal_level` is `replica` or `minimal`.',
      toDo: "`ALTER SYSTEM SET wal_level = 'logical';`, restart PostgreSQL, start the task.",
    },
    PG_NO_REPLICATION: {
      means: 'The account may not use replication.',
      comesFrom: 'The role has no `REPLICATION` attribute (Amazon: is no member of `rds_replication`).',
      toDo: 'As a superuser: `ALTER ROLE <user> REPLICATION;`. Then start the task.',
    },
    PG_NO_SLOT_FREE: {
      means: 'Every replication slot of the server is taken.',
      comesFrom: '`max_replication_slots` slots exist, perhaps of consumers that are gone.',
      toDo: '`SELECT slot_name, active, restart_lsn FROM pg_replication_slots;` — drop those that nobody needs, or raise `max_replication_slots` and restart PostgreSQL. `check-cdc` lists the slots of Sluice that nobody reads.',
    },
    PG_SLOT_IN_USE: {
      means: 'Another process reads the slot of this task.',
      comesFrom:
        'A stranger that uses the same slot; a copy of this data folder that runs elsewhere; a reader of this task that did not go away within 30 s.',
      toDo: "Find it: `SELECT active_pid FROM pg_replication_slots WHERE slot_name LIKE 'sluice%';`. Stop it. Never run two copies of one data folder: each moves the slot past what the other has.",
    },
    PG_SLOT_MISSING: {
      means: 'The slot of the task is gone, so there may be changes that nobody kept.',
      comesFrom:
        'It was dropped by hand, or lost with a failover of PostgreSQL to a standby that did not have it; or a start with a position before the task ever ran.',
      toDo: 'Start the task stateless. Readers keep the old rows of each table until its new load is visible.',
    },
    PG_SLOT_INVALIDATED: {
      means: 'The server removed log that the slot still needed.',
      comesFrom:
        'The task was stopped, or behind, for longer than `max_slot_wal_keep_size` or `idle_replication_slot_timeout` allow; `wal_level` was lowered for a while.',
      toDo: 'Raise the limit (`check-cdc` has the statement). Start the task stateless.',
    },
    PG_SLOT_FOREIGN: {
      means: "A slot of the task's name exists that is not a `pgoutput` slot of this database.",
      comesFrom:
        'Somebody made it by hand; or the task was published for another database of the same server.',
      toDo: 'Drop that slot if nobody needs it. Otherwise make a new task: its slot has another name.',
    },
    PG_SLOT_AHEAD: {
      means:
        'The slot was confirmed past the position that the task has saved: the changes between are gone.',
      comesFrom:
        "The data folder was restored from a back-up; a copy of it has run elsewhere; somebody called `pg_replication_slot_advance`; a custom start before the slot's position.",
      toDo: "Start the task stateless, or with a position that is not before the slot's `confirmed_flush_lsn`.",
    },
    PG_PUBLICATION_MISSING: {
      means:
        'The publication is gone, never existed, or was altered so that it leaves out changes. Some may be missing from the log since.',
      comesFrom:
        'It was dropped or altered by hand (`publish`, `publish_via_partition_root`); or the parameter `publication` names one that does not exist in this database.',
      toDo: "The task's own: start the task stateless, which makes it as it has to be. An administrator's: make it again, then start stateless.",
    },
    PG_PUBLICATION_RIGHTS: {
      means: 'The account may not make or change the publication.',
      comesFrom: 'No `CREATE` on the database, or the publication belongs to another role.',
      toDo: 'Grant it, or let an administrator make a publication and name it in the parameter `publication`: [sources/postgres.md](sources/postgres.md#rights).',
    },
  },
} as const satisfies ErrorGroup;

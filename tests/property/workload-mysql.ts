import mysql, { type Connection, type ResultSetHeader } from 'mysql2/promise';
import type { Flavour } from '../support/mysql.ts';
import type { Random } from './random.ts';
import type { WorkloadClient } from './workload.ts';

/** Zero dates are to be stored, and nobody waits long for another: a lock that is not had ends the transaction. */
const SESSION = "SET SESSION sql_mode = '', lock_wait_timeout = 5, innodb_lock_wait_timeout = 5";

/** What a session can choose for its own part of the log: the lake must not show any of it. */
const SETTINGS: Readonly<Record<Flavour, readonly string[]>> = {
  mysql: [
    "binlog_row_image = 'FULL'",
    "binlog_row_image = 'MINIMAL'",
    "binlog_row_image = 'NOBLOB'",
    'binlog_transaction_compression = ON',
    'binlog_transaction_compression = OFF',
    "binlog_row_value_options = 'PARTIAL_JSON'",
    "binlog_row_value_options = ''",
    "time_zone = '+05:30'",
  ],
  mariadb: [
    "binlog_row_image = 'FULL'",
    "binlog_row_image = 'MINIMAL'",
    "binlog_row_image = 'NOBLOB'",
    'binlog_annotate_row_events = OFF',
    'binlog_annotate_row_events = ON',
    "time_zone = '+05:30'",
  ],
};

/** duplicate entry */
const TAKEN = 1062;
/** lock wait timeout, deadlock, record has changed since last read (MariaDB) */
const IN_THE_WAY = new Set([1205, 1213, 1020]);

export async function mysqlClient(connection: Connection, flavour: Flavour): Promise<WorkloadClient> {
  await connection.query(SESSION);
  const run: WorkloadClient['run'] = async (sql, values = []) => {
    const [result] = await connection.query(sql, [...values]);
    return (result as ResultSetHeader).affectedRows ?? 0;
  };
  return {
    run,
    quote: (name) => mysql.escapeId(name, true),
    insertUnlessThere: (what) => `INSERT IGNORE INTO ${what}`,
    // Each of them commits what is open.
    truncate: async (tables) => {
      for (const table of tables) await run(`TRUNCATE TABLE ${table}`);
      await run('BEGIN');
      await run('SAVEPOINT s');
    },
    some: (_table, _offset, count) => `LIMIT ${count}`,
    someOf: (table, offset, count) => `${table} LIMIT ${offset}, ${count}`,
    judge: (error) => {
      const { errno } = error as { readonly errno?: number };
      return errno === TAKEN ? 'taken' : IN_THE_WAY.has(errno ?? 0) ? 'in the way' : null;
    },
    between: async (random: Random) => {
      if (!random.once(12)) return null;
      const setting = random.pick(SETTINGS[flavour]);
      await run(`SET SESSION ${setting}`);
      return setting;
    },
  };
}

import pg from 'pg';
import type { WorkloadClient } from './workload.ts';

export function postgresClient(client: pg.Client): WorkloadClient {
  return {
    run: async (sql, values = []) => {
      let place = 0;
      return (
        (
          await client.query(
            sql.replace(/\?/g, () => `$${++place}`),
            [...values],
          )
        ).rowCount ?? 0
      );
    },
    quote: pg.escapeIdentifier,
    insertUnlessThere: (what) => `INSERT INTO ${what} ON CONFLICT DO NOTHING`,
    truncate: async (tables) => {
      await client.query(`TRUNCATE ${tables.join(', ')}`);
    },
    some: (table, offset, count) =>
      `WHERE ctid IN (SELECT ctid FROM ${table} ORDER BY ctid OFFSET ${offset} LIMIT ${count})`,
    someOf: (table, offset, count) => `${table} ORDER BY ctid OFFSET ${offset} LIMIT ${count}`,
    judge: (error) => {
      const { code } = error as pg.DatabaseError;
      // unique violation; deadlock, serialization failure
      return code === '23505' ? 'taken' : code === '40P01' || code === '40001' ? 'in the way' : null;
    },
    between: () => Promise.resolve(null),
  };
}

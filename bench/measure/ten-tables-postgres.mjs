// Tables of ten columns in PostgreSQL that are changed all over: t1 …, and marker.
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { startPostgres } from './postgres.mjs';

const COLUMNS = `id bigint PRIMARY KEY, n int NOT NULL, a varchar(40) NOT NULL, b varchar(40) NOT NULL,
  c varchar(40) NOT NULL, amount numeric(12,2) NOT NULL, at timestamptz(3) NOT NULL, day date NOT NULL,
  flag boolean NOT NULL, ratio double precision NOT NULL`;
const row = (id) => `${id}, ${id} % 100000, left(md5(${id}::text), 20), 'customer ' || ${id} * 7919 % 1000000,
  'new in the street ' || ${id} % 500, ${id} % 10000000 / 100.0, timestamptz '2026-01-01' + ${id} * interval '1.234 second',
  date '2024-01-01' + (${id} % 700)::int, ${id} % 3 = 0, ${id} / 7.0`;

export class TenTablesPostgres {
  kind = 'postgres';
  schema = 'public';

  /** @param {{ tables: number, dataDir?: string, port?: number }} options */
  static async open(options) {
    const { postgres, source } = await startPostgres(
      { wal_writer_delay: '10ms', max_slot_wal_keep_size: '-1' },
      options,
    );
    const one = new TenTablesPostgres();
    one.server = postgres;
    one.source = source;
    one.tables = options.tables;
    one.task = { database: 'postgres' };
    one.client = new pg.Client({ connectionString: postgres.url });
    await one.client.connect();
    return one;
  }

  async fill(rows) {
    await this.client.query('CREATE TABLE marker (id bigint PRIMARY KEY)');
    const each = Math.floor(rows / this.tables);
    for (let table = 1; table <= this.tables; table++) {
      await this.client.query(`CREATE TABLE t${table} (${COLUMNS})`);
      await this.client.query(
        `INSERT INTO t${table} SELECT ${row('i')} FROM generate_series(1, ${each}::bigint) i`,
      );
    }
    await this.client.query('VACUUM (ANALYZE, FREEZE)');
    await this.client.query('CHECKPOINT');
  }

  /** Transactions go round the tables. Rows to be changed are drawn from all ids that there ever were, and the next one there is taken. */
  async prepare() {
    const branches = [];
    for (let table = 1; table <= this.tables; table++)
      branches.push(`WHEN ${table - 1} THEN
        IF fresh[${table}] IS NULL THEN fresh[${table}] := (SELECT max(id) + 1 FROM t${table}); END IF;
        INSERT INTO t${table} SELECT ${row('g')} FROM generate_series(fresh[${table}], fresh[${table}] + 4) g;
        fresh[${table}] := fresh[${table}] + 5;
        FOR k IN 1..3 LOOP
          drawn := floor(random() * fresh[${table}]);
          UPDATE t${table} SET amount = amount + 1, c = 'sent again' WHERE id = (SELECT id FROM t${table} WHERE id >= drawn ORDER BY id LIMIT 1);
        END LOOP;
        FOR k IN 1..2 LOOP
          drawn := floor(random() * fresh[${table}]);
          DELETE FROM t${table} WHERE id = (SELECT id FROM t${table} WHERE id >= drawn ORDER BY id LIMIT 1);
        END LOOP;`);
    await this.client.query(`CREATE OR REPLACE PROCEDURE steady(first bigint, times int) LANGUAGE plpgsql AS $$
      DECLARE fresh bigint[]; drawn bigint; BEGIN
      FOR i IN 0..times - 1 LOOP
        CASE (first + i) % ${this.tables} ${branches.join('\n')} END CASE;
        COMMIT;
      END LOOP; END $$`);
    await this.client.query('SELECT setseed(0.42)');
    await this.client.query('SET synchronous_commit = off');
    const { rows } = await this.client.query('SELECT coalesce(max(id), 0) + 1 AS next FROM marker');
    this.made = 0;
    return Number(rows[0].next);
  }

  async change(transactions) {
    await this.client.query(`CALL steady(${this.made}, ${transactions})`);
    this.made += transactions;
  }

  /** Its commit is waited for on disk, and with it all before it. */
  async mark(number) {
    await this.client.query(
      `BEGIN; SET LOCAL synchronous_commit = on; INSERT INTO marker VALUES (${number}); COMMIT`,
    );
  }

  async count(table) {
    const { rows } = await this.client.query(
      `SELECT count(*) AS n, sum(amount)::text AS amount FROM t${table}`,
    );
    return { rows: Number(rows[0].n), amount: Number(rows[0].amount) };
  }

  /** Until the server writes out and vacuums nothing more of what was changed: five minutes at most. */
  async settle() {
    await this.client.query('CHECKPOINT');
    for (const end = Date.now() + 300_000; Date.now() < end; await pause(1000)) {
      const { rows } = await this.client.query(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'",
      );
      if (rows[0].n === 0) return;
    }
  }

  async close() {
    await this.client.end().catch(() => undefined);
    await this.server[Symbol.asyncDispose]();
  }
}

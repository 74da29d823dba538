// Tables of ten columns in MySQL that are changed all over: t1 …, and marker.
import mysql from 'mysql2/promise';
import { startMysql } from './mysql.mjs';

const COLUMNS = `id bigint PRIMARY KEY, n int NOT NULL, a varchar(40) NOT NULL, b varchar(40) NOT NULL,
  c varchar(40) NOT NULL, amount decimal(12,2) NOT NULL, at datetime(3) NOT NULL, day date NOT NULL,
  flag boolean NOT NULL, ratio double NOT NULL`;
const row = (
  id,
) => `${id}, ${id} % 100000, left(sha2(${id}, 224), 20), concat('customer ', ${id} * 7919 % 1000000),
  concat('new in the street ', ${id} % 500), ${id} % 10000000 / 100, timestamp('2026-01-01') + INTERVAL ${id} * 1.234 SECOND,
  date('2024-01-01') + INTERVAL ${id} % 700 DAY, ${id} % 3 = 0, ${id} / 7e0`;
const AT_ONCE = 100_000;

export class TenTablesMysql {
  kind = 'mysql';
  schema = 'bench';

  /** @param {{ tables: number, dataDir?: string, port?: number }} options */
  static async open(options) {
    const { server, source } = await startMysql(options);
    const one = new TenTablesMysql();
    one.server = server;
    one.source = source;
    one.tables = options.tables;
    one.task = { database: 'bench' };
    one.client = await mysql.createConnection({ uri: server.url, multipleStatements: true });
    await one.client.query('CREATE DATABASE IF NOT EXISTS bench; USE bench');
    return one;
  }

  async fill(rows) {
    await this.client.query('CREATE TABLE marker (id bigint PRIMARY KEY)');
    const each = Math.floor(rows / this.tables);
    await this.client.query(`SET SESSION sql_log_bin = 0; SET SESSION cte_max_recursion_depth = ${AT_ONCE}`);
    for (let table = 1; table <= this.tables; table++) {
      await this.client.query(`CREATE TABLE t${table} (${COLUMNS})`);
      for (let from = 0; from < each; from += AT_ONCE)
        await this.client.query(
          `INSERT INTO t${table} WITH RECURSIVE up (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM up WHERE k < ${Math.min(AT_ONCE, each - from)})
           SELECT ${row(`(k + ${from})`)} FROM up`,
        );
    }
    await this.client.query('SET SESSION sql_log_bin = 1');
  }

  async prepare() {
    const branches = [];
    const drawn = (table) => `SET @seed = (@seed * 1103515245 + 12345) & 2147483647;
        SET drawn = floor(@seed / 2147483648 * (SELECT max(id) FROM t${table}));`;
    for (let table = 1; table <= this.tables; table++) {
      const changes = [
        ...Array(3).fill(
          `${drawn(table)} UPDATE t${table} SET amount = amount + 1, c = 'sent again' WHERE id >= drawn ORDER BY id LIMIT 1;`,
        ),
        ...Array(2).fill(`${drawn(table)} DELETE FROM t${table} WHERE id >= drawn ORDER BY id LIMIT 1;`),
      ];
      branches.push(`WHEN ${table - 1} THEN
        SET fresh = (SELECT max(id) + 1 FROM t${table});
        ${[0, 1, 2, 3, 4].map((k) => `INSERT INTO t${table} VALUES (${row(`(fresh + ${k})`)});`).join('\n')}
        ${changes.join('\n')}`);
    }
    await this.client.query('DROP PROCEDURE IF EXISTS steady');
    await this.client.query(`CREATE PROCEDURE steady(first bigint, times int) BEGIN
      DECLARE fresh bigint; DECLARE drawn bigint; DECLARE i int DEFAULT 0;
      WHILE i < times DO
        START TRANSACTION;
        CASE (first + i) % ${this.tables} ${branches.join('\n')} END CASE;
        COMMIT;
        SET i = i + 1;
      END WHILE; END`);
    await this.client.query('SET @seed = 42');
    const [[found]] = await this.client.query('SELECT coalesce(max(id), 0) + 1 AS next FROM marker');
    this.made = 0;
    return Number(found.next);
  }

  async change(transactions) {
    await this.client.query(`CALL steady(${this.made}, ${transactions})`);
    this.made += transactions;
  }

  async mark(number) {
    await this.client.query(`INSERT INTO marker VALUES (${number})`);
  }

  async count(table) {
    const [[found]] = await this.client.query(`SELECT count(*) AS n, sum(amount) AS amount FROM t${table}`);
    return { rows: Number(found.n), amount: Number(found.amount) };
  }

  async close() {
    await this.client.end().catch(() => undefined);
    await this.server[Symbol.asyncDispose]();
  }
}

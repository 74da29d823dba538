// The table of the measurements: ten columns of the usual types, about 145 bytes a row on the wire, no nulls.

/** @returns the table's size at the source, in bytes */
export async function fillPostgres(client, rows) {
  await client.query(`CREATE TABLE wide (id bigint PRIMARY KEY, n int NOT NULL, a varchar(40) NOT NULL,
    b varchar(40) NOT NULL, c varchar(40) NOT NULL, amount numeric(12,2) NOT NULL, at timestamptz(3) NOT NULL,
    day date NOT NULL, flag boolean NOT NULL, ratio double precision NOT NULL)`);
  await client.query(
    `INSERT INTO wide SELECT i, i % 100000, left(md5(i::text), 20), 'customer ' || i * 7919 % 1000000,
       (ARRAY['new','paid','sent','back'])[1 + i % 4] || ' in the street ' || i % 500, i * 7919 % 10000000 / 100.0,
       timestamptz '2026-01-01' + i * interval '1.234 second', date '2024-01-01' + (i % 700)::int, i % 3 = 0, i / 7.0
     FROM generate_series(1, $1::bigint) i`,
    [rows],
  );
  await client.query('VACUUM (ANALYZE, FREEZE) wide');
  await client.query('CHECKPOINT');
  const found = await client.query("SELECT pg_table_size('wide')::float8 AS bytes");
  return found.rows[0].bytes;
}

const AT_ONCE = 100_000;
/** Updates touch so many of the newest rows. */
const CHANGED = 50_000;

/** Creates the database bench. @returns the table's size at the source, in bytes */
export async function fillMysql(client, rows) {
  await client.query(`CREATE DATABASE bench; USE bench; CREATE TABLE wide (id bigint PRIMARY KEY, n int NOT NULL,
    a varchar(40) NOT NULL, b varchar(40) NOT NULL, c varchar(40) NOT NULL, amount decimal(12,2) NOT NULL,
    at datetime(3) NOT NULL, day date NOT NULL, flag boolean NOT NULL, ratio double NOT NULL)`);
  await client.query(`SET SESSION sql_log_bin = 0; SET SESSION cte_max_recursion_depth = ${AT_ONCE}`);
  for (let from = 0; from < rows; from += AT_ONCE) {
    const count = Math.min(AT_ONCE, rows - from);
    await client.query(
      `INSERT INTO wide WITH RECURSIVE up (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM up WHERE k < ${count})
       SELECT k + ${from}, (k + ${from}) % 100000, left(sha2(k + ${from}, 224), 20), concat('customer ', (k + ${from}) * 7919 % 1000000),
         concat(elt(1 + k % 4, 'paid', 'sent', 'back', 'new'), ' in the street ', k % 500), (k + ${from}) * 7919 % 10000000 / 100,
         timestamp('2026-01-01') + INTERVAL (k + ${from}) * 1.234 SECOND, date('2024-01-01') + INTERVAL (k + ${from}) % 700 DAY,
         k % 3 = 0, (k + ${from}) / 7e0 FROM up`,
    );
  }
  await client.query('ANALYZE TABLE wide');
  const [[found]] = await client.query(
    "SELECT data_length AS bytes FROM information_schema.tables WHERE table_schema = 'bench' AND table_name = 'wide'",
  );
  return Number(found.bytes);
}

/** Transactions of inserts from `from` on, updates of rows in the middle and deletes of the oldest, each one row. */
export async function changePostgres(client, from, transactions, [inserts, updates, deletes]) {
  await client.query(`CREATE OR REPLACE PROCEDURE change(first bigint, times int) LANGUAGE plpgsql AS $$
    DECLARE fresh bigint := first; oldest bigint := (SELECT min(id) FROM wide); BEGIN
    FOR i IN 1..times LOOP
      FOR k IN 1..${inserts} LOOP
        INSERT INTO wide VALUES (fresh, i % 100000, left(md5(fresh::text), 20), 'customer ' || fresh % 1000000,
          'new in the street ' || i % 500, fresh % 10000000 / 100.0, now(), date '2024-01-01' + i % 700, i % 3 = 0, fresh / 7.0);
        fresh := fresh + 1;
      END LOOP;
      FOR k IN 1..${updates} LOOP
        UPDATE wide SET amount = amount + 1, c = 'sent again' WHERE id = first - 1 - (i * 7919::bigint + k * 104729) % ${CHANGED};
      END LOOP;
      FOR k IN 1..${deletes} LOOP DELETE FROM wide WHERE id = oldest; oldest := oldest + 1; END LOOP;
      COMMIT;
    END LOOP; END $$`);
  await client.query(`CALL change(${from}, ${transactions})`);
}

/** As above. */
export async function changeMysql(client, from, transactions, [inserts, updates, deletes]) {
  const times = (count, body) => Array.from({ length: count }, (_, k) => body(k + 1)).join('\n');
  await client.query('DROP PROCEDURE IF EXISTS change_rows');
  await client.query(`CREATE PROCEDURE change_rows(first bigint, times int) BEGIN
    DECLARE fresh bigint DEFAULT first; DECLARE oldest bigint; DECLARE i int DEFAULT 1;
    SELECT min(id) INTO oldest FROM wide;
    WHILE i <= times DO
      START TRANSACTION;
      ${times(
        inserts,
        () => `INSERT INTO wide VALUES (fresh, i % 100000, left(sha2(fresh, 224), 20), concat('customer ', fresh % 1000000),
          concat('new in the street ', i % 500), fresh % 10000000 / 100, now(3), '2024-01-01' + INTERVAL i % 700 DAY, i % 3 = 0, fresh / 7e0);
        SET fresh = fresh + 1;`,
      )}
      ${times(updates, (k) => `UPDATE wide SET amount = amount + 1, c = 'sent again' WHERE id = first - 1 - (i * 7919 + ${k} * 104729) % ${CHANGED};`)}
      ${times(deletes, () => 'DELETE FROM wide WHERE id = oldest; SET oldest = oldest + 1;')}
      COMMIT;
      SET i = i + 1;
    END WHILE; END`);
  await client.query(`CALL change_rows(${from}, ${transactions})`);
}

import type { Flavour } from '../support/mysql.ts';
import { FILL, TABLE, type Trap } from './trap-case.ts';
import { MARIADB_ONLY, MYSQL_ONLY } from './trap-cases-of-one.ts';

const ROW_IMAGES: readonly Trap[] = (['MINIMAL', 'NOBLOB'] as const).map((image) => {
  const table = `image_${image.toLowerCase()}`;
  return {
    name: table,
    create: [
      TABLE(table),
      FILL(table),
      `CREATE TABLE ${table}_unique (a varchar(20), k int NOT NULL, t text, b int, UNIQUE (k))`,
      `INSERT INTO ${table}_unique SELECT 'a', n, 'text', n FROM numbers WHERE n <= 50`,
      `CREATE TABLE ${table}_composite (a int, t text, k2 varchar(5), b int DEFAULT 5, k1 int, PRIMARY KEY (k1, k2))`,
      `INSERT INTO ${table}_composite (k1, k2, t) SELECT n, n % 3, 'text' FROM numbers WHERE n <= 50`,
      `CREATE TABLE ${table}_bag (a int, t text, b int)`,
      `INSERT INTO ${table}_bag SELECT n % 10, REPEAT('t', n % 5), n % 3 FROM numbers WHERE n <= 100`,
    ],
    work: [
      `SET SESSION binlog_row_image = ${image}`,
      `UPDATE ${table} SET b = b + 1 WHERE id % 2 = 0`,
      `UPDATE ${table} SET t = NULL WHERE id % 5 = 0`,
      `UPDATE ${table} SET a = NULL, j = '[1]' WHERE id % 7 = 0`,
      `UPDATE ${table} SET id = id + 1000 WHERE id % 10 = 3`,
      `UPDATE ${table} SET id = id + 2000, t = 'moved' WHERE id % 10 = 4`,
      `DELETE FROM ${table} WHERE id % 11 = 0`,
      `INSERT INTO ${table} (id, t, j, a, b, d) VALUES (3000, 'all', '{}', 'given', 1, NULL)`,
      `INSERT INTO ${table} (id) VALUES (3001)`,
      `INSERT INTO ${table} (id, b) VALUES (3002, NULL), (3003, DEFAULT)`,
      `REPLACE INTO ${table} (id, a) VALUES (1, 'replaced'), (3004, 'new')`,
      `INSERT INTO ${table} (id, a) VALUES (2, 'x') ON DUPLICATE KEY UPDATE b = -1`,
      `UPDATE ${table}_unique SET b = NULL WHERE k % 3 = 0`,
      `UPDATE ${table}_unique SET k = k + 500 WHERE k % 7 = 0`,
      `DELETE FROM ${table}_unique WHERE k % 5 = 0`,
      `INSERT INTO ${table}_unique (k) VALUES (9999)`,
      `UPDATE ${table}_composite SET b = k1, t = 'changed' WHERE k1 % 3 = 0`,
      `UPDATE ${table}_composite SET k2 = 'z' WHERE k1 % 4 = 0`,
      `INSERT INTO ${table}_composite (k1, k2) VALUES (777, '')`,
      `UPDATE ${table}_bag SET b = 10 WHERE a = 3`,
      `UPDATE ${table}_bag SET t = 'changed' WHERE a = 4`,
      `DELETE FROM ${table}_bag WHERE a = 5 LIMIT 3`,
      `INSERT INTO ${table}_bag VALUES (1, NULL, 2), (1, NULL, 2)`,
      `SET SESSION binlog_row_image = FULL`,
      `UPDATE ${table} SET b = 99 WHERE id IN (3001, 1, 6)`,
    ],
  };
});

const BOTH: readonly Trap[] = [
  {
    name: 'cascade',
    create: [
      'CREATE TABLE cascade_parent (id int PRIMARY KEY, a int)',
      'CREATE TABLE cascade_child (id int PRIMARY KEY, parent int, FOREIGN KEY (parent) REFERENCES cascade_parent (id) ON DELETE CASCADE ON UPDATE CASCADE)',
      'CREATE TABLE cascade_grandchild (id int PRIMARY KEY, child int, FOREIGN KEY (child) REFERENCES cascade_child (id) ON DELETE CASCADE)',
      'CREATE TABLE cascade_null (id int PRIMARY KEY, parent int, FOREIGN KEY (parent) REFERENCES cascade_parent (id) ON DELETE SET NULL ON UPDATE SET NULL)',
      'INSERT INTO cascade_parent SELECT n, n FROM numbers WHERE n <= 30',
      'INSERT INTO cascade_child SELECT n, 1 + n % 30 FROM numbers WHERE n <= 100',
      'INSERT INTO cascade_grandchild SELECT n, 1 + n % 100 FROM numbers WHERE n <= 200',
      'INSERT INTO cascade_null SELECT n, 1 + n % 30 FROM numbers WHERE n <= 100',
    ],
    work: [
      'DELETE FROM cascade_parent WHERE id % 5 = 0',
      'UPDATE cascade_parent SET id = id + 1000 WHERE id % 7 = 0',
      'UPDATE cascade_parent SET a = 0',
      'BEGIN',
      'DELETE FROM cascade_parent WHERE id = 1',
      'ROLLBACK',
      'DELETE FROM cascade_child WHERE id = 3',
      'REPLACE INTO cascade_parent VALUES (2, 22)',
    ],
  },
  {
    name: 'transactions',
    create: [
      TABLE('transactions'),
      TABLE('transactions_too'),
      FILL('transactions'),
      FILL('transactions_too'),
    ],
    work: [
      'BEGIN',
      'UPDATE transactions SET b = 1',
      'UPDATE transactions_too SET b = 2',
      'DELETE FROM transactions WHERE id = 5',
      'INSERT INTO transactions (id) VALUES (5)',
      'UPDATE transactions SET id = 1005 WHERE id = 5',
      'COMMIT',
      'START TRANSACTION',
      'UPDATE transactions SET b = -1',
      'ROLLBACK',
      'SET autocommit = 0',
      'UPDATE transactions SET b = 3 WHERE id < 9',
      'UPDATE transactions_too SET b = 3 WHERE id < 9',
      'COMMIT',
      'SET autocommit = 1',
      'LOCK TABLES transactions WRITE',
      'UPDATE transactions SET b = 4 WHERE id > 40',
      'UNLOCK TABLES',
    ],
  },
  {
    name: 'savepoints',
    create: [TABLE('savepoints'), FILL('savepoints')],
    work: [
      'BEGIN',
      'UPDATE savepoints SET b = 100 WHERE id = 1',
      'SAVEPOINT s',
      'UPDATE savepoints SET b = 200 WHERE id = 2',
      'INSERT INTO savepoints (id) VALUES (100)',
      'ROLLBACK TO SAVEPOINT s',
      'UPDATE savepoints SET b = 300 WHERE id = 3',
      'SAVEPOINT s',
      'SAVEPOINT `odd name "`',
      'DELETE FROM savepoints WHERE id = 4',
      'ROLLBACK TO `odd name "`',
      'RELEASE SAVEPOINT s',
      'UPDATE savepoints SET b = 400 WHERE id = 5',
      'COMMIT',
    ],
  },
  {
    name: 'mixed_engines',
    create: [
      TABLE('mixed_engines'),
      FILL('mixed_engines'),
      'CREATE TABLE mixed_engines_my (id int PRIMARY KEY, a int) ENGINE=MyISAM',
      'INSERT INTO mixed_engines_my SELECT n, n FROM numbers WHERE n <= 30',
    ],
    work: [
      'UPDATE mixed_engines_my SET a = a + 1 WHERE id % 2 = 0',
      'DELETE FROM mixed_engines_my WHERE id % 5 = 0',
      'INSERT INTO mixed_engines_my VALUES (100, 1)',
      'BEGIN',
      'UPDATE mixed_engines SET b = 1 WHERE id = 1',
      'UPDATE mixed_engines_my SET a = -1 WHERE id = 1',
      'UPDATE mixed_engines SET b = 2 WHERE id = 2',
      'ROLLBACK',
      'BEGIN',
      'UPDATE mixed_engines SET b = 1 WHERE id = 1',
      'SAVEPOINT s',
      'UPDATE mixed_engines_my SET a = -2 WHERE id = 2',
      'UPDATE mixed_engines SET b = 2 WHERE id = 2',
      'INSERT INTO mixed_engines (id) VALUES (102)',
      'ROLLBACK TO SAVEPOINT s',
      'UPDATE mixed_engines SET b = 3 WHERE id = 3',
      'COMMIT',
      'INSERT INTO mixed_engines_my SELECT n + 200, n FROM numbers WHERE n <= 5',
      'TRUNCATE mixed_engines_my',
      'INSERT INTO mixed_engines_my VALUES (1, 1)',
    ],
  },
  {
    name: 'memory_engine',
    create: [
      'CREATE TABLE memory_engine (id int PRIMARY KEY, a int) ENGINE=MEMORY',
      'INSERT INTO memory_engine SELECT n, n FROM numbers WHERE n <= 30',
    ],
    work: ['UPDATE memory_engine SET a = -a WHERE id % 3 = 0', 'DELETE FROM memory_engine WHERE id = 7'],
  },
  {
    name: 'upserts',
    create: [
      'CREATE TABLE upserts (id int AUTO_INCREMENT PRIMARY KEY, u int UNIQUE, a text)',
      `INSERT INTO upserts (u, a) SELECT n * 10, 'a' FROM numbers WHERE n <= 50`,
    ],
    work: [
      `INSERT INTO upserts (u, a) VALUES (10, 'x'), (11, 'new'), (20, 'y') ON DUPLICATE KEY UPDATE a = CONCAT(a, '!')`,
      `INSERT INTO upserts (u, a) VALUES (30, 'x') ON DUPLICATE KEY UPDATE id = id + 1000`,
      `REPLACE INTO upserts (id, u, a) VALUES (5, 60, 'takes two rows')`,
      `REPLACE INTO upserts (u, a) SELECT u, 'again' FROM (SELECT u FROM upserts WHERE u > 400) x`,
      `INSERT IGNORE INTO upserts (u, a) VALUES (70, 'ignored'), (71, 'not')`,
      'INSERT INTO upserts (u) SELECT n + 2000 FROM numbers',
      'UPDATE IGNORE upserts SET u = 2001 WHERE id < 100',
      'DELETE FROM upserts ORDER BY id DESC LIMIT 10',
    ],
  },
  {
    name: 'many_tables',
    create: [
      'CREATE TABLE many_tables (id int PRIMARY KEY, a int)',
      'CREATE TABLE many_tables_b (id int PRIMARY KEY, a int)',
      'INSERT INTO many_tables SELECT n, n FROM numbers',
      'INSERT INTO many_tables_b SELECT n, n FROM numbers',
    ],
    work: [
      'UPDATE many_tables x JOIN many_tables_b y USING (id) SET x.a = y.a + 1, y.a = -1 WHERE id % 3 = 0',
      'DELETE x, y FROM many_tables x JOIN many_tables_b y USING (id) WHERE id % 5 = 0',
      'DELETE FROM x USING many_tables x JOIN many_tables_b y USING (id) WHERE id % 7 = 0',
    ],
  },
  {
    name: 'triggers',
    create: [
      'CREATE TABLE triggers (id int PRIMARY KEY, a int)',
      'CREATE TABLE triggers_log (id int AUTO_INCREMENT PRIMARY KEY, what text)',
      `CREATE TRIGGER triggers_i BEFORE INSERT ON triggers FOR EACH ROW SET NEW.a = NEW.id * 2`,
      `CREATE TRIGGER triggers_u AFTER UPDATE ON triggers FOR EACH ROW INSERT INTO triggers_log (what) VALUES (CONCAT(OLD.a, '→', NEW.a))`,
      `CREATE TRIGGER triggers_d AFTER DELETE ON triggers FOR EACH ROW DELETE FROM triggers_log WHERE id = OLD.id`,
      'INSERT INTO triggers SELECT n, 0 FROM numbers WHERE n <= 50',
    ],
    work: [
      'INSERT INTO triggers VALUES (100, 0), (101, 1)',
      'UPDATE triggers SET a = a + 1 WHERE id % 2 = 0',
      'DELETE FROM triggers WHERE id < 10',
    ],
  },
  {
    name: 'made_from_select',
    create: [TABLE('made_from_select'), FILL('made_from_select')],
    work: [
      'CREATE TABLE made_from_select_b AS SELECT id, a, b FROM made_from_select',
      'CREATE TABLE made_from_select_c (PRIMARY KEY (id)) SELECT id, a, t FROM made_from_select',
      'UPDATE made_from_select_c SET a = NULL WHERE id < 5',
      'CREATE TABLE made_from_select_d LIKE made_from_select',
      'INSERT INTO made_from_select_d SELECT * FROM made_from_select',
      'DELETE FROM made_from_select_d WHERE id > 30',
      'CREATE TABLE IF NOT EXISTS made_from_select_d (id int)',
      'CREATE TABLE made_from_select_e (id int PRIMARY KEY) AS SELECT 1 AS id, 2 AS a UNION SELECT 2, 3',
    ],
  },
  {
    name: 'temporary',
    create: [TABLE('temporary_t'), FILL('temporary_t')],
    work: [
      'CREATE TEMPORARY TABLE temporary_x (id int PRIMARY KEY, a int)',
      'INSERT INTO temporary_x SELECT n, n FROM numbers',
      // Hides the table of the same name from this session alone.
      'CREATE TEMPORARY TABLE temporary_t (id int PRIMARY KEY, zzz int)',
      'INSERT INTO temporary_t SELECT n, n FROM numbers',
      'ALTER TABLE temporary_t ADD COLUMN c int DEFAULT 5',
      'TRUNCATE temporary_t',
      'DROP TEMPORARY TABLE temporary_t',
      'UPDATE temporary_t SET b = 5 WHERE id < 4',
      'INSERT INTO temporary_t (id, b) SELECT id + 100, a FROM temporary_x WHERE id < 10',
      'DROP TABLE temporary_x',
    ],
  },
  {
    name: 'generated',
    create: [
      `CREATE TABLE \`generated\` (id int PRIMARY KEY, n int, v int AS (n * 2) VIRTUAL, s int AS (n + 1) STORED, i int DEFAULT 3 INVISIBLE,
        w varchar(20) AS (CONCAT('é', n)) VIRTUAL, h int INVISIBLE, tail text)`,
      'INSERT INTO `generated` (id, n, tail) SELECT n, n, REPEAT(n, 10) FROM numbers WHERE n <= 30',
    ],
    work: [
      'UPDATE `generated` SET n = n + 1 WHERE id % 2 = 0',
      'UPDATE `generated` SET i = NULL, h = id WHERE id % 3 = 0',
      'INSERT INTO `generated` (id, n, h) VALUES (100, NULL, 5)',
      'DELETE FROM `generated` WHERE v = 20',
      'SET SESSION binlog_row_image = MINIMAL',
      'UPDATE `generated` SET n = n + 1 WHERE id % 5 = 0',
      'INSERT INTO `generated` (id, n) VALUES (101, 7)',
      'SET SESSION binlog_row_image = FULL',
    ],
  },
  {
    name: 'odd_names',
    create: [
      'CREATE TABLE `odd_names ``"é.;` (`select` int PRIMARY KEY, ` a``"é` text, `A b` int)',
      "INSERT INTO `odd_names ``\"é.;` SELECT n, 'x', n FROM numbers WHERE n <= 10",
      'CREATE TABLE `odd_names#_%` (`id` int PRIMARY KEY)',
      'INSERT INTO `odd_names#_%` VALUES (1)',
    ],
    work: [
      'UPDATE `odd_names ``"é.;` SET ` a``"é` = NULL WHERE `select` < 4',
      'ALTER TABLE `odd_names ``"é.;` ADD COLUMN `ü` int',
      'UPDATE `odd_names ``"é.;` SET `ü` = 1 WHERE `select` < 3',
      'DELETE FROM `odd_names#_%`',
    ],
  },
  {
    name: 'prefix_key',
    create: [
      'CREATE TABLE prefix_key (t text, a int, PRIMARY KEY (t(10)))',
      `INSERT INTO prefix_key SELECT CONCAT(n, ' and more text'), n FROM numbers WHERE n <= 30`,
    ],
    work: [
      'UPDATE prefix_key SET a = 0 WHERE a % 3 = 0',
      `UPDATE prefix_key SET t = CONCAT(t, '!') WHERE a % 4 = 0`,
      'DELETE FROM prefix_key WHERE a % 5 = 0',
    ],
  },
  {
    name: 'equal_keys',
    create: [
      'CREATE TABLE equal_keys (k varchar(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci PRIMARY KEY, a int)',
      `INSERT INTO equal_keys VALUES ('abc', 1), ('É', 2), ('x ', 3)`,
    ],
    work: [
      `UPDATE equal_keys SET k = 'ABC' WHERE k = 'abc'`,
      `UPDATE equal_keys SET k = 'e', a = 5 WHERE k = 'é'`,
      `UPDATE equal_keys SET k = 'X' WHERE k = 'x'`,
      `REPLACE INTO equal_keys VALUES ('aBc', 7)`,
      `DELETE FROM equal_keys WHERE k = 'E'`,
      `INSERT INTO equal_keys VALUES ('É', 8)`,
    ],
  },
  {
    name: 'large_rows',
    create: ['CREATE TABLE large_rows (id int PRIMARY KEY, b longblob, n int)'],
    work: [
      `INSERT INTO large_rows VALUES (1, REPEAT(x'00ff', 10000000), 1)`,
      'UPDATE large_rows SET n = 2',
      `INSERT INTO large_rows SELECT n + 10, REPEAT('y', 2000000), n FROM numbers WHERE n <= 20`,
      'DELETE FROM large_rows WHERE id > 20',
    ],
  },
  {
    name: 'rotation',
    create: [TABLE('rotation'), FILL('rotation')],
    work: [
      'UPDATE rotation SET b = 1 WHERE id = 1',
      'FLUSH BINARY LOGS',
      'UPDATE rotation SET b = 2 WHERE id = 2',
      'FLUSH BINARY LOGS',
      'FLUSH BINARY LOGS',
      'UPDATE rotation SET b = 3 WHERE id = 3',
    ],
  },
  {
    name: 'event_of_mariadb_old_format',
    only: 'mariadb',
    create: [
      'SET GLOBAL mysql56_temporal_format = OFF',
      `CREATE TABLE event_of_mariadb_old_format (id int PRIMARY KEY, d datetime, t time, s timestamp NULL, d3 datetime(3), t6 time(6))`,
      'SET GLOBAL mysql56_temporal_format = ON',
      `INSERT INTO event_of_mariadb_old_format VALUES (1, '2024-02-29 12:00:00', '12:00:00', '2024-02-29 12:00:00', '2024-02-29 12:00:00.123', '12:00:00.000001')`,
    ],
    work: [
      `INSERT INTO event_of_mariadb_old_format VALUES (2, '1000-01-01 00:00:00', '23:59:59', '2038-01-19 03:14:07', '9999-12-31 23:59:59.999', '23:59:59.999999')`,
      'UPDATE event_of_mariadb_old_format SET d = NULL, t = NULL WHERE id = 1',
    ],
  },
];

/** Tables that are refused, with the code that says why; nothing of them is in the lake. */
export const REFUSED: readonly {
  readonly table: string;
  readonly code: string;
  readonly only?: Flavour;
  readonly sql: string;
}[] = [
  {
    table: 'refused_period',
    code: 'TABLE_SCHEMA',
    only: 'mariadb',
    sql: `CREATE TABLE refused_period (id int PRIMARY KEY, a int, f timestamp(6) GENERATED ALWAYS AS ROW START,
      u timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (f, u)) WITH SYSTEM VERSIONING`,
  },
  {
    table: 'refused_transactions',
    code: 'TABLE_SCHEMA',
    only: 'mariadb',
    sql: `CREATE TABLE refused_transactions (id int PRIMARY KEY, a int, f bigint unsigned GENERATED ALWAYS AS ROW START,
      u bigint unsigned GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (f, u)) WITH SYSTEM VERSIONING`,
  },
  {
    table: 'refused_cascade',
    code: 'TABLE_CASCADE',
    only: 'mariadb',
    sql: 'CREATE TABLE refused_cascade (id int, a int, parent int, FOREIGN KEY (parent) REFERENCES cascade_parent (id) ON DELETE CASCADE)',
  },
  {
    table: 'refused_engine',
    code: 'TABLE_NO_KEY',
    sql: 'CREATE TABLE refused_engine (id int, a int) ENGINE=MyISAM',
  },
];

export const TRAPS: readonly Trap[] = [...ROW_IMAGES, ...MYSQL_ONLY, ...MARIADB_ONLY, ...BOTH];

import { AFTER, type DdlCase, PARTED, WITHOUT_A, WITHOUT_B } from './ddl-case.ts';
import { GENERATED } from './ddl-generated-cases.ts';
import { MODIFIED } from './ddl-modify-cases.ts';

export { type DdlCase, DEFAULTS } from './ddl-case.ts';

const ADDED: readonly DdlCase[] = [
  {
    name: 'add_nullable',
    ddl: ['ALTER TABLE $ ADD COLUMN c text'],
    after: `${AFTER}; UPDATE $ SET c = 'x' WHERE id < 5`,
    noReload: true,
  },
  {
    name: 'add_first',
    ddl: ['ALTER TABLE $ ADD c int FIRST'],
    after: `${AFTER}; UPDATE $ SET c = 1 WHERE id < 5`,
  },
  {
    name: 'add_after',
    ddl: ['ALTER TABLE $ ADD COLUMN c int AFTER id'],
    after: `${AFTER}; UPDATE $ SET c = 1 WHERE id < 5`,
  },
  {
    name: 'add_several',
    ddl: ['ALTER TABLE $ ADD (c int, d text), ADD COLUMN e int DEFAULT 3 AFTER a, ADD INDEX (b)'],
    after: `${AFTER}; UPDATE $ SET c = 1, d = '"', e = 4 WHERE id < 5`,
  },
  {
    name: 'add_constant',
    ddl: ['ALTER TABLE $ ADD COLUMN c int NOT NULL DEFAULT 7'],
    after: `${AFTER}; UPDATE $ SET c = 8 WHERE id = 1`,
  },
  { name: 'add_default_null', ddl: ['ALTER TABLE $ ADD c int DEFAULT NULL'], after: AFTER, noReload: true },
  {
    name: 'add_not_null',
    ddl: ['ALTER TABLE $ ADD c int NOT NULL, ADD d varchar(10) NOT NULL'],
    after: AFTER.replace('(id, a, b)', '(id, a, b, c, d)').replace("'after', 2", "'after', 2, 3, 'd'"),
  },
  {
    name: 'add_expression',
    ddl: [`ALTER TABLE $ ADD COLUMN c varchar(60) DEFAULT (CONCAT('x', 1 + 2))`],
    after: AFTER,
  },
  {
    name: 'add_timestamp',
    ddl: [
      'ALTER TABLE $ ADD COLUMN c timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP',
    ],
    after: AFTER,
  },
  {
    name: 'add_auto_increment',
    ddl: ['ALTER TABLE $ ADD COLUMN c bigint NOT NULL AUTO_INCREMENT UNIQUE'],
    after: AFTER,
  },
  { name: 'add_virtual', ddl: ['ALTER TABLE $ ADD c int GENERATED ALWAYS AS (b * 2) VIRTUAL'], after: AFTER },
  { name: 'add_stored', ddl: ['ALTER TABLE $ ADD c int AS (b * 2) STORED AFTER id'], after: AFTER },
  { name: 'add_invisible', ddl: ['ALTER TABLE $ ADD c int DEFAULT 5 INVISIBLE'], after: AFTER },
  {
    name: 'add_if_not_exists',
    only: 'mariadb',
    ddl: [
      'ALTER TABLE $ ADD COLUMN IF NOT EXISTS a int, ADD COLUMN IF NOT EXISTS c int, DROP COLUMN IF EXISTS zzz',
    ],
    after: `${AFTER}; UPDATE $ SET c = 1 WHERE id < 5`,
  },
  {
    name: 'add_instant',
    ddl: ['ALTER TABLE $ ADD COLUMN c int DEFAULT 9, ALGORITHM=INSTANT'],
    after: AFTER,
  },
  {
    name: 'two_quick',
    ddl: ['ALTER TABLE $ ADD COLUMN c int', 'ALTER TABLE $ ADD COLUMN d int'],
    after: `${AFTER}; UPDATE $ SET c = 1, d = 2 WHERE id = 9`,
  },
  {
    name: 'two_with_dml_between',
    ddl: [
      'ALTER TABLE $ ADD COLUMN c int',
      'UPDATE $ SET c = id WHERE id < 20',
      'ALTER TABLE $ ADD COLUMN d text',
      `UPDATE $ SET d = 'd' WHERE id > 20`,
      'ALTER TABLE $ DROP COLUMN c',
    ],
    after: `${AFTER}; UPDATE $ SET d = 'e' WHERE id = 9`,
  },
  {
    name: 'default_then_dropped',
    ddl: [
      `ALTER TABLE $ ADD COLUMN c varchar(9) DEFAULT 'x'`,
      'UPDATE $ SET b = 0 WHERE id < 9',
      'ALTER TABLE $ DROP COLUMN c',
    ],
    after: AFTER,
  },
];

const DROPPED_AND_RENAMED: readonly DdlCase[] = [
  { name: 'drop_column', ddl: ['ALTER TABLE $ DROP COLUMN a'], after: WITHOUT_A, noReload: true },
  {
    name: 'drop_first_columns',
    create: ['CREATE TABLE $ (x int, y text, id int PRIMARY KEY, a varchar(50), b int)'],
    ddl: ['ALTER TABLE $ DROP x, DROP COLUMN y'],
    after: AFTER,
    noReload: true,
  },
  {
    name: 'drop_add_other_type',
    ddl: ['ALTER TABLE $ DROP COLUMN a', 'ALTER TABLE $ ADD COLUMN a int'],
    after: `INSERT INTO $ (id, a, b) VALUES ($N, 5, 2); UPDATE $ SET a = 6 WHERE id = 3`,
  },
  {
    name: 'drop_add_same_type',
    ddl: ['ALTER TABLE $ DROP COLUMN a', 'ALTER TABLE $ ADD COLUMN a varchar(50) AFTER id'],
    after: AFTER,
  },
  {
    name: 'drop_add_one_statement',
    ddl: ['ALTER TABLE $ DROP COLUMN a, ADD COLUMN a varchar(50) AFTER id'],
    after: AFTER,
  },
  {
    name: 'rename_column',
    ddl: ['ALTER TABLE $ RENAME COLUMN a TO `A "new" ``name`'],
    after: `INSERT INTO $ VALUES ($N, 'after', 2); UPDATE $ SET b = b + 1 WHERE id % 5 = 0`,
    noReload: true,
  },
  {
    name: 'change_name',
    ddl: ['ALTER TABLE $ CHANGE a aa varchar(50)'],
    after: `INSERT INTO $ (id, aa, b) VALUES ($N, 'after', 2); UPDATE $ SET aa = 'x' WHERE id % 5 = 0`,
    noReload: true,
  },
  {
    name: 'change_name_and_type',
    ddl: ['ALTER TABLE $ CHANGE COLUMN b bb bigint'],
    after: `INSERT INTO $ (id, a, bb) VALUES ($N, 'after', 9007199254740993); UPDATE $ SET bb = bb + 1 WHERE id % 5 = 0`,
  },
  {
    name: 'swap_names',
    columns: 'c varchar(50)',
    ddl: ['ALTER TABLE $ RENAME COLUMN a TO c, RENAME COLUMN c TO a'],
    after: `${AFTER}; UPDATE $ SET c = 'now c' WHERE id = 8`,
    noReload: true,
  },
  {
    name: 'swap_by_change',
    columns: 'c varchar(50)',
    ddl: ['ALTER TABLE $ CHANGE a c varchar(50), CHANGE c a varchar(50)'],
    after: `${AFTER}; UPDATE $ SET c = 'now c' WHERE id = 8`,
  },
  {
    name: 'swap_three_statements',
    columns: 'c varchar(50)',
    ddl: [
      'ALTER TABLE $ RENAME COLUMN a TO tmp',
      'ALTER TABLE $ RENAME COLUMN c TO a',
      'ALTER TABLE $ RENAME COLUMN tmp TO c',
    ],
    after: AFTER,
  },
  {
    name: 'rename_then_reuse',
    ddl: ['ALTER TABLE $ RENAME COLUMN a TO old_a', 'ALTER TABLE $ ADD COLUMN a text'],
    after: AFTER,
  },
  {
    name: 'rename_and_reuse',
    ddl: ['ALTER TABLE $ RENAME COLUMN a TO old_a, ADD COLUMN a text'],
    after: AFTER,
  },
];

const KEYS: readonly DdlCase[] = [
  { name: 'key_type', ddl: ['ALTER TABLE $ MODIFY id bigint'], after: AFTER },
  {
    name: 'key_to_text',
    ddl: ['ALTER TABLE $ MODIFY id varchar(20)'],
    after: `INSERT INTO $ (id, a, b) VALUES ('$N', 'after', 2); DELETE FROM $ WHERE id = '7'`,
  },
  { name: 'key_columns', ddl: ['ALTER TABLE $ DROP PRIMARY KEY, ADD PRIMARY KEY (id, b)'], after: AFTER },
  {
    name: 'key_other_column',
    before: `UPDATE $ SET a = CONCAT(a, '!') WHERE id % 3 = 0`,
    ddl: ['ALTER TABLE $ DROP PRIMARY KEY, ADD PRIMARY KEY (b)'],
    after: `INSERT INTO $ (id, a, b) VALUES ($N, 'after', $N); UPDATE $ SET id = 12 WHERE b = 13; DELETE FROM $ WHERE b = 7`,
  },
  {
    name: 'key_renamed',
    ddl: ['ALTER TABLE $ RENAME COLUMN id TO `key`'],
    after:
      "INSERT INTO $ (`key`, a, b) VALUES ($N, 'after', 2); UPDATE $ SET `key` = `key` + 10000 WHERE b = 9; DELETE FROM $ WHERE `key` = 7",
    noReload: true,
  },
  {
    name: 'key_removed',
    ddl: ['ALTER TABLE $ DROP PRIMARY KEY'],
    after: `${AFTER}; INSERT INTO $ (id, a, b) VALUES (1, 'again', 1), (1, 'again', 1)`,
  },
  {
    name: 'key_added',
    create: ['CREATE TABLE $ (id int NOT NULL, a varchar(50), b int)'],
    ddl: ['ALTER TABLE $ ADD PRIMARY KEY (id)'],
    after: AFTER,
  },
  {
    name: 'unique_key_added',
    create: ['CREATE TABLE $ (id int NOT NULL, a varchar(50), b int)'],
    ddl: ['CREATE UNIQUE INDEX u ON $ (id)'],
    after: `${AFTER}; UPDATE $ SET id = id + 10000 WHERE id = 9`,
  },
  {
    name: 'unique_key_dropped',
    create: ['CREATE TABLE $ (id int NOT NULL, a varchar(50), b int, UNIQUE KEY u (id))'],
    ddl: ['DROP INDEX u ON $', `INSERT INTO $ (id, a, b) VALUES (3, 'twice', 3)`],
    after: `${AFTER}; UPDATE $ SET a = 'x' WHERE id = 3`,
  },
  {
    name: 'bag_add',
    create: ['CREATE TABLE $ (id int, a varchar(50), b int)'],
    ddl: ['ALTER TABLE $ ADD COLUMN c text'],
    after: `${AFTER}; UPDATE $ SET c = 'x' WHERE id < 5; DELETE FROM $ WHERE id = 4`,
  },
  {
    name: 'bag_drop',
    create: ['CREATE TABLE $ (id int, a varchar(50), b int)'],
    ddl: ['ALTER TABLE $ DROP COLUMN a'],
    after: `INSERT INTO $ (id, b) VALUES ($N, 1), ($N, 1); DELETE FROM $ WHERE id = 3; UPDATE $ SET b = 0 WHERE id = 5`,
  },
];

const EMPTIED: readonly DdlCase[] = [
  { name: 'truncate', ddl: ['TRUNCATE TABLE $'], after: AFTER, noReload: true },
  {
    name: 'truncate_with_dml',
    ddl: ['TRUNCATE $', 'INSERT INTO $ (id) VALUES (801)', 'TRUNCATE $', 'INSERT INTO $ (id) VALUES (802)'],
    after: AFTER,
    noReload: true,
  },
  {
    name: 'truncate_add',
    ddl: ['TRUNCATE $', 'ALTER TABLE $ ADD COLUMN c int DEFAULT 4', 'INSERT INTO $ (id) VALUES (802)'],
    after: AFTER,
  },
  {
    name: 'drop_and_create',
    ddl: [
      'DROP TABLE $',
      'CREATE TABLE $ (id bigint PRIMARY KEY, b text, a int)',
      `INSERT INTO $ SELECT n, 'new', n FROM numbers WHERE n <= 30`,
    ],
    after: `INSERT INTO $ (id, a, b) VALUES ($N, 5, 'after'); UPDATE $ SET a = 6 WHERE id = 3`,
  },
  {
    name: 'create_or_replace',
    only: 'mariadb',
    ddl: [
      'CREATE OR REPLACE TABLE $ (id int PRIMARY KEY, a varchar(50), b int)',
      `INSERT INTO $ SELECT n, 'new', n FROM numbers WHERE n <= 30`,
    ],
    after: AFTER,
  },
  {
    name: 'versioned_history',
    only: 'mariadb',
    create: ['CREATE TABLE $ (id int PRIMARY KEY, a varchar(50), b int) WITH SYSTEM VERSIONING'],
    ddl: ['UPDATE $ SET b = b + 1', 'ALTER TABLE $ DROP SYSTEM VERSIONING'],
    after: AFTER,
  },
];

const PARTITIONS: readonly DdlCase[] = [
  { name: 'partition_by', ddl: ['ALTER TABLE $ PARTITION BY HASH (id) PARTITIONS 3'], after: AFTER },
  { name: 'partition_drop', create: [PARTED], ddl: ['ALTER TABLE $ DROP PARTITION p0'], after: AFTER },
  {
    name: 'partition_truncate',
    create: [PARTED],
    ddl: ['ALTER TABLE $ TRUNCATE PARTITION p0, p2'],
    after: AFTER,
  },
  {
    name: 'partition_reorganize',
    create: [PARTED],
    ddl: [
      'ALTER TABLE $ REORGANIZE PARTITION p2 INTO (PARTITION p3 VALUES LESS THAN (700), PARTITION p4 VALUES LESS THAN MAXVALUE)',
      'ALTER TABLE $ REBUILD PARTITION p1',
    ],
    after: AFTER,
  },
  {
    name: 'partition_exchange',
    create: [
      PARTED,
      'CREATE TABLE $x (id int PRIMARY KEY, a varchar(50), b int)',
      `INSERT INTO $x SELECT n, 'other', -n FROM numbers WHERE n <= 10`,
    ],
    ddl: [
      `UPDATE $x SET a = 'just before' WHERE id = 2`,
      'ALTER TABLE $ EXCHANGE PARTITION p0 WITH TABLE $x',
      `UPDATE $x SET a = 'just after' WHERE id = 3`,
    ],
    after: AFTER,
  },
  {
    name: 'partition_removed',
    create: [PARTED],
    ddl: ['ALTER TABLE $ REMOVE PARTITIONING', `UPDATE $ SET a = 'whole' WHERE id < 9`],
    after: AFTER,
  },
];

/** Statements that a parser may stumble over. */
const WRITTEN: readonly DdlCase[] = [
  {
    name: 'odd_writing',
    ddl: [
      "alter\n\ttable/* ALTER TABLE other DROP COLUMN a */ $ -- a comment\n add /*!50000 column */ `c, d` int comment '; DROP TABLE $, \"`', add index (b) # the end",
    ],
    after: `${AFTER}; UPDATE $ SET \`c, d\` = 1 WHERE id < 5`,
  },
  {
    name: 'executable_comment',
    ddl: ['/*!40000 ALTER TABLE $ DISABLE KEYS */', '/*!50000 ALTER TABLE $ ADD c int DEFAULT 2 */'],
    after: AFTER,
  },
  {
    name: 'unqualified',
    ddl: ['ALTER TABLE `@` ADD c int DEFAULT 2'],
    after: AFTER,
  },
  {
    name: 'ansi_quotes',
    ddl: [
      `SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES,NO_BACKSLASH_ESCAPES'); ALTER TABLE "@" ADD "a ""c""" varchar(20) DEFAULT '\\'; ALTER TABLE "@" DROP COLUMN b; SET SESSION sql_mode = DEFAULT`,
    ],
    after: WITHOUT_B,
  },
  {
    name: 'prepared',
    ddl: [
      `SET @ddl = 'ALTER TABLE $ ADD COLUMN c int DEFAULT 2'; PREPARE p FROM @ddl; EXECUTE p; DEALLOCATE PREPARE p`,
    ],
    after: AFTER,
  },
  {
    name: 'from_procedure',
    ddl: [
      'CREATE PROCEDURE `@_p`(n int) BEGIN INSERT INTO $ (id, b) VALUES (n, n); ALTER TABLE $ ADD COLUMN c int DEFAULT 2; UPDATE $ SET c = n WHERE id < 5; END',
      'CALL `@_p`(600)',
    ],
    after: AFTER,
  },
  {
    name: 'in_transaction',
    ddl: [
      `BEGIN; UPDATE $ SET a = 'in' WHERE id = 1; ALTER TABLE $ ADD COLUMN c int; UPDATE $ SET c = 5 WHERE id = 1; ROLLBACK`,
    ],
    after: AFTER,
  },
  {
    name: 'failed',
    ddl: [
      'CREATE PROCEDURE `@_f`() BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END; ALTER TABLE $ ADD UNIQUE (b), ADD c int, MODIFY a int NOT NULL; ALTER TABLE $ DROP COLUMN nowhere; END',
      `UPDATE $ SET b = 1 WHERE id < 3`,
      'CALL `@_f`()',
    ],
    after: AFTER,
    noReload: true,
  },
  {
    name: 'trigger_on_table',
    ddl: [
      'CREATE TRIGGER `@_t` BEFORE INSERT ON $ FOR EACH ROW SET NEW.b = NEW.id * 2',
      `INSERT INTO $ (id) VALUES (801)`,
      'DROP TRIGGER `@_t`',
      'CREATE OR REPLACE VIEW `@_view` AS SELECT * FROM $',
      'DROP VIEW `@_view`',
    ],
    after: AFTER,
    noReload: true,
  },
];

export const CASES: readonly DdlCase[] = [
  ...ADDED,
  ...DROPPED_AND_RENAMED,
  ...MODIFIED,
  ...GENERATED,
  ...KEYS,
  ...EMPTIED,
  ...PARTITIONS,
  ...WRITTEN,
];

import { FILL, TABLE, type Trap } from './trap-case.ts';

const DOCUMENT = `JSON_OBJECT('name', CONCAT('n', n), 'list', JSON_ARRAY(1, 2, 3, JSON_OBJECT('deep', n)), 'text', REPEAT('y', 3000), 'big', 18446744073709551615)`;

export const MYSQL_ONLY: readonly Trap[] = [
  {
    name: 'compression',
    only: 'mysql',
    create: [TABLE('compression'), FILL('compression')],
    work: [
      'SET SESSION binlog_transaction_compression = ON',
      `UPDATE compression SET t = REPEAT('compressed', 1000)`,
      'BEGIN',
      `INSERT INTO compression (id, t) SELECT n + 100, REPEAT('z', 40000) FROM numbers WHERE n <= 500`,
      'DELETE FROM compression WHERE id % 3 = 0',
      'UPDATE compression SET id = id + 5000 WHERE id % 7 = 0',
      'COMMIT',
      'ALTER TABLE compression ADD COLUMN c int DEFAULT 4',
      'SET SESSION binlog_transaction_compression_level_zstd = 22',
      'UPDATE compression SET c = id',
      'SET SESSION binlog_transaction_compression = OFF',
      'UPDATE compression SET c = c + 1 WHERE id % 2 = 0',
    ],
  },
  ...(['FULL', 'MINIMAL', 'NOBLOB'] as const).map((image): Trap => {
    const table = `partial_json_${image.toLowerCase()}`;
    return {
      name: table,
      only: 'mysql',
      create: [
        `CREATE TABLE ${table} (id int PRIMARY KEY, j json, other json, b int)`,
        `INSERT INTO ${table} SELECT n, ${DOCUMENT}, ${DOCUMENT}, n FROM numbers WHERE n <= 30`,
      ],
      work: [
        `SET SESSION binlog_row_value_options = PARTIAL_JSON, binlog_row_image = ${image}`,
        `UPDATE ${table} SET j = JSON_SET(j, '$.name', 'other name') WHERE id % 2 = 0`,
        `UPDATE ${table} SET j = JSON_REMOVE(j, '$.list[0]', '$.big') WHERE id % 3 = 0`,
        `UPDATE ${table} SET j = JSON_REPLACE(j, '$.list[3].deep', 'x'), other = JSON_SET(other, '$.new', CAST('2024-02-29' AS DATE)) WHERE id % 5 = 0`,
        `UPDATE ${table} SET other = JSON_ARRAY_INSERT(other, '$.list[1]', JSON_OBJECT('in', 1.50)), b = -b WHERE id % 7 = 0`,
        `UPDATE ${table} SET id = id + 100, j = JSON_SET(j, '$.moved', true) WHERE id % 10 = 1`,
        `UPDATE ${table} SET j = JSON_SET(j, '$.name', NULL), b = 5 WHERE id < 4`,
        `UPDATE ${table} SET j = '{}' WHERE id = 8`,
        `UPDATE ${table} SET b = b + 1`,
        `SET SESSION binlog_row_value_options = '', binlog_row_image = FULL`,
      ],
    };
  }),
  {
    name: 'generated_key',
    only: 'mysql',
    create: [
      'SET SESSION sql_generate_invisible_primary_key = ON',
      'CREATE TABLE generated_key (a int, b text)',
      'SET SESSION sql_generate_invisible_primary_key = OFF',
      `INSERT INTO generated_key SELECT n, 'x' FROM numbers WHERE n <= 30`,
    ],
    work: ['UPDATE generated_key SET b = NULL WHERE a % 3 = 0', 'DELETE FROM generated_key WHERE a % 5 = 0'],
  },
  {
    name: 'stored_key',
    only: 'mysql',
    create: [
      'CREATE TABLE stored_key (n int, k int AS (n * 10) STORED NOT NULL, a text, PRIMARY KEY (k))',
      `INSERT INTO stored_key (n, a) SELECT n, 'x' FROM numbers WHERE n <= 30`,
    ],
    work: [
      `UPDATE stored_key SET a = 'y' WHERE n % 3 = 0`,
      'UPDATE stored_key SET n = n + 100 WHERE n % 4 = 0',
      'DELETE FROM stored_key WHERE n % 5 = 0',
    ],
  },
  {
    name: 'tagged_gtid',
    only: 'mysql',
    create: ['CREATE TABLE tagged_gtid (id int PRIMARY KEY)'],
    work: [
      `SET gtid_next = 'AUTOMATIC:a_tag'`,
      'INSERT INTO tagged_gtid VALUES (1), (2)',
      'DELETE FROM tagged_gtid WHERE id = 1',
      `SET gtid_next = 'AUTOMATIC'`,
      'INSERT INTO tagged_gtid VALUES (3)',
    ],
  },
];

const VERSIONED = ['versioned', 'versioned_partly', 'versioned_parts', 'versioned_bag'] as const;

export const MARIADB_ONLY: readonly Trap[] = [
  {
    name: 'versioned',
    only: 'mariadb',
    create: [
      'CREATE TABLE versioned (id int PRIMARY KEY, a int, b text) WITH SYSTEM VERSIONING',
      `CREATE TABLE versioned_partly (id int PRIMARY KEY, a int, b int WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING`,
      `CREATE TABLE versioned_parts (id int PRIMARY KEY, a int) WITH SYSTEM VERSIONING
        PARTITION BY SYSTEM_TIME (PARTITION old HISTORY, PARTITION now CURRENT)`,
      `CREATE TABLE versioned_bag (id int, a int) WITH SYSTEM VERSIONING`,
      ...VERSIONED.flatMap((table) => [
        `INSERT INTO ${table} (id, a) SELECT n, n FROM numbers WHERE n <= 30`,
        `UPDATE ${table} SET a = 0 WHERE id < 5`,
        `DELETE FROM ${table} WHERE id = 30`,
      ]),
    ],
    work: VERSIONED.flatMap((table) => [
      `UPDATE ${table} SET a = a + 1 WHERE id % 2 = 0`,
      `DELETE FROM ${table} WHERE id % 5 = 0`,
      `INSERT INTO ${table} (id, a) VALUES (5, 1), (100, 1)`,
      `UPDATE ${table} SET id = id + 1000 WHERE id % 7 = 0`,
      `DELETE HISTORY FROM ${table}`,
      `UPDATE ${table} SET a = 3 WHERE id = 3`,
    ]),
  },
  {
    name: 'sequences',
    only: 'mariadb',
    create: [
      'CREATE SEQUENCE sequences_s',
      'CREATE TABLE sequences (id int PRIMARY KEY DEFAULT nextval(sequences_s), a int)',
      'INSERT INTO sequences (a) SELECT n FROM numbers WHERE n <= 20',
    ],
    work: [
      'INSERT INTO sequences (a) SELECT n FROM numbers WHERE n <= 1000',
      'ALTER SEQUENCE sequences_s INCREMENT BY 5',
      'SELECT setval(sequences_s, 100000)',
      'INSERT INTO sequences (a) VALUES (1)',
    ],
  },
  {
    name: 'for_portion',
    only: 'mariadb',
    create: [
      'CREATE TABLE for_portion (id int, f date, u date, a int, PERIOD FOR p (f, u), PRIMARY KEY (id, p WITHOUT OVERLAPS))',
      `INSERT INTO for_portion SELECT n, '2024-01-01', '2025-01-01', n FROM numbers WHERE n <= 20`,
    ],
    work: [
      `UPDATE for_portion FOR PORTION OF p FROM '2024-03-01' TO '2024-04-01' SET a = -1 WHERE id < 5`,
      `DELETE FROM for_portion FOR PORTION OF p FROM '2024-06-01' TO '2024-07-01' WHERE id % 3 = 0`,
    ],
  },
  {
    name: 'returning',
    only: 'mariadb',
    create: [TABLE('returning_t'), FILL('returning_t')],
    work: [
      'DELETE FROM returning_t WHERE id < 5 RETURNING id',
      `INSERT INTO returning_t (id) VALUES (900) RETURNING *`,
      `REPLACE INTO returning_t (id) VALUES (900) RETURNING *`,
    ],
  },
];

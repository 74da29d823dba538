/**
 * Changes of a table's definition, each done twice: to a table with rows written right before and right after it
 * (`busy`), and to one where nothing follows until the lake has caught up (`quiet`). `$` stands for the table.
 */
export interface EvolutionCase {
  readonly name: string;
  /** Columns behind `id int PRIMARY KEY, a text, b int`, or a whole CREATE TABLE. */
  readonly columns?: string;
  readonly create?: readonly string[];
  /** 40 rows by default. */
  readonly fill?: string;
  readonly before?: string;
  readonly ddl: readonly string[];
  /** DML under the new definition; it has to work once after the busy DDL, and once more with other ids ($N: 1000, 2000). */
  readonly after: string;
  /** The rows are all the same in another file: a load would be for nothing. */
  readonly noReload?: true;
  /** Rows are neither deleted nor moved by it: a reader's count never falls. */
  readonly shrinks?: true;
}

const FILL = `INSERT INTO $ (id, a, b) SELECT i, 'a' || i, i FROM generate_series(1, 40) i`;
const BEFORE = `UPDATE $ SET a = a || '!' WHERE id % 3 = 0; INSERT INTO $ (id, a, b) VALUES (500, 'before', 1)`;
const AFTER = `INSERT INTO $ (id, a, b) VALUES ($N, 'after', 2); UPDATE $ SET b = b + 1 WHERE id % 5 = 0; DELETE FROM $ WHERE id = 7`;

const ENUM: readonly string[] = [
  `CREATE TYPE "@_enum" AS ENUM ('x', 'y')`,
  `CREATE TABLE $ (id int PRIMARY KEY, a text, b int, c "@_enum" DEFAULT 'x')`,
];
const ENUM_FILL = `INSERT INTO $ SELECT i, 'a' || i, i, ((ARRAY['x', 'y'])[1 + i % 2])::"@_enum" FROM generate_series(1, 40) i`;
const PAIR: readonly string[] = [
  `CREATE TYPE "@_pair" AS (a int, b text)`,
  `CREATE TABLE $ (id int PRIMARY KEY, a text, b int, c "@_pair")`,
];
const PAIR_FILL = `INSERT INTO $ SELECT i, 'a' || i, i, ROW(i, 'x')::"@_pair" FROM generate_series(1, 40) i`;

export const DEFAULTS = { fill: FILL, before: BEFORE } as const;

export const CASES: readonly EvolutionCase[] = [
  {
    name: 'add_nullable',
    ddl: ['ALTER TABLE $ ADD COLUMN c text'],
    after: `${AFTER}; UPDATE $ SET c = 'x' WHERE id < 5`,
    noReload: true,
  },
  {
    name: 'add_constant',
    ddl: [`ALTER TABLE $ ADD COLUMN c int NOT NULL DEFAULT 7`],
    after: `${AFTER}; UPDATE $ SET c = 8 WHERE id = 1`,
  },
  { name: 'add_volatile', ddl: ['ALTER TABLE $ ADD COLUMN c uuid DEFAULT gen_random_uuid()'], after: AFTER },
  {
    name: 'add_identity',
    ddl: ['ALTER TABLE $ ADD COLUMN c bigint GENERATED ALWAYS AS IDENTITY'],
    after: AFTER,
  },
  {
    name: 'add_generated',
    ddl: ['ALTER TABLE $ ADD COLUMN c int GENERATED ALWAYS AS (b * 2) STORED'],
    after: AFTER,
  },
  {
    name: 'drop_column',
    ddl: ['ALTER TABLE $ DROP COLUMN a'],
    after: `INSERT INTO $ (id, b) VALUES ($N, 2); UPDATE $ SET b = b + 1 WHERE id % 5 = 0`,
    noReload: true,
  },
  {
    name: 'drop_add_other_type',
    ddl: ['ALTER TABLE $ DROP COLUMN a', 'ALTER TABLE $ ADD COLUMN a int'],
    after: `INSERT INTO $ (id, a, b) VALUES ($N, 5, 2); UPDATE $ SET a = 6 WHERE id = 3`,
  },
  { name: 'drop_add_same_type', ddl: ['ALTER TABLE $ DROP COLUMN a, ADD COLUMN a text'], after: AFTER },
  // The log describes the table as before.
  {
    name: 'drop_add_last',
    ddl: ['ALTER TABLE $ DROP COLUMN b, ADD COLUMN b int'],
    after: `${AFTER}; UPDATE $ SET b = id`,
  },
  {
    name: 'drop_rename_add_last',
    columns: 'c int',
    ddl: [
      'ALTER TABLE $ DROP COLUMN b',
      'ALTER TABLE $ RENAME COLUMN c TO b',
      'ALTER TABLE $ ADD COLUMN c int',
    ],
    after: `${AFTER}; UPDATE $ SET c = id, b = -id WHERE id % 3 = 0`,
  },
  {
    name: 'rename_column',
    ddl: ['ALTER TABLE $ RENAME COLUMN a TO "A ""new"" name"'],
    after: `INSERT INTO $ VALUES ($N, 'after', 2); UPDATE $ SET b = b + 1 WHERE id % 5 = 0`,
    noReload: true,
  },
  {
    name: 'swap_names',
    columns: 'c text',
    ddl: ['ALTER TABLE $ RENAME a TO tmp', 'ALTER TABLE $ RENAME c TO a', 'ALTER TABLE $ RENAME tmp TO c'],
    after: AFTER,
    noReload: true,
  },
  {
    name: 'swap_names_one_transaction',
    columns: 'c text',
    ddl: [
      'BEGIN; ALTER TABLE $ RENAME a TO tmp; ALTER TABLE $ RENAME c TO a; ALTER TABLE $ RENAME tmp TO c; COMMIT',
    ],
    after: AFTER,
    noReload: true,
  },
  {
    name: 'rename_then_reuse',
    ddl: ['ALTER TABLE $ RENAME a TO old_a', 'ALTER TABLE $ ADD COLUMN a text'],
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
      `ALTER TABLE $ ADD COLUMN c text DEFAULT 'x'`,
      `UPDATE $ SET b = 0 WHERE id < 9`,
      'ALTER TABLE $ DROP COLUMN c',
    ],
    after: AFTER,
  },
  {
    name: 'ddl_in_transaction',
    ddl: [
      `BEGIN; UPDATE $ SET a = 'in' WHERE id = 1; ALTER TABLE $ ADD COLUMN c int; UPDATE $ SET c = 5 WHERE id = 1; INSERT INTO $ (id, a, b, c) VALUES (600, 'in', 1, 2); ALTER TABLE $ DROP COLUMN b; DELETE FROM $ WHERE id = 2; COMMIT`,
    ],
    after: `INSERT INTO $ (id, a, c) VALUES ($N, 'after', 2); UPDATE $ SET c = id`,
  },
  {
    name: 'ddl_rolled_back',
    ddl: [
      `BEGIN; ALTER TABLE $ ADD COLUMN c int DEFAULT 5; INSERT INTO $ (id, c) VALUES (700, 1); ALTER TABLE $ DROP COLUMN a; UPDATE $ SET b = -1; ROLLBACK`,
    ],
    after: AFTER,
    noReload: true,
  },
  {
    name: 'savepoint_rolled_back',
    ddl: [
      `BEGIN; UPDATE $ SET b = -1 WHERE id = 1; SAVEPOINT s; ALTER TABLE $ ALTER b TYPE text USING 'no'; INSERT INTO $ VALUES (700, 'x', 'y'); ROLLBACK TO s; UPDATE $ SET b = -2 WHERE id = 2; COMMIT`,
    ],
    after: AFTER,
    noReload: true,
  },
  {
    name: 'int_to_bigint',
    ddl: ['ALTER TABLE $ ALTER b TYPE bigint'],
    after: `${AFTER}; UPDATE $ SET b = 9223372036854775807 WHERE id = 4`,
  },
  {
    name: 'smallint_to_int',
    columns: 'c smallint DEFAULT 3',
    ddl: ['ALTER TABLE $ ALTER c TYPE int'],
    after: `${AFTER}; UPDATE $ SET c = 2147483647 WHERE id = 4`,
  },
  {
    name: 'real_to_double',
    columns: 'c real DEFAULT 0.1',
    ddl: ['ALTER TABLE $ ALTER c TYPE double precision'],
    after: AFTER,
  },
  {
    name: 'varchar_longer',
    columns: `c varchar(10) DEFAULT 'short'`,
    ddl: ['ALTER TABLE $ ALTER c TYPE varchar(20)', 'ALTER TABLE $ ALTER c TYPE text'],
    after: `${AFTER}; UPDATE $ SET c = repeat('x', 100) WHERE id = 4`,
    noReload: true,
  },
  {
    name: 'numeric_wider',
    columns: 'c numeric(10,2) DEFAULT 12345678.25',
    ddl: ['ALTER TABLE $ ALTER c TYPE numeric(12,2)'],
    after: `${AFTER}; UPDATE $ SET c = 1234567890.12 WHERE id = 4`,
    noReload: true,
  },
  {
    name: 'numeric_other_scale',
    columns: 'c numeric(10,2) DEFAULT 1.25',
    ddl: ['ALTER TABLE $ ALTER c TYPE numeric(10,1)'],
    after: AFTER,
  },
  {
    name: 'cidr_to_inet',
    columns: `c cidr DEFAULT '10.0.0.1/32'`,
    ddl: ['ALTER TABLE $ ALTER c TYPE inet'],
    after: AFTER,
  },
  {
    name: 'cidr_list_to_inet_list',
    columns: `c cidr[] DEFAULT '{10.0.0.1/32,10.0.0.0/8}'`,
    ddl: ['ALTER TABLE $ ALTER c TYPE inet[]'],
    after: AFTER,
  },
  {
    name: 'int_to_oid',
    columns: 'c int DEFAULT -1',
    ddl: ['ALTER TABLE $ ALTER c TYPE oid'],
    after: AFTER,
  },
  {
    name: 'xml_to_text',
    columns: `c xml DEFAULT '<?xml version="1.0" encoding="latin1"?><a/>'`,
    ddl: ['ALTER TABLE $ ALTER c TYPE text'],
    after: AFTER,
  },
  {
    name: 'timestamp_to_timestamptz',
    columns: `c timestamp DEFAULT '2024-02-29 12:00'`,
    ddl: [`ALTER TABLE $ ALTER c TYPE timestamptz USING c AT TIME ZONE 'Asia/Tokyo'`],
    after: AFTER,
  },
  { name: 'using_same_type', ddl: [`ALTER TABLE $ ALTER a TYPE text USING upper(a) || '?'`], after: AFTER },
  { name: 'using_int', ddl: ['ALTER TABLE $ ALTER b TYPE int USING -b'], after: AFTER },
  {
    name: 'using_other_type',
    ddl: [`ALTER TABLE $ ALTER b TYPE text USING 'n' || b`],
    after: `INSERT INTO $ (id, a, b) VALUES ($N, 'after', 'z'); UPDATE $ SET b = b || 'y' WHERE id = 9`,
  },
  {
    name: 'text_to_int',
    ddl: ['ALTER TABLE $ ALTER a TYPE int USING length(a)'],
    after: `INSERT INTO $ (id, a, b) VALUES ($N, 8, 1); UPDATE $ SET a = 9 WHERE id = 9`,
  },
  { name: 'key_type', ddl: ['ALTER TABLE $ ALTER id TYPE bigint'], after: AFTER },
  {
    name: 'key_to_text',
    ddl: ['ALTER TABLE $ ALTER id TYPE text'],
    after: `INSERT INTO $ (id, a, b) VALUES ('$N', 'after', 2); DELETE FROM $ WHERE id = '7'`,
  },
  {
    name: 'key_columns',
    ddl: ['ALTER TABLE $ DROP CONSTRAINT "@_pkey", ADD PRIMARY KEY (id, b)'],
    after: AFTER,
  },
  {
    name: 'key_other_column',
    ddl: ['ALTER TABLE $ DROP CONSTRAINT "@_pkey", ADD PRIMARY KEY (b)'],
    before: `UPDATE $ SET a = a || '!' WHERE id % 3 = 0`,
    after: `INSERT INTO $ (id, a, b) VALUES ($N, 'after', $N); UPDATE $ SET id = 12 WHERE b = 13; DELETE FROM $ WHERE b = 7`,
  },
  {
    name: 'key_renamed',
    ddl: ['ALTER TABLE $ RENAME id TO "key"'],
    after: `INSERT INTO $ ("key", a, b) VALUES ($N, 'after', 2); UPDATE $ SET "key" = "key" + 10000 WHERE b = 9; DELETE FROM $ WHERE "key" = 7`,
    noReload: true,
  },
  {
    name: 'identity_full',
    ddl: ['ALTER TABLE $ REPLICA IDENTITY FULL'],
    after: `${AFTER}; UPDATE $ SET id = id + 10000 WHERE id = 9`,
  },
  {
    name: 'identity_index',
    ddl: ['CREATE UNIQUE INDEX "@_u" ON $ (d)', 'ALTER TABLE $ REPLICA IDENTITY USING INDEX "@_u"'],
    columns: 'd int GENERATED BY DEFAULT AS IDENTITY NOT NULL',
    after: `${AFTER}; UPDATE $ SET d = d + 10000 WHERE id = 9`,
  },
  {
    name: 'identity_default_again',
    create: ['CREATE TABLE $ (id int PRIMARY KEY, a text, b int)', 'ALTER TABLE $ REPLICA IDENTITY FULL'],
    ddl: ['ALTER TABLE $ REPLICA IDENTITY DEFAULT'],
    after: AFTER,
  },
  {
    name: 'key_removed_full',
    ddl: ['ALTER TABLE $ REPLICA IDENTITY FULL', 'ALTER TABLE $ DROP CONSTRAINT "@_pkey"'],
    after: `${AFTER}; INSERT INTO $ (id, a, b) VALUES (1, 'again', 1), (1, 'again', 1)`,
  },
  {
    name: 'key_added',
    create: ['CREATE TABLE $ (id int NOT NULL, a text, b int)', 'ALTER TABLE $ REPLICA IDENTITY FULL'],
    ddl: ['ALTER TABLE $ ADD PRIMARY KEY (id)'],
    after: AFTER,
  },
  { name: 'truncate', ddl: ['TRUNCATE $'], after: AFTER, shrinks: true },
  {
    name: 'truncate_with_dml',
    ddl: [
      `BEGIN; INSERT INTO $ (id) VALUES (800); TRUNCATE $; INSERT INTO $ (id) VALUES (801); TRUNCATE $ RESTART IDENTITY; INSERT INTO $ (id) VALUES (802); COMMIT`,
      'UPDATE $ SET b = 3',
    ],
    after: AFTER,
    shrinks: true,
  },
  {
    name: 'truncate_add',
    ddl: [
      'BEGIN; TRUNCATE $; ALTER TABLE $ ADD COLUMN c int DEFAULT 4; INSERT INTO $ (id) VALUES (802); COMMIT',
    ],
    after: AFTER,
    shrinks: true,
  },
  { name: 'vacuum_full', ddl: ['VACUUM FULL $'], after: AFTER, noReload: true },
  { name: 'cluster', ddl: ['CLUSTER $ USING "@_pkey"'], after: AFTER, noReload: true },
  {
    name: 'add_then_vacuum_full',
    ddl: ['ALTER TABLE $ ADD COLUMN c int DEFAULT 9', 'VACUUM FULL $'],
    after: AFTER,
  },
  {
    name: 'set_default_not_null',
    ddl: [
      `ALTER TABLE $ ALTER b SET DEFAULT 4`,
      'UPDATE $ SET b = 1 WHERE b IS NULL',
      'ALTER TABLE $ ALTER b SET NOT NULL',
      'ALTER TABLE $ ADD CHECK (b > -100000)',
      'CREATE INDEX ON $ (b)',
      'ANALYZE $',
      `COMMENT ON TABLE $ IS 'x'`,
    ],
    after: AFTER,
    noReload: true,
  },
  {
    name: 'enum_value',
    create: ENUM,
    fill: ENUM_FILL,
    ddl: [`ALTER TYPE "@_enum" ADD VALUE 'z'`, `ALTER TYPE "@_enum" ADD VALUE 'w' BEFORE 'x'`],
    after: `${AFTER}; UPDATE $ SET c = 'z' WHERE id = 8`,
    noReload: true,
  },
  {
    name: 'enum_value_renamed',
    create: ENUM,
    fill: ENUM_FILL,
    ddl: [`ALTER TYPE "@_enum" ADD VALUE 'z'`, `ALTER TYPE "@_enum" RENAME VALUE 'y' TO 'why'`],
    after: `${AFTER}; UPDATE $ SET c = 'z' WHERE id = 8`,
  },
  {
    name: 'enum_key_value_renamed',
    create: [ENUM[0]!, `CREATE TABLE $ (id int, a text, b int, c "@_enum" DEFAULT 'x', PRIMARY KEY (c, id))`],
    fill: ENUM_FILL,
    ddl: [`ALTER TYPE "@_enum" RENAME VALUE 'y' TO 'why'`],
    after: `${AFTER}; UPDATE $ SET c = 'x' WHERE id = 8; DELETE FROM $ WHERE id = 10`,
    // Until it is loaded anew it has rows under both labels.
    shrinks: true,
  },
  {
    name: 'enum_renamed',
    create: ENUM,
    fill: ENUM_FILL,
    ddl: [`ALTER TYPE "@_enum" RENAME TO "@_feeling"`],
    after: `${AFTER}; UPDATE $ SET c = 'y' WHERE id = 9`,
  },
  {
    name: 'enum_deep_value_renamed',
    create: [
      ENUM[0]!,
      `CREATE TYPE "@_pair" AS (a "@_enum"[], b text)`,
      `CREATE TABLE $ (id int PRIMARY KEY, a text, b int, c "@_pair")`,
    ],
    fill: `INSERT INTO $ SELECT i, 'a' || i, i, ROW(ARRAY['x', 'y'], 't')::"@_pair" FROM generate_series(1, 40) i`,
    ddl: [`ALTER TYPE "@_enum" RENAME VALUE 'y' TO 'why'`],
    after: AFTER,
  },
  {
    name: 'pair_attribute_added',
    create: PAIR,
    fill: PAIR_FILL,
    ddl: [`ALTER TYPE "@_pair" ADD ATTRIBUTE c int`],
    after: `${AFTER}; UPDATE $ SET c = ROW(5, 'new', 6) WHERE id = 8`,
  },
  {
    name: 'pair_attribute_dropped',
    create: PAIR,
    fill: PAIR_FILL,
    ddl: [`ALTER TYPE "@_pair" DROP ATTRIBUTE a`],
    after: `${AFTER}; UPDATE $ SET c = ROW('new') WHERE id = 8`,
  },
  {
    name: 'pair_attribute_renamed',
    create: PAIR,
    fill: PAIR_FILL,
    ddl: [`ALTER TYPE "@_pair" RENAME ATTRIBUTE a TO first`],
    after: `${AFTER}; UPDATE $ SET c = ROW(5, 'new') WHERE id = 8`,
    noReload: true,
  },
  {
    name: 'bag_add',
    create: ['CREATE TABLE $ (id int, a text, b int)', 'ALTER TABLE $ REPLICA IDENTITY FULL'],
    ddl: ['ALTER TABLE $ ADD COLUMN c text'],
    after: `${AFTER}; UPDATE $ SET c = 'x' WHERE id < 5; DELETE FROM $ WHERE id = 4`,
    noReload: true,
  },
  {
    name: 'bag_drop',
    create: ['CREATE TABLE $ (id int, a text, b int)', 'ALTER TABLE $ REPLICA IDENTITY FULL'],
    ddl: ['ALTER TABLE $ DROP COLUMN a'],
    after: `INSERT INTO $ (id, b) VALUES ($N, 1), ($N, 1); DELETE FROM $ WHERE id = 3; UPDATE $ SET b = 0 WHERE id = 5`,
    noReload: true,
  },
];

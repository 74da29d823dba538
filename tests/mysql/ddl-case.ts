import type { Flavour } from '../support/mysql.ts';

/**
 * Changes of a table's definition, each done to a table of its own in every variant of ddl.ts. `$` stands for
 * the table with its database, `@` for its name alone; `numbers` has the numbers from 1 to 1000.
 */
export interface DdlCase {
  readonly name: string;
  /** Columns behind `id int PRIMARY KEY, a varchar(50), b int`, or a whole CREATE TABLE. */
  readonly columns?: string;
  readonly create?: readonly string[];
  /** 40 rows by default. */
  readonly fill?: string;
  readonly before?: string;
  readonly ddl: readonly string[];
  /** DML under the new definition; it has to work once right after the DDL, and once more with other ids ($N: 1000, 2000). */
  readonly after: string;
  /** No row is changed by it: a load would be for nothing. */
  readonly noReload?: true;
  /** Of one of the two servers alone. */
  readonly only?: Flavour;
}

export const FILL = `INSERT INTO $ (id, a, b) SELECT n, CONCAT('a', n), n FROM numbers WHERE n <= 40`;
export const BEFORE = `UPDATE $ SET a = CONCAT(a, '!') WHERE id % 3 = 0; INSERT INTO $ (id, a, b) VALUES (500, 'before', 1)`;
export const AFTER = `INSERT INTO $ (id, a, b) VALUES ($N, 'after', 2); UPDATE $ SET b = b + 1 WHERE id % 5 = 0; DELETE FROM $ WHERE id = 7`;
export const WITHOUT_A = `INSERT INTO $ (id, b) VALUES ($N, 2); UPDATE $ SET b = b + 1 WHERE id % 5 = 0`;
export const WITHOUT_B = `INSERT INTO $ (id, a) VALUES ($N, 'after'); DELETE FROM $ WHERE id = 7`;

export const DEFAULTS = { fill: FILL, before: BEFORE } as const;

export const PARTED = `CREATE TABLE $ (id int PRIMARY KEY, a varchar(50), b int) PARTITION BY RANGE (id)
  (PARTITION p0 VALUES LESS THAN (20), PARTITION p1 VALUES LESS THAN (100), PARTITION p2 VALUES LESS THAN MAXVALUE)`;

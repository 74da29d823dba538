import type { Flavour } from '../support/mysql.ts';

/**
 * What sessions can do to the log whatever the server is set to, each on tables of its own (their names begin with
 * the trap's). Statements run one after the other over one connection, which nobody else uses; `numbers` has the
 * numbers from 1 to 1000.
 */
export interface Trap {
  readonly name: string;
  readonly only?: Flavour;
  readonly create: readonly string[];
  readonly work: readonly string[];
}

/** A table of many kinds of columns, and 50 rows of it. */
export const TABLE = (name: string, more = ''): string =>
  `CREATE TABLE ${name} (id int PRIMARY KEY, a varchar(50) DEFAULT 'the default', b int DEFAULT 7, t longtext, j json, d datetime(3) DEFAULT '2024-02-29 12:00:00.5')${more}`;
export const FILL = (name: string): string =>
  `INSERT INTO ${name} (id, a, b, t, j) SELECT n, CONCAT('a', n), n, REPEAT('x', n), CONCAT('{"n": ', n, '}') FROM numbers WHERE n <= 50`;

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  FLAVOURS,
  type Flavour,
  sharedMysql,
  type TestMysqlDatabase,
} from '../../../../../tests/support/mysql.ts';
import { freshSeed } from '../../../../../tests/support/seed.ts';
import { classify } from './classify.ts';
import { NEW_NAMES, randomAlter } from './testing/random-alter.ts';
import { ServerSteps } from './testing/server-steps.ts';

/** A statement of both servers, or of one. */
type Step = string | { readonly [flavour in Flavour]?: string };

const TABLE = 'CREATE TABLE t (a int, b int, c varchar(20), d int)';
const ROWS = "INSERT INTO t VALUES (1, 10, 'x', 0), (2, 20, NULL, NULL), (2, 20, 'y', 3)";
const PARTED =
  'CREATE TABLE p (a int, b int) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN (30))';
const PARTED_ROWS = 'INSERT INTO p VALUES (1, 1), (11, 2), (21, 3)';

/** Each on tables `t` and `p` of its own. */
const CASES: Readonly<Record<string, readonly Step[]>> = {
  columns: [
    'ALTER TABLE t ADD e int',
    'ALTER TABLE t ADD COLUMN f int NOT NULL FIRST, ADD g text DEFAULT NULL AFTER a',
    'ALTER TABLE t ADD (h int DEFAULT 5, i timestamp NULL, INDEX (h), CHECK (b > 1))',
    'ALTER TABLE t ADD j timestamp',
    'ALTER TABLE t ADD k int GENERATED ALWAYS AS (b + 1) STORED, ADD l int AS (b + 2) VIRTUAL',
    "ALTER TABLE t ADD m enum('x,y','it''s') COMMENT 'DROP a, ADD z int'",
    'ALTER TABLE t DROP e, DROP COLUMN f, DROP INDEX h',
    'ALTER TABLE t CHANGE g gg text, CHANGE COLUMN a aa bigint FIRST',
    'ALTER TABLE t RENAME COLUMN gg TO g, RENAME COLUMN aa TO a',
    'ALTER TABLE t RENAME COLUMN h TO i, RENAME COLUMN i TO h',
    'ALTER TABLE t RENAME COLUMN h TO H',
    'ALTER TABLE t MODIFY H varchar(10) AFTER i',
    'ALTER TABLE t DROP i, ADD i int',
    'ALTER TABLE t ADD partitions int, ADD engine int, ADD comment int, ADD after int, ADD `first` int, ADD `partition` int',
    'ALTER TABLE t DROP engine, DROP COLUMN comment, DROP after, DROP partitions, DROP `partition`',
    'alter/* , drop a */table t -- drop b\n add x int # drop c\n /*!50000 , add y int */ /*!999999 , add z int */',
    'ALTER TABLE t ADD w int /*M! , ADD v int */ /*!80000 , ADD u int */ /*!100000 , ADD s int */',
    { mariadb: 'ALTER TABLE t ADD t.r int' },
    { mariadb: 'ALTER TABLE t CHANGE t.r t.rr int' },
    { mariadb: 'ALTER TABLE t DROP t.rr' },
    {
      mariadb:
        'ALTER TABLE t ADD IF NOT EXISTS a int, ADD COLUMN IF NOT EXISTS (b int, bb int), DROP IF EXISTS no',
    },
    { mariadb: 'ALTER TABLE IF EXISTS t WAIT 5 MODIFY COLUMN IF EXISTS no int, ADD ba int' },
    { mariadb: 'ALTER TABLE t ADD bd int, ALTER bd SET DEFAULT 5' },
    { mariadb: 'SET STATEMENT lock_wait_timeout=5 FOR ALTER TABLE t DROP COLUMN m' },
    { mariadb: "EXECUTE IMMEDIATE 'ALTER TABLE t DROP COLUMN c'" },
    { mariadb: 'BEGIN NOT ATOMIC ALTER TABLE t ADD be int; ALTER TABLE t DROP d; END' },
  ],
  'a column that is the key': [
    'DELETE FROM t WHERE a = 2',
    'ALTER TABLE t ADD e int KEY',
    'ALTER TABLE t DROP PRIMARY KEY',
  ],
  'a column under a key': ['DELETE FROM t WHERE a = 2', 'ALTER TABLE t ADD e int, ADD PRIMARY KEY (e, a)'],
  'a number': ['ALTER TABLE t MODIFY d int NOT NULL AUTO_INCREMENT, ADD KEY (d)'],
  'without effect': [
    'ALTER TABLE t',
    "ALTER TABLE t COMMENT 'x' ROW_FORMAT=DYNAMIC, AUTO_INCREMENT=5",
    'ALTER TABLE t ENGINE=MyISAM',
    'ALTER TABLE t ENGINE=InnoDB',
    'ALTER TABLE t ADD INDEX i (a, b DESC), ADD UNIQUE u (b, d), ADD FULLTEXT KEY f (c), ADD CONSTRAINT k CHECK (a < 9)',
    'ALTER TABLE t RENAME INDEX i TO j, ALTER a SET DEFAULT 5, ALTER COLUMN b DROP DEFAULT',
    'ALTER TABLE t DROP INDEX j, DROP KEY u, DROP CONSTRAINT k, ALGORITHM=COPY, LOCK=SHARED',
    'ALTER TABLE t DISABLE KEYS, FORCE',
    'ALTER TABLE t ORDER BY a DESC, b',
    'ALTER TABLE t ADD z int FIRST, ORDER BY a, b',
    'CREATE INDEX i USING BTREE ON t (a)',
    'DROP INDEX i ON t',
    'CREATE VIEW v AS SELECT a FROM t',
    'DROP VIEW v',
    'CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1',
    'DROP TRIGGER g',
    'CREATE PROCEDURE q () BEGIN ALTER TABLE t DROP a; END',
    'DROP PROCEDURE q',
    'CREATE EVENT e ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL 9 YEAR DO TRUNCATE t',
    'DROP EVENT e',
    'ANALYZE TABLE t',
    'OPTIMIZE TABLE t',
    'REPAIR TABLE t',
    { mariadb: 'CREATE SEQUENCE s' },
    { mariadb: 'ALTER SEQUENCE s RESTART 5' },
    { mariadb: 'DROP SEQUENCE s' },
  ],
  rows: [
    'ALTER TABLE t CONVERT TO CHARACTER SET latin1',
    { mariadb: 'ALTER IGNORE TABLE t ADD UNIQUE (a)' },
    { mariadb: 'ALTER TABLE t ADD SYSTEM VERSIONING' },
    { mariadb: 'ALTER TABLE t DROP SYSTEM VERSIONING' },
    'TRUNCATE t',
  ],
  tables: [
    'CREATE TABLE u LIKE t',
    'CREATE TABLE w AS SELECT * FROM t',
    'RENAME TABLE t TO x, u TO t, x TO u',
    'ALTER TABLE u RENAME TO x, ADD e int',
    'CREATE TABLE IF NOT EXISTS `a``b c` (a int)',
    'ALTER TABLE `a``b c` ADD `d"e` int',
    'CREATE TEMPORARY TABLE temporary (q int)',
    'DROP TEMPORARY TABLE temporary',
    'DROP TABLE IF EXISTS x, `a``b c`, nowhere',
    { mariadb: 'CREATE OR REPLACE TABLE t (z int)' },
    { mariadb: 'RENAME TABLES w WAIT 5 TO y' },
    { mariadb: 'SET STATEMENT lock_wait_timeout=5 FOR DROP TABLE t' },
  ],
  partitions: [
    'ALTER TABLE p REORGANIZE PARTITION p0, p1 INTO (PARTITION p01 VALUES LESS THAN (20))',
    'ALTER TABLE p REBUILD PARTITION p01, p2',
    'ALTER TABLE p ANALYZE PARTITION p01, p2',
    'ALTER TABLE p ADD PARTITION (PARTITION p3 VALUES LESS THAN (40), PARTITION p4 VALUES LESS THAN (50))',
    'ALTER TABLE p DROP PARTITION p2, p3',
    'CREATE TABLE x (a int, b int)',
    'ALTER TABLE p EXCHANGE PARTITION p01 WITH TABLE x',
    'ALTER TABLE p TRUNCATE PARTITION ALL',
    { mariadb: 'ALTER TABLE p CONVERT PARTITION p4 TO TABLE y' },
    { mariadb: 'ALTER TABLE p CONVERT TABLE y TO PARTITION p5 VALUES LESS THAN (60)' },
    'ALTER TABLE p ADD z int FIRST PARTITION BY HASH (a) PARTITIONS 3',
    'ALTER TABLE p COALESCE PARTITION 1',
    'ALTER TABLE p DROP z REMOVE PARTITIONING',
  ],
};

describe.each(FLAVOURS)('%s', (flavour) => {
  let database: TestMysqlDatabase;
  beforeAll(async () => {
    database = await sharedMysql(flavour).createDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  it.each(Object.keys(CASES))('does what is made of its log: %s', async (name) => {
    const steps = new ServerSteps(database, { ansi: false });
    await steps.prepare("SET sql_mode = ''", 'DROP TABLE IF EXISTS t, p, u, w, x, y, `a``b c`');
    await steps.prepare(TABLE, ROWS, PARTED, PARTED_ROWS);
    for (const step of CASES[name]!) {
      const sql = typeof step === 'string' ? step : step[flavour];
      if (sql?.startsWith('DELETE')) await steps.prepare(sql);
      else if (sql !== undefined) expect(await steps.check(sql), sql).toBeNull();
    }
  });

  it.each([false, true])('does what is made of random ALTERs, ANSI_QUOTES %s', async (ansi) => {
    const seed = freshSeed();
    const random = draws(seed);
    const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
    const steps = new ServerSteps(database, { ansi });
    let names: readonly string[] = [];
    let taken = 0;
    await steps.prepare(`SET sql_mode = '${ansi ? 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES' : ''}'`);
    for (let i = 0; i < 80; i++) {
      if (i % 10 === 0) {
        names = ['a', 'b', 'c', 'd', 'e', pick(NEW_NAMES)];
        const columns = names.map((one) => `\`${one.replaceAll('`', '``')}\` int`).join(', ');
        await steps.prepare(
          'DROP TABLE IF EXISTS r',
          `CREATE TABLE r (${columns})`,
          'INSERT INTO r VALUES (1, 2, 3, 4, 5, 6), (7, NULL, 8, 9, 0, 11)',
        );
      }
      const alter = randomAlter(names, pick, ansi);
      if (alter.clauses === '') continue;
      const sql = `ALTER TABLE r ${alter.clauses}`;
      try {
        expect(await steps.check(sql), `seed ${seed}: ${sql}`).toBeNull();
      } catch (error) {
        // A table of hidden or generated columns alone, an instant change that has to copy, and the like.
        if (!(error instanceof Error && 'errno' in error)) throw error;
        continue;
      }
      names = alter.names;
      taken++;
    }
    expect(taken, `seed ${seed}`).toBeGreaterThan(40);
  });
});

it('reads random ALTERs as they were meant', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0 }), fc.boolean(), (drawn, ansi) => {
      const random = draws(drawn);
      const alter = randomAlter(['a', 'b', 'c', 'd', 'e', 'f'], (list) => list[random(list.length)]!, ansi);
      const context = { schema: 's', flavour: 'mysql', ansiQuotes: ansi, noBackslashEscapes: ansi } as const;
      expect(classify(`ALTER TABLE t ${alter.clauses}`, context)).toEqual({
        kind: 'tables',
        effects: [{ kind: 'altered', table: { schema: 's', table: 't' }, columns: alter.columns }],
      });
    }),
    { seed: freshSeed(), numRuns: 2000 },
  );
});

/** Numbers below `n`, always the same for a seed (mulberry32). */
function draws(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

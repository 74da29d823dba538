import { describe, expect, it } from 'vitest';
import { FLAVOURS } from '../../../../tests/support/mysql.ts';
import { Following } from './testing/following.ts';
import type { RecordingLog } from './testing/recording-log.ts';

const T = 'CREATE TABLE t (id int PRIMARY KEY, v varchar(20))';
const never = new AbortController().signal;

const transaction = (...lines: string[]): string[] => ['begin', ...lines, 'commit'];

function schemas(sink: RecordingLog): string[] {
  return sink.events.flatMap((event) => {
    if (event.kind !== 'ddl' || event.event.kind !== 'schema') return [];
    const table = event.event.relation.table!;
    const filled = table.filledColumns.map(
      (id) => table.schema.columns.find((column) => column.sourceId === id)?.name ?? 'gone',
    );
    const columns = table.schema.columns.map(
      ({ name, sourceId, native }) =>
        `${name}:${sourceId < 1 << 16 ? sourceId : 'new'}:${native.split(' ')[0]}`,
    );
    return [[...columns, ...filled.map((name) => `filled:${name}`)].join(' ')];
  });
}

describe.each(FLAVOURS)('DDL in the log of %s', (flavour) => {
  const int = flavour === 'mysql' ? 'int' : 'int(11)';

  it('changes the columns from its place on', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    const steps = [
      'ALTER TABLE t ADD COLUMN n int FIRST, ADD d int DEFAULT 5',
      'ALTER TABLE t RENAME COLUMN v TO w',
      'ALTER TABLE t CHANGE w x varchar(30), MODIFY n bigint AFTER id',
      'ALTER TABLE t DROP COLUMN d, ADD COLUMN d int',
      'ALTER TABLE t ADD INDEX (n)',
    ];
    const stories: string[] = [];
    for (const [index, step] of steps.entries()) {
      await following.run(step, `INSERT INTO t (id) VALUES (${index})`);
      stories.push(...(await following.story()).slice(stories.length));
    }
    expect(stories).toEqual([
      ...transaction('schema t n,id,v,d'),
      ...transaction('I t ~,0,~,5'),
      ...transaction('schema t n,id,w,d'),
      ...transaction('I t ~,1,~,5'),
      ...transaction('schema t id,n,x,d'),
      ...transaction('I t 2,~,~,5'),
      ...transaction('schema t id,n,x,d'),
      ...transaction('I t 3,~,~,~'),
      ...transaction('I t 4,~,~,~'),
    ]);
    const bigint = flavour === 'mysql' ? 'bigint' : 'bigint(20)';
    expect(schemas(following.sink)).toEqual([
      `n:new:${int} id:1:${int} v:2:varchar(20) d:new:${int} filled:d`,
      `n:new:${int} id:1:${int} w:2:varchar(20) d:new:${int} filled:d`,
      `id:1:${int} n:new:${bigint} x:2:varchar(30) d:new:${int} filled:d`,
      `id:1:${int} n:new:${bigint} x:2:varchar(30) d:new:${int} filled:gone`,
    ]);
  });

  it('is loaded anew where the catalog is ahead of the log', async () => {
    await using following = await Following.open(flavour, [T, 'CREATE TABLE u (id int PRIMARY KEY, v int)']);
    const from = await following.source.attach(null, never);
    const tables = await following.tables();
    await following.run(
      'INSERT INTO t VALUES (1, 1)',
      'ALTER TABLE t ADD a int',
      'INSERT INTO t VALUES (2, 2, 2)',
      'ALTER TABLE t DROP v',
      'INSERT INTO t VALUES (3, 3)',
      'ALTER TABLE u ADD a int',
      'INSERT INTO u VALUES (1, 1, 1)',
    );
    await following.start(from, tables);
    expect(await following.story()).toEqual([
      ...transaction('I t 1,1'),
      ...transaction('gap t'),
      ...transaction('gap t'),
      ...transaction('schema u id,v,a'),
      ...transaction('I u 1,1,1'),
    ]);
  });

  it('never lets rows be read under a schema that is not theirs', async () => {
    await using following = await Following.open(flavour, [T]);
    const from = await following.source.attach(null, never);
    await following.run(
      "INSERT INTO t VALUES (1, '7')",
      'ALTER TABLE t MODIFY v int FIRST',
      'INSERT INTO t VALUES (5, 2)',
    );
    // As the engine is when its load began behind the change, and the log is read from before it.
    await following.start(from, await following.tables());
    expect((await following.story()).slice(0, 2)).toEqual(['begin', 'gap t']);
    expect(following.sink.story.some((line) => line.startsWith('I'))).toBe(false);
  });

  it('empties, drops and makes tables', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    await following.run(
      "INSERT INTO t VALUES (1, 'a')",
      'TRUNCATE t',
      'CREATE TABLE IF NOT EXISTS t (id int)',
      "INSERT INTO t VALUES (2, 'a')",
      'DROP TABLE t',
      'CREATE TABLE t (a int PRIMARY KEY)',
      'INSERT INTO t VALUES (3)',
    );
    expect(await following.story()).toEqual([
      ...transaction('I t 1,a'),
      ...transaction('truncate t'),
      ...transaction('I t 2,a'),
      ...transaction('dropped t'),
      ...transaction('made t'),
    ]);
  });

  it('that makes a table again, whose end was not told, is another table whatever else it says', async () => {
    await using following = await Following.open(flavour, [T, 'CREATE TABLE u (id int PRIMARY KEY)']);
    await following.start();
    await following.run(
      'SET sql_log_bin = 0',
      'DROP TABLE t, u',
      'SET sql_log_bin = 1',
      "CREATE TABLE t (id int PRIMARY KEY, v varchar(20) DEFAULT 'if not exists')",
      "CREATE TABLE u (id int PRIMARY KEY) COMMENT 'create table if not exists u'",
    );
    expect(await following.story()).toEqual([...transaction('gap t'), ...transaction('gap u')]);
  });

  it('that would make a table which is there does nothing, also in a database that was dropped once', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    const { name } = following.database;
    const make = `CREATE TABLE IF NOT EXISTS ${name}.t (id int)`;
    await following.run(`DROP DATABASE ${name}`, `CREATE DATABASE ${name}`, make);
    expect(await following.story()).toEqual([...transaction('dropped t'), ...transaction('made t')]);
    following.sink.follow(...(await following.tables()));
    await following.run(make, make, `INSERT INTO ${name}.t VALUES (1)`);
    expect((await following.story()).slice(6)).toEqual(transaction('I t 1'));
  });

  it('drops all tables of a database', async () => {
    await using following = await Following.open(flavour, [T, 'CREATE TABLE u (id int PRIMARY KEY)']);
    await following.start();
    const { name } = following.database;
    await following.run(
      `DROP DATABASE ${name}`,
      `CREATE DATABASE ${name}`,
      `CREATE TABLE ${name}.t (id int)`,
    );
    expect(await following.story()).toEqual([
      ...transaction('dropped t', 'dropped u'),
      ...transaction('made t'),
    ]);
  });

  it('renames', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    await following.run(
      'RENAME TABLE t TO u',
      "INSERT INTO u VALUES (1, 'a')",
      'ALTER TABLE u RENAME TO v, ADD COLUMN a int',
      "INSERT INTO v VALUES (2, 'a', 5)",
    );
    expect(await following.story()).toEqual([
      ...transaction('renamed t u'),
      ...transaction('I u 1,a'),
      ...transaction('schema u id,v,a', 'renamed u v'),
      ...transaction('I v 2,a,5'),
    ]);
  });

  it('cuts over to a copy', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    await following.run(
      'CREATE TABLE _t_gho LIKE t',
      'ALTER TABLE _t_gho ADD COLUMN a int',
      'INSERT INTO _t_gho SELECT id, v, 1 FROM t',
      'RENAME TABLE t TO _t_del, _t_gho TO t',
      "INSERT INTO t VALUES (1, 'a', 1)",
      'DROP TABLE _t_del',
    );
    expect(await following.story()).toEqual([
      ...transaction('made _t_gho'),
      ...transaction('gap _t_gho'),
      ...transaction('made _t_del', 'gap t', 'dropped _t_gho'),
      ...transaction('dropped _t_del'),
    ]);
  });

  it('made with its rows in one transaction', async () => {
    await using following = await Following.open(flavour, [T, "INSERT INTO t VALUES (1, 'a')"]);
    await following.start();
    await following.run('CREATE TABLE c AS SELECT * FROM t', "INSERT INTO t VALUES (2, 'a')");
    expect(await following.story()).toEqual([...transaction('made c'), ...transaction('I t 2,a')]);
  });

  it('moves partitions: rows come and go without a trace', async () => {
    await using following = await Following.open(flavour, [
      'CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))',
      'CREATE TABLE q (id int PRIMARY KEY)',
    ]);
    await following.start();
    await following.run('INSERT INTO p VALUES (1), (11)', 'ALTER TABLE p EXCHANGE PARTITION p1 WITH TABLE q');
    const story = await following.story();
    expect(story.slice(0, 4)).toEqual(transaction('I p 1', 'I p 11'));
    expect([...new Set(story.slice(4))].toSorted()).toEqual(['begin', 'commit', 'gap p', 'gap q']);
  });

  it('of statements as text stops their tables, and no other', async () => {
    await using following = await Following.open(flavour, [T, 'CREATE TABLE u (id int PRIMARY KEY)']);
    await following.start();
    await following.run(
      "SET SESSION binlog_format = 'STATEMENT'",
      "INSERT INTO t VALUES (1, 'a')",
      "SET SESSION binlog_format = 'ROW'",
      'INSERT INTO u VALUES (1)',
    );
    expect(await following.story()).toEqual([
      ...transaction('trouble t BINLOG_STATEMENT'),
      ...transaction('I u 1'),
    ]);
  });

  it('that is not understood, or is none of ours', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    await following.run(
      'CREATE VIEW w AS SELECT * FROM t',
      'CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.v = UPPER(NEW.v)',
      "INSERT INTO t VALUES (1, 'a')",
      'CREATE INDEX i ON t (v)',
      'DROP INDEX i ON t',
      'ANALYZE TABLE t',
      'OPTIMIZE TABLE t',
      'DROP TRIGGER g',
      'DROP VIEW w',
      "UPDATE t SET v = 'b'",
    );
    const story = (await following.story()).filter((line) => line !== 'begin' && line !== 'commit');
    expect(story).toEqual(['I t 1,A', 'U t 1,b']);
  });
});

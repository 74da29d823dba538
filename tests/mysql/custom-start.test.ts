import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { FLAVOURS, startMysql, type TestMysqlDatabase } from '../support/mysql.ts';

const MINUTES = 300_000;

async function clock(database: TestMysqlDatabase): Promise<number> {
  const [[text = '0'] = []] = await database.rows('SELECT UNIX_TIMESTAMP(NOW(6))');
  return Math.floor(Number(text));
}

/** The server's clock in the next whole second: MariaDB's log tells seconds only. */
async function nextSecond(lake: TestLake, database: TestMysqlDatabase): Promise<string> {
  const begun = await clock(database);
  const second = await lake.until(async () => {
    const now = await clock(database);
    return now > begun ? now : null;
  });
  return new Date(second * 1000).toISOString();
}

async function head(database: TestMysqlDatabase): Promise<string> {
  const of = database.flavour === 'mysql' ? 'BINARY LOG STATUS' : 'MASTER STATUS';
  const [[file, offset] = []] = await database.rows(`SHOW ${of}`);
  return `${file}:${offset}`;
}

it.each(FLAVOURS)(
  "%s: a start from a place of one's choice applies exactly what follows it",
  async (flavour) => {
    await using server = await startMysql(flavour);
    await using database = await server.createDatabase('chosen');
    await using lake = await TestLake.start();
    const rows = async () => (await lake.sql('SELECT id, n FROM chosen.placed ORDER BY id')).rows;
    await database.query('CREATE TABLE placed (id int PRIMARY KEY, n int)');
    await database.query('INSERT INTO placed VALUES (1, 1), (2, 2)');
    const time = await nextSecond(lake, database);
    await database.query('INSERT INTO placed VALUES (3, 3)');
    await database.query('FLUSH BINARY LOGS');
    const behind = await head(database);
    await database.query('INSERT INTO placed VALUES (4, 4)');
    await database.query('DELETE FROM placed WHERE id = 3');
    await lake.createMirror('chosen', database.connection, { type: flavour, syncMode: 2 });

    // Of a task that never ran, and by time: what came before is not there.
    await lake.start('chosen', { from: 'custom', time });
    await lake.caughtUp('chosen');
    expect(await rows()).toEqual([[4, 4]]);
    expect((await lake.newestRun('chosen'))?.startPosition).toMatch(/^binlog\.\d+:\d+\|/);
    await database.query('UPDATE placed SET n = 44 WHERE id = 4');
    await lake.caughtUp('chosen');
    await lake.stop('chosen');

    // Back again: what follows is applied once more to what is there, and ends as it was.
    await database.query('INSERT INTO placed VALUES (5, 5)');
    await lake.start('chosen', { from: 'custom', position: behind });
    await lake.caughtUp('chosen');
    expect(await rows()).toEqual([
      [4, 44],
      [5, 5],
    ]);
    await lake.stop('chosen');

    // Forward: what lies between is left out.
    await database.query('INSERT INTO placed VALUES (6, 6)');
    const later = await head(database);
    await database.query('INSERT INTO placed VALUES (7, 7)');
    await lake.start('chosen', { from: 'custom', position: later });
    await lake.caughtUp('chosen');
    const expected = [
      [4, 44],
      [5, 5],
      [7, 7],
    ];
    expect(await rows()).toEqual(expected);
    await lake.stop('chosen');

    // Gone: refused before there is a run; nothing was touched, and the task goes on from where it was.
    const before = await lake.status('chosen');
    for (let i = 0; i < 3; i++) await database.query('FLUSH BINARY LOGS');
    const [newest] = (await database.rows('SHOW BINARY LOGS')).at(-1) ?? [];
    await lake.until(async () => {
      await database.query(`PURGE BINARY LOGS TO '${newest}'`);
      const [[oldest] = []] = await database.rows('SHOW BINARY LOGS');
      return oldest === newest;
    });
    for (const wrong of [{ position: behind }, { time }])
      await expect(lake.start('chosen', { from: 'custom', ...wrong })).rejects.toMatchObject({
        code: 'POSITION_EXPIRED',
      });
    await expect(
      lake.start('chosen', { from: 'custom', position: `${newest}:99999999` }),
    ).rejects.toMatchObject({ code: 'POSITION_AHEAD' });
    await expect(lake.start('chosen', { from: 'custom', position: 'then' })).rejects.toMatchObject({
      code: 'POSITION_INVALID',
    });
    expect(await lake.status('chosen')).toEqual(before);
    expect(await rows()).toEqual(expected);
  },
  MINUTES,
);

it.each(FLAVOURS)(
  '%s: a start from a place of choice while tables load loads these anew, and leaves no gap',
  async (flavour) => {
    await using server = await startMysql(flavour);
    await using database = await server.createDatabase('gap');
    await using lake = await TestLake.start();
    await database.query('CREATE TABLE small (id int PRIMARY KEY, n int)');
    await database.query('INSERT INTO small VALUES (1, 1)');
    await database.query('CREATE TABLE large (id int PRIMARY KEY, n int, pad varchar(500))');
    await database.query(
      `INSERT INTO large WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 900)
       SELECT a.i * 1000 + b.i, 0, REPEAT('x', 400) FROM s a JOIN s b WHERE a.i <= 200`,
    );
    await lake.createMirror('gap', database.connection, {
      type: flavour,
      parameters: { chunk_size: '1MB', full_load_concurrency: '1' },
    });
    await lake.start('gap');
    await lake.until(async () =>
      (await lake.tables('gap')).some((table) => table.state === 'loading' && table.rowsLoaded > 0),
    );
    await lake.stop('gap');
    const [loading] = (await lake.tables('gap')).filter((table) => table.source.table === 'large');
    expect(loading?.state).toBe('loading');
    // A change of rows that are loaded already, in what is left out.
    await database.query('UPDATE large SET n = 1 WHERE id < 20000');
    await database.query('DELETE FROM large WHERE id % 7 = 0');
    const position = await head(database);
    await database.query('UPDATE large SET n = 2 WHERE id % 3 = 0');
    await lake.start('gap', { from: 'custom', position });
    await lake.caughtUp('gap', 120);
    expect(await lake.differences(database.connection)).toEqual([]);
  },
  MINUTES,
);

it.each(FLAVOURS)(
  '%s: going back over DDL and over rows without a key',
  async (flavour) => {
    await using server = await startMysql(flavour);
    await using database = await server.createDatabase('back');
    await using lake = await TestLake.start();
    for (const table of ['added', 'renamed', 'swapped', 'gone', 'widened'])
      await database.query(`CREATE TABLE ${table} (id int PRIMARY KEY, a int, b int)`);
    await database.query('CREATE TABLE plain (id int PRIMARY KEY, a int, b int)');
    await database.query('CREATE TABLE keyless (a int, b int)');
    await lake.createMirror('back', database.connection, { type: flavour });
    await lake.start('back');
    await lake.caughtUp('back');
    const position = await head(database);
    for (const table of ['added', 'renamed', 'swapped', 'gone', 'widened'])
      await database.query(`INSERT INTO ${table} VALUES (1, 10, 20), (2, 11, 21)`);
    await database.query('INSERT INTO keyless VALUES (1, 1), (2, 2), (2, 2)');
    await database.query('ALTER TABLE added ADD COLUMN c int DEFAULT 7');
    await database.query('ALTER TABLE renamed RENAME COLUMN b TO z');
    await database.query('ALTER TABLE swapped RENAME COLUMN a TO b, RENAME COLUMN b TO a');
    await database.query('ALTER TABLE gone DROP COLUMN a');
    await database.query('ALTER TABLE widened MODIFY b bigint');
    await database.query('INSERT INTO added VALUES (3, 1, 2, 3)');
    for (const table of ['renamed', 'swapped', 'widened'])
      await database.query(`INSERT INTO ${table} VALUES (3, 12, 22)`);
    await database.query('INSERT INTO gone VALUES (3, 22)');
    await database.query('DELETE FROM keyless WHERE a = 2 LIMIT 1');
    await lake.caughtUp('back');
    expect(await lake.differences(database.connection)).toEqual([]);
    await lake.stop('back');
    await lake.start('back', { from: 'custom', position });
    await lake.caughtUp('back');
    expect(await lake.differences(database.connection)).toEqual([]);
    const loaded = async () =>
      (await lake.tables('back')).flatMap(({ source, rowsLoaded }) => (rowsLoaded > 0 ? source.table : []));
    expect(await loaded()).toEqual(['added', 'gone', 'keyless', 'renamed', 'swapped', 'widened']);
    await lake.stop('back');

    // Forward over DDL that is not read: what was defined anew is loaded anew, and nothing else.
    await database.query('ALTER TABLE renamed RENAME COLUMN a TO z, RENAME COLUMN z TO a');
    await database.query('ALTER TABLE plain ADD COLUMN c int DEFAULT 5');
    const later = await head(database);
    await database.query('INSERT INTO added VALUES (4, 1, 2, 3)');
    await database.query('INSERT INTO renamed VALUES (4, 12, 22)');
    await database.query('INSERT INTO plain VALUES (4, 12, 22, 9)');
    await lake.start('back', { from: 'custom', position: later });
    await lake.caughtUp('back');
    expect(await lake.differences(database.connection)).toEqual([]);
    const log = await lake.attemptLog('back');
    const anew = [...log.matchAll(/"table":"back\.(\w+)","reason":/g)].map(([, table]) => table);
    expect(anew.sort()).toEqual(['plain', 'renamed']);
  },
  MINUTES,
);

it.each(FLAVOURS)(
  '%s: a first start from before DDL, changes only',
  async (flavour) => {
    await using server = await startMysql(flavour);
    await using database = await server.createDatabase('first');
    await using lake = await TestLake.start();
    await database.query('CREATE TABLE swapped (id int PRIMARY KEY, a int, b int)');
    await database.query('CREATE TABLE same (id int PRIMARY KEY, a int)');
    await database.query('INSERT INTO same VALUES (1, 1)');
    const position = await head(database);
    await database.query('INSERT INTO swapped VALUES (1, 10, 20)');
    await database.query('INSERT INTO same VALUES (2, 2)');
    await database.query('ALTER TABLE swapped RENAME COLUMN a TO b, RENAME COLUMN b TO a');
    await lake.createMirror('first', database.connection, { type: flavour, syncMode: 2 });
    await lake.start('first', { from: 'custom', position });
    await lake.caughtUp('first');
    expect((await lake.sql('SELECT id, a, b FROM first.swapped')).rows).toEqual([[1, 20, 10]]);
    expect((await lake.sql('SELECT id, a FROM first.same')).rows).toEqual([[2, 2]]);
  },
  MINUTES,
);

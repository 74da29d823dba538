import { describe, expect, it } from 'vitest';
import { FLAVOURS, sharedMysql, startMysql } from '../../../../tests/support/mysql.ts';
import { freshSeed } from '../../../../tests/support/seed.ts';
import { parseCsv } from '../postgres/testing/csv.ts';
import { fetchRows } from './rows.ts';
import { copyAll, describeTable, loadTable, never, snapshotOf } from './testing/loading.ts';

/** ER_NO_SUCH_THREAD. */
const NO_SUCH_THREAD = 1094;

const sorted = (rows: (string | null)[][]) => rows.toSorted((x, y) => Number(x[0]) - Number(y[0]));

describe.each(FLAVOURS)('a snapshot of %s', (flavour) => {
  const server = sharedMysql(flavour);

  it('holds every row once, in chunks of the key, and of a table without one in one go', async () => {
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE a (id int PRIMARY KEY, t varchar(200))');
    await db.query('CREATE TABLE b (n int, t varchar(200))');
    const client = await db.client();
    for (let at = 0; at < 20_000; at += 2000)
      await client.query('INSERT INTO a VALUES ?', [
        Array.from({ length: 2000 }, (_, i) => [at + i, `text "${at + i}",\n${'x'.repeat(i % 100)}`]),
      ]);
    await client.query('INSERT INTO b SELECT * FROM a; ANALYZE TABLE a, b');
    const expected = Array.from({ length: 20_000 }, (_, i) => [
      String(i),
      `text "${i}",\n${'x'.repeat((i % 2000) % 100)}`,
    ]);
    const a = await loadTable(db, 'a', 100_000);
    expect(a.chunks.length).toBeGreaterThan(8);
    expect(sorted(a.rows)).toEqual(expected);
    const b = await loadTable(db, 'b', 600_000);
    expect(b.chunks.filter((count) => count > 0).length).toBeGreaterThan(1);
    expect(sorted(b.rows)).toEqual(expected);
  });

  it('of a table with a key holds each row that was there when it was planned, while rows come, go and move', async () => {
    await using db = await server.createDatabase();
    const client = await db.client();
    await client.query('CREATE TABLE a (id int PRIMARY KEY, t varchar(100))');
    for (let at = 0; at < 20_000; at += 2000)
      await client.query('INSERT INTO a VALUES ?', [
        Array.from({ length: 2000 }, (_, i) => [2 * (at + i), 'x'.repeat(90)]),
      ]);
    await client.query('ANALYZE TABLE a');
    await using snapshot = await snapshotOf(db, await describeTable(db, 'a'));
    expect(snapshot.visibility).toEqual({ kind: 'none' });
    expect(Math.abs(Number(snapshot.takenAt) / 1000 - Date.now())).toBeLessThan(60_000);
    const chunks = await snapshot.plan(100_000);
    expect(JSON.parse(JSON.stringify(chunks))).toEqual(chunks);
    await client.query(
      'DELETE FROM a WHERE id < 1000; INSERT INTO a VALUES (-5, NULL), (50001, NULL), (2001, NULL)',
    );
    const parts: Buffer[] = [];
    for (const chunk of chunks.toReversed())
      await snapshot.copy(chunk, async (lines) => void parts.push(Buffer.from(lines)), never);
    const ids = parseCsv(Buffer.concat(parts).toString()).map(([id]) => Number(id));
    expect(new Set(ids).size).toBe(ids.length);
    // What is greater than all that there was comes through the log.
    const expected = [-5, 2001, ...Array.from({ length: 19_500 }, (_, i) => 1000 + 2 * i)];
    expect(ids.toSorted((x, y) => x - y)).toEqual(expected.toSorted((x, y) => x - y));
  });

  it('has each value as text of a line', async () => {
    await using db = await server.createDatabase();
    await db.query(
      `CREATE TABLE a (id int PRIMARY KEY, f float, d double, n decimal(40,5), u bigint unsigned, y year, b1 bit(1), b9 bit(9),
         bin binary(4), vb varbinary(4), t text CHARACTER SET latin1, e enum('a','b,c'), s set('x','y'), tm time(3), ts timestamp(2) NULL, j json, g geometry)`,
    );
    const client = await db.client();
    await client.query("SET sql_mode = '', time_zone = '+05:00'");
    await client.query(
      `INSERT INTO a VALUES (1, 1.1, -0e0, 1.5, 18446744073709551615, 0, b'1', b'100000001', 'a', 'b ', 'é"', 'b,c', 'x,y', '-838:59:59', '2024-05-06 07:08:09.12', '{"a": 12345678901234567890}', ST_GeomFromText('POINT(1 2.5)', 3857)),
        (2, 16777217, 1e-310, NULL, NULL, 2024, NULL, NULL, NULL, NULL, '', NULL, '', NULL, NULL, NULL, NULL)`,
    );
    const { rows } = await loadTable(db, 'a');
    expect(rows.map((row) => row.slice(0, 2))).toEqual([
      ['1', '1.100000023841858'],
      ['2', '16777216'],
    ]);
    expect(rows[0]!.slice(2)).toEqual([
      // MariaDB stores no negative zero.
      flavour === 'mysql' ? '-0' : '0',
      '1.50000',
      '18446744073709551615',
      '0000',
      '1',
      '\\x0101',
      '\\x61000000',
      '\\x6220',
      'é"',
      'b,c',
      'x,y',
      '-838:59:59.000',
      '2024-05-06 02:08:09.12',
      '{"a": 12345678901234567890}',
      'SRID=3857;POINT(1 2.5)',
    ]);
    expect(Number(rows[1]![2])).toBe(1e-310);
    expect(rows[1]!.slice(3)).toEqual([
      null,
      null,
      '2024',
      null,
      null,
      null,
      null,
      '',
      null,
      '',
      null,
      null,
      null,
      null,
    ]);
  });

  it('has every float exactly', async () => {
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE a (id int PRIMARY KEY, f float)');
    const seed = freshSeed();
    let state = seed;
    const bits = new DataView(new ArrayBuffer(4));
    const floats = Array.from({ length: 5000 }, (_, i) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bits.setUint32(0, state);
      const value = bits.getFloat32(0);
      return [i, Number.isFinite(value) ? value : 0];
    });
    floats.push(
      [5000, flavour === 'mysql' ? -0 : 0],
      [5001, 2 ** -149],
      [5002, 3.4028234663852886e38],
      [5003, -(2 ** -126)],
    );
    await (await db.client()).query(
      `INSERT INTO a VALUES ${floats.map(([i, f]) => `(${i}, ${Object.is(f, -0) ? '-0e0' : f})`).join(', ')}`,
    );
    const { rows } = await loadTable(db, 'a');
    const wrong = sorted(rows).filter(([, text], i) => !Object.is(Number(text), Math.fround(floats[i]![1]!)));
    expect(wrong, `seed ${seed}`).toEqual([]);
  });

  it('tells of dates that are none', async () => {
    await using db = await server.createDatabase();
    const client = await db.client();
    await client.query(
      "SET sql_mode = ''; CREATE TABLE a (id int PRIMARY KEY, d date); INSERT INTO a VALUES (1, '2024-02-29'), (2, '2024-05-00')",
    );
    for (const [where, lossy] of [
      ['id = 2', false],
      ['id = 9', true],
    ] as const) {
      if (!lossy)
        await client.query(`CREATE TABLE b LIKE a; INSERT INTO b SELECT * FROM a WHERE NOT ${where}`);
      await using snapshot = await snapshotOf(db, await describeTable(db, lossy ? 'a' : 'b'));
      const [chunk] = await snapshot.plan(1e9);
      expect((await snapshot.copy(chunk!, async () => undefined, never)).lossy).toBe(lossy);
    }
  });

  it('waits for the writer, and holds no more than its buffers meanwhile; a value of 40 MB is no matter', async () => {
    await using db = await server.createDatabase();
    const client = await db.client();
    await client.query(
      "CREATE TABLE a (id int PRIMARY KEY, t longtext); INSERT INTO a VALUES (1, 'a'), (2, REPEAT('x\"', 20000000)), (3, 'b')",
    );
    for (let i = 0; i < 20; i++) await client.query(`INSERT INTO a VALUES (${10 + i}, REPEAT('y', 1000000))`);
    await using snapshot = await snapshotOf(db, await describeTable(db, 'a'));
    const [chunk, ...others] = await snapshot.plan(1e12);
    expect(others).toEqual([]);
    let writing = 0;
    let bytes = 0;
    const done = await snapshot.copy(
      chunk!,
      async (lines) => {
        expect(++writing).toBe(1);
        expect(lines.length).toBeLessThan(1_100_000);
        const first = lines.toString('latin1');
        await new Promise((resolve) => setImmediate(resolve));
        // The buffer is the writer's until it is done.
        expect(lines.toString('latin1') === first).toBe(true);
        bytes += lines.length;
        writing--;
      },
      never,
    );
    expect(done).toMatchObject({ rows: 23, longestLine: 60_000_000 + 5 });
    expect(bytes).toBe(60_000_000 + 5 + 2 * 6 + 20 * 1_000_006);
  });

  it('a writer that fails, an abort or a KILL ends the chunk; the snapshot goes on', async () => {
    await using db = await server.createDatabase();
    const client = await db.client();
    await client.query('CREATE TABLE a (id int PRIMARY KEY, t text)');
    for (let at = 0; at < 20_000; at += 2000)
      await client.query('INSERT INTO a VALUES ?', [
        Array.from({ length: 2000 }, (_, i) => [at + i, 'x'.repeat(500)]),
      ]);
    await using snapshot = await snapshotOf(db, await describeTable(db, 'a'));
    const [chunk] = await snapshot.plan(1e12);
    await expect(snapshot.copy(chunk!, () => Promise.reject(new Error('disk full')), never)).rejects.toThrow(
      'disk full',
    );
    const stop = new AbortController();
    await expect(
      snapshot.copy(chunk!, async () => stop.abort(new Error('enough')), stop.signal),
    ).rejects.toThrow('enough');
    const kill = async (what: string): Promise<void> => {
      const [running] = await db.rows(
        `SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '${db.connection.username}' AND INFO LIKE 'SELECT%a%'`,
      );
      // Between the look and the KILL a thread that was killed before may have ended.
      if (running)
        await client.query(`KILL ${what} ${running[0]}`).catch((error: { errno?: number }) => {
          if (error.errno !== NO_SUCH_THREAD) throw error;
        });
    };
    for (const what of ['QUERY', 'CONNECTION'])
      await expect(snapshot.copy(chunk!, () => kill(what), never)).rejects.toMatchObject({
        code: 'SOURCE_INTERRUPTED',
      });
    expect((await copyAll(snapshot, 1e12)).rows).toHaveLength(20_000);
    const many = await Promise.all(
      Array.from({ length: 20 }, () => snapshot.copy(chunk!, async () => undefined, never)),
    );
    expect(many.map((done) => done.rows)).toEqual(Array(20).fill(20_000));
    const connections = await db.rows(
      `SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = '${db.connection.username}'`,
    );
    expect(Number(connections[0]![0])).toBeLessThanOrEqual(10);
  });

  it('what is gone or closed to us is said with its code', async () => {
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE a (id int PRIMARY KEY)');
    const table = await describeTable(db, 'a');
    await db.query('INSERT INTO a VALUES (1)');
    await using snapshot = await snapshotOf(db, table);
    const chunks = await snapshot.plan(1000);
    await db.query('DROP TABLE a');
    await expect(snapshot.plan(1000)).rejects.toMatchObject({ code: 'TABLE_DROPPED' });
    await expect(snapshot.copy(chunks[0]!, async () => undefined, never)).rejects.toMatchObject({
      code: 'TABLE_DROPPED',
    });
    const whole = { ...table, identity: { kind: 'row' as const } };
    await expect(snapshotOf(db, whole)).rejects.toMatchObject({ code: 'TABLE_DROPPED' });
  });

  it('rows are fetched by keys of every type', async () => {
    await using db = await server.createDatabase();
    const client = await db.client();
    await client.query(
      "CREATE TABLE a (i bigint unsigned, f float, b bit(12), v varbinary(9), t varchar(20), e enum('x','y'), d datetime(3), PRIMARY KEY (i, f, b, v, t, e, d), w int)",
    );
    await client.query(
      "INSERT INTO a VALUES (18446744073709551615, 1.1, 2049, x'00ff', 'it''s \\\\', 'y', '2024-01-02 03:04:05.678', 7), (1, 2, 3, '', '', 'x', '2024-01-02', 8)",
    );
    const { name, columns } = await describeTable(db, 'a');
    const key = ['i', 'f', 'b', 'v', 't', 'e', 'd'];
    const { rows } = await loadTable(db, 'a');
    const keys = rows.map((row) => row.slice(0, 7).map((text) => text!));
    const fetch = async (some: readonly (readonly string[])[]) =>
      parseCsv((await fetchRows(db.connection, 'sluice test', name, columns, key, some, never)).toString());
    expect(sorted(await fetch(keys))).toEqual(sorted(rows));
    expect(await fetch([keys[0]!, ['1', '2', '\\x0003', '\\x', 'none', 'x', '2024-01-02']])).toEqual([
      rows[0],
    ]);
    expect(await fetch([])).toEqual([]);
  });

  it('a server that dies in the middle interrupts it', async () => {
    await using own = await startMysql(flavour);
    await using db = await own.createDatabase();
    const client = await db.client();
    await client.query('CREATE TABLE a (id int PRIMARY KEY, t text)');
    for (let at = 0; at < 40_000; at += 2000)
      await client.query('INSERT INTO a VALUES ?', [
        Array.from({ length: 2000 }, (_, i) => [at + i, 'x'.repeat(1000)]),
      ]);
    await using snapshot = await snapshotOf(db, await describeTable(db, 'a'));
    const [chunk] = await snapshot.plan(1e12);
    let killed = false;
    const copying = snapshot.copy(
      chunk!,
      async () => {
        if (!killed) {
          killed = true;
          await own.kill();
        }
      },
      never,
    );
    await expect(copying).rejects.toMatchObject({ code: 'SOURCE_INTERRUPTED' });
    await expect(snapshot.copy(chunk!, async () => undefined, never)).rejects.toMatchObject({
      code: expect.stringMatching(/SOURCE_(INTERRUPTED|UNREACHABLE)/),
    });
  }, 60_000);
});

import { describe, expect, it } from 'vitest';
import { FLAVOURS, sharedMysql } from '../../../../tests/support/mysql.ts';
import { loadTable } from './testing/loading.ts';

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
    const a = await loadTable(db, 'a', 100_000);
    const expected = Array.from({ length: 20_000 }, (_, i) => [
      String(i),
      `text "${i}",\n${'x'.repeat((i % 2000) % 100)}`,
    ]);
    expect(a.chunks.length).toBeGreaterThan(8);
    const sorted = (rows: (string | null)[][]) => rows.toSorted((x, y) => Number(x[0]) - Number(y[0]));
    expect(sorted(a.rows)).toEqual(expected);
    const b = await loadTable(db, 'b', 100_000);
    expect(sorted(b.rows)).toEqual(expected);
  });
});

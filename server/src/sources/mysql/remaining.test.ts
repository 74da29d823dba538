import { describe, expect, it } from 'vitest';
import { sharedMysql } from '../../../../tests/support/mysql.ts';
import { openSession } from './connect.ts';
import { formatPosition } from './position.ts';
import { bytesBetween, readRemaining } from './remaining.ts';
import { headOf } from './testing/log-reading.ts';

const FILES = [
  { name: 'binlog.000007', bytes: 1000 },
  { name: 'binlog.000008', bytes: 500 },
  { name: 'binlog.000009', bytes: 300 },
];
const place = (name: string, offset: number) => ({ name, offset });

describe('the bytes between two places of the log', () => {
  it('are those of the rest of the first file, of the files between, and of the last one so far', () => {
    expect(bytesBetween(FILES, place('binlog.000007', 400), place('binlog.000009', 300))).toBe(1400);
    expect(bytesBetween(FILES, place('binlog.000008', 4), place('binlog.000009', 4))).toBe(500);
    expect(bytesBetween(FILES, place('binlog.000009', 4), place('binlog.000009', 300))).toBe(296);
  });

  it('are not known where a file is gone', () => {
    expect(bytesBetween(FILES, place('binlog.000006', 4), place('binlog.000009', 4))).toBeNull();
    expect(bytesBetween(FILES, place('binlog.000007', 4), place('binlog.000010', 4))).toBeNull();
  });

  it('are none where the reader is already further', () => {
    expect(bytesBetween(FILES, place('binlog.000009', 400), place('binlog.000009', 300))).toBe(0);
  });
});

describe.each(['mysql', 'mariadb'] as const)('what is left of the log of %s', (flavour) => {
  it('is counted over the files that were begun since', async () => {
    await using db = await sharedMysql(flavour).createDatabase();
    await db.query('CREATE TABLE t (id INT, a LONGTEXT)');
    const from = formatPosition(await headOf(db.connection));
    await db.query("INSERT INTO t VALUES (1, REPEAT('x', 1000000))");
    await db.query('FLUSH BINARY LOGS');
    await db.query("INSERT INTO t VALUES (2, REPEAT('x', 1000000))");
    await db.query('FLUSH BINARY LOGS');
    const never = new AbortController().signal;
    await using session = await openSession(db.connection, { applicationName: 'test' }, never);
    const { end, bytes } = await readRemaining(session, from);
    expect(bytes).toBeGreaterThan(2_000_000);
    expect((await readRemaining(session, end)).bytes).toBeLessThan(1_000_000);
    // Of a GTID set alone nobody knows the place.
    const alone = end.split('|')[2] ?? '';
    expect((await readRemaining(session, `||${alone}`)).bytes).toBeNull();
  });
});

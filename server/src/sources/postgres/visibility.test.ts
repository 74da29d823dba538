import { describe, expect, it } from 'vitest';
import { sharedPostgres } from '../../../../tests/support/postgres.ts';
import { begin, copyAll, never, openSource, readLog } from './testing/reading.ts';
import { RecordingSink } from './testing/recording-sink.ts';
import { isVisible, type PgVisibility, parseVisibility } from './visibility.ts';

describe('visibility', () => {
  it('reads what the server writes', () => {
    expect(parseVisibility('10:20:10,14,15')).toEqual({
      kind: 'xid',
      xmin: '10',
      xmax: '20',
      xip: ['10', '14', '15'],
    });
    expect(parseVisibility('10:10:')).toEqual({ kind: 'xid', xmin: '10', xmax: '10', xip: [] });
  });

  it('below xmin yes, from xmax on no, between by the list', () => {
    const snapshot = parseVisibility('10:20:10,14');
    expect([9, 10, 11, 14, 19, 20, 21].map((xid) => isVisible(snapshot, xid))).toEqual([
      true,
      false,
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  it('over the end of the 32 bits, on either side', () => {
    const epoch = 3n << 32n;
    const across = parseVisibility(`${epoch - 5n}:${epoch + 5n}:${epoch - 3n},${epoch + 2n}`);
    const low = (value: bigint): number => Number(BigInt.asUintN(32, value));
    expect(isVisible(across, low(epoch - 6n))).toBe(true);
    expect(isVisible(across, low(epoch - 4n))).toBe(true);
    expect(isVisible(across, low(epoch - 3n))).toBe(false);
    expect(isVisible(across, low(epoch + 1n))).toBe(true);
    expect(isVisible(across, low(epoch + 2n))).toBe(false);
    expect(isVisible(across, low(epoch + 5n))).toBe(false);
    // Just before the end: the next ids have already begun anew.
    const before = parseVisibility(`${epoch - 5n}:${epoch - 1n}:${epoch - 5n}`);
    expect(isVisible(before, 3)).toBe(false);
    expect(isVisible(before, low(epoch - 2n))).toBe(true);
  });

  it('agrees with what a snapshot holds while transactions run and end around it', async () => {
    await using db = await sharedPostgres().createDatabase();
    await db.query('CREATE TABLE t (id int PRIMARY KEY)');
    await using source = await openSource(db.connection);
    const from = await begin(source);
    const [table] = await source.discover({ schemas: [], tables: [] }, never);

    const clients = await Promise.all([1, 2, 3, 4].map(() => db.client()));
    const [early, open, later, sub] = clients as [
      (typeof clients)[0],
      (typeof clients)[0],
      (typeof clients)[0],
      (typeof clients)[0],
    ];
    await open.query('BEGIN; INSERT INTO t VALUES (1)');
    await early.query('INSERT INTO t VALUES (2)');
    await sub.query('BEGIN; SAVEPOINT s; INSERT INTO t VALUES (3); RELEASE s; INSERT INTO t VALUES (4)');
    await early.query('INSERT INTO t VALUES (5)');
    let seen: ReadonlySet<string | null>;
    let visibility: PgVisibility;
    {
      await using snapshot = await source.snapshot(table!.schema, never);
      await later.query('INSERT INTO t VALUES (6)');
      await open.query('COMMIT');
      await sub.query('COMMIT');
      visibility = snapshot.visibility as PgVisibility;
      seen = new Set((await copyAll(snapshot)).map((row) => row[0] ?? null));
      const skew = Math.abs(Number(snapshot.takenAt / 1000n) - Date.now());
      expect(skew).toBeLessThan(60_000);
    }
    expect([...seen].sort()).toEqual(['2', '5']);

    const sink = new RecordingSink();
    await readLog(source, from, sink);
    const byLog = new Set<string>();
    let visible = false;
    for (const event of sink.events) {
      if (event.kind === 'begin') visible = isVisible(visibility, event.xid);
      if (event.kind === 'row' && visible) byLog.add(String(event.fields[0]));
    }
    expect([...byLog].sort()).toEqual(['2', '5']);
    expect(sink.rows('t')).toHaveLength(6);
  });
});

import { describe, expect, it } from 'vitest';
import { sharedPostgres } from '../../../../tests/support/postgres.ts';
import type { Position, Source } from '../source.ts';
import { postgresAdmin } from './admin.ts';
import { RecordingSink, UNCHANGED } from './recording-sink.ts';

const server = sharedPostgres();
const never = new AbortController().signal;
let tasks = 0;
const taskKey = (): string => `stream_${process.pid}_${tasks++}`;

/** Streams until the mark has come by, then stops. */
async function read(source: Source, from: Position, sink: RecordingSink): Promise<Position> {
  const stop = new AbortController();
  const text = `mark ${Math.random()}`;
  const streaming = source.stream(from, sink, stop.signal);
  await source.mark(text, never);
  await Promise.race([sink.marked(text), streaming]);
  stop.abort();
  await streaming;
  const last = sink.events.findLast((event) => event.kind === 'commit');
  return last?.kind === 'commit' ? last.end : from;
}

describe('the log', () => {
  it('brings inserts, updates, deletes and truncates in order, with marks, and no row before the position', async () => {
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE a (id int PRIMARY KEY, t text); CREATE TABLE b (id int PRIMARY KEY, n int)');
    await using source = await postgresAdmin.open(
      { connection: db.connection, taskKey: taskKey(), publication: null },
      never,
    );
    const tables = await source.discover({ schemas: [], tables: [] }, never);
    expect(tables.map((table) => [table.schema.name, table.schema.identity, table.refused])).toEqual([
      [{ schema: 'public', table: 'a' }, { kind: 'key', columns: [0] }, null],
      [{ schema: 'public', table: 'b' }, { kind: 'key', columns: [0] }, null],
    ]);
    await db.query("INSERT INTO a VALUES (0, 'before')");
    const from = await source.attach(null, never);
    expect(
      await source.publish(
        tables.map((table) => table.schema.name),
        never,
      ),
    ).toEqual([]);
    await db.query("BEGIN; INSERT INTO a VALUES (1, 'x'), (2, NULL); INSERT INTO b VALUES (1, 1); COMMIT");
    await db.query("UPDATE a SET t = 'y' WHERE id = 1; UPDATE a SET id = 3 WHERE id = 2; DELETE FROM b");
    await db.query('TRUNCATE a, b');
    const sink = new RecordingSink();
    const end = await read(source, from, sink);
    expect(sink.rows('a')).toEqual([
      ['I', '1', 'x'],
      ['I', '2', null],
      ['U', '1', 'y'],
      ['K', '2', null],
      ['U', '3', null],
    ]);
    expect(sink.rows('b')).toEqual([
      ['I', '1', '1'],
      ['D', '1', null],
    ]);
    expect(sink.events.filter((event) => event.kind === 'truncate').map((event) => event.table)).toEqual([
      'a',
      'b',
    ]);
    expect(source.compare(from, end)).toBe(-1);
    expect(sink.events.filter((event) => event.kind === 'relation')).toHaveLength(2);
    void UNCHANGED;
  });

  it('a snapshot holds every row, and says what it has seen', async () => {
    await using db = await server.createDatabase();
    await db.query(
      "CREATE TABLE a AS SELECT i AS id, repeat('x', i % 100) AS t FROM generate_series(1, 50000) i; ALTER TABLE a ADD PRIMARY KEY (id)",
    );
    await using source = await postgresAdmin.open(
      { connection: db.connection, taskKey: taskKey(), publication: null },
      never,
    );
    const [table] = await source.discover({ schemas: ['public'], tables: [] }, never);
    await using snapshot = await source.snapshot(table!.schema.name, table!.schema.columns, never);
    const chunks = await snapshot.plan(500_000);
    expect(chunks.length).toBeGreaterThan(5);
    const ids = new Set<string>();
    const results = await Promise.all(
      chunks.map((chunk) =>
        snapshot.copy(
          chunk,
          async (lines) => {
            expect(lines[lines.length - 1]).toBe(10);
            for (const line of lines.toString().trimEnd().split('\n')) ids.add(line.split(',')[0]!);
          },
          never,
        ),
      ),
    );
    expect(results.reduce((sum, result) => sum + result.rows, 0)).toBe(50_000);
    expect(ids.size).toBe(50_000);
    expect(Math.max(...results.map((result) => result.longestLine))).toBe('49999,'.length + 99 + 1);
  });
});

import { describe, expect, it } from 'vitest';
import { sharedPostgres, startPostgres, type TestDatabase } from '../../../../tests/support/postgres.ts';
import type { DiscoveredTable } from '../source.ts';
import { begin, loadTable, never, openSource, readLog } from './testing/reading.ts';
import { RecordingSink } from './testing/recording-sink.ts';

const server = sharedPostgres();
const all = { schemas: [], tables: [] };

async function table(db: TestDatabase, name: string): Promise<DiscoveredTable> {
  await using source = await openSource(db.connection);
  const [found] = await source.discover({ schemas: [], tables: [{ schema: 'public', table: name }] }, never);
  return found!;
}

describe('discovery', () => {
  it('finds the tables that have a log of their own, and no others', async () => {
    await using db = await server.createDatabase();
    await db.query(`CREATE TABLE plain (id int PRIMARY KEY); CREATE TABLE child (extra int, PRIMARY KEY (id)) INHERITS (plain);
      CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (1) TO (9) PARTITION BY RANGE (id);
      CREATE TABLE part_1_1 PARTITION OF part_1 FOR VALUES FROM (1) TO (5);
      CREATE VIEW v AS SELECT 1; CREATE MATERIALIZED VIEW mv AS SELECT 1; CREATE UNLOGGED TABLE u (id int PRIMARY KEY);
      CREATE TEMP TABLE tmp (id int PRIMARY KEY); CREATE SCHEMA other; CREATE TABLE other.plain (id int PRIMARY KEY);
      CREATE EXTENSION postgres_fdw; CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw; CREATE FOREIGN TABLE far (id int) SERVER s;
      CREATE TABLE owned (id int PRIMARY KEY); ALTER EXTENSION postgres_fdw ADD TABLE owned;
      INSERT INTO plain VALUES (1); INSERT INTO child VALUES (2, 2); INSERT INTO part VALUES (3); ANALYZE`);
    await using source = await openSource(db.connection);
    const names = async (
      selection: typeof all | { schemas: string[]; tables: { schema: string; table: string }[] },
    ): Promise<string[]> =>
      (await source.discover(selection, never)).map(
        ({ schema }) => `${schema.name.schema}.${schema.name.table}`,
      );
    expect(await names(all)).toEqual(['other.plain', 'public.child', 'public.part', 'public.plain']);
    expect(await names({ schemas: ['other'], tables: [{ schema: 'public', table: 'part' }] })).toEqual([
      'other.plain',
      'public.part',
    ]);
    expect(await names({ schemas: ['no such'], tables: [] })).toEqual([]);
    const tables = await source.discover({ schemas: ['public'], tables: [] }, never);
    expect(tables.map((found) => found.estimatedRows)).toEqual([1, 1, 1]);
    // What inherits is a table of its own, in the load and in the log.
    const plain = tables.find((found) => found.schema.name.table === 'plain')!.schema;
    expect(await loadTable(source, plain.name, plain.columns)).toEqual([['1']]);
    const from = await begin(source);
    await db.query('UPDATE plain SET id = id + 10');
    const sink = new RecordingSink();
    await readLog(source, from, sink);
    expect(sink.rows('plain')).toEqual([
      ['K', '1'],
      ['U', '11'],
    ]);
    expect(sink.rows('child')).toEqual([
      ['K', '2', null],
      ['U', '12', '2'],
    ]);
  });

  it('tells when rows were rewritten or emptied beside the log, and when older rows have a default', async () => {
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE a (id int PRIMARY KEY, n int); INSERT INTO a VALUES (1, 1)');
    const first = await table(db, 'a');
    expect(first.storage).not.toBe('');
    expect(first.filledColumns).toEqual([]);
    await db.query('ALTER TABLE a ADD plain int; INSERT INTO a VALUES (2)');
    expect((await table(db, 'a')).storage).toBe(first.storage);
    await db.query('ALTER TABLE a ADD filled int DEFAULT 7');
    const filled = await table(db, 'a');
    expect([filled.storage, filled.filledColumns]).toEqual([first.storage, [4]]);
    await db.query('ALTER TABLE a ALTER n TYPE bigint USING n * 2');
    expect((await table(db, 'a')).storage).not.toBe(first.storage);

    await db.query(`CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (5);
      CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (5) TO (9); INSERT INTO p VALUES (1), (6)`);
    const seen = [(await table(db, 'p')).storage];
    for (const change of [
      'TRUNCATE p1',
      'ALTER TABLE p DETACH PARTITION p2',
      'ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (5) TO (9)',
      'DROP TABLE p2',
    ]) {
      await db.query(change);
      seen.push((await table(db, 'p')).storage);
    }
    expect(new Set(seen.slice(0, 3)).size).toBe(3);
    expect(seen.slice(3)).toEqual([seen[1], seen[2]]);
    await db.query('INSERT INTO p VALUES (2); ALTER TABLE p ADD late int DEFAULT 5');
    expect((await table(db, 'p')).filledColumns).toEqual([2]);
  });

  it('tells what values show of their types, however deep that is, under names that stay', async () => {
    await using db = await server.createDatabase();
    await db.query(`CREATE TYPE mood AS ENUM ('x', 'y'); CREATE TYPE pair AS (a mood[], b text); CREATE DOMAIN deep AS pair;
      CREATE TYPE span AS RANGE (subtype = mood, multirange_type_name = spans);
      CREATE TABLE a (id int PRIMARY KEY, m mood, p deep[], s spans)`);
    const parts = async () => (await table(db, 'a')).schema.columns.map((column) => column.parts);
    const first = await parts();
    expect(first[0]).toBeUndefined();
    expect(Object.values(first[1]!)).toEqual(['x', 'y']);
    expect(first[2]).toMatchObject(first[1]!);
    expect(first[3]).toEqual(first[1]);
    await db.query("ALTER TYPE mood ADD VALUE 'z' BEFORE 'x'; ALTER TYPE pair RENAME ATTRIBUTE b TO c");
    const more = await parts();
    expect(more[2]).toMatchObject(first[2]!);
    expect(Object.values(more[1]!)).toEqual(['x', 'y', 'z']);
    await db.query("ALTER TYPE mood RENAME VALUE 'y' TO 'why'; ALTER TYPE pair ADD ATTRIBUTE d int");
    const now = await parts();
    expect(Object.keys(now[1]!)).toEqual(Object.keys(more[1]!));
    expect(Object.values(now[1]!)).toEqual(['x', 'why', 'z']);
    const other = (n: number): number =>
      Object.entries(more[n]!).filter(([part, text]) => now[n]![part] !== text).length;
    expect([other(1), other(2), other(3)]).toEqual([1, 2, 1]);
  });

  it('a partition that does not identify its rows as the table does is refused with the statement that mends it', async () => {
    await using db = await server.createDatabase();
    await db.query(`CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE "P 1" PARTITION OF p FOR VALUES FROM (1) TO (5);
      CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (5) TO (9)`);
    expect((await table(db, 'p')).refused).toBeNull();
    await db.query('ALTER TABLE "P 1" REPLICA IDENTITY NOTHING');
    const { refused } = await table(db, 'p');
    expect(refused).toMatchObject({
      code: 'TABLE_NO_IDENTITY',
      fix: 'ALTER TABLE "public"."P 1" REPLICA IDENTITY DEFAULT;',
    });
    await db.query((refused as unknown as { fix: string }).fix);
    expect((await table(db, 'p')).refused).toBeNull();
    await db.query(
      'CREATE TABLE q (n int) PARTITION BY RANGE (n); CREATE TABLE q1 PARTITION OF q FOR VALUES FROM (1) TO (5)',
    );
    for (let round = 0; round < 2; round++)
      await db.query(((await table(db, 'q')).refused as unknown as { fix: string }).fix);
    expect(await table(db, 'q')).toMatchObject({ refused: null, schema: { identity: { kind: 'row' } } });
  });

  it('waits for nobody who has a table or a partition of one to himself', async () => {
    await using db = await server.createDatabase();
    await db.query(`CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
      CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (5)`);
    await using source = await openSource(db.connection);
    const holder = await db.client();
    await holder.query('BEGIN; LOCK TABLE a, p IN ACCESS EXCLUSIVE MODE');
    const found = await source.discover(all, AbortSignal.timeout(20_000));
    expect(found.map(({ schema, refused }) => [schema.name.table, refused])).toEqual([
      ['a', null],
      ['p', null],
    ]);
  });

  it.each([18, 15] as const)(
    'generated columns are in both the load and the log, or in neither (PostgreSQL %d)',
    async (version) => {
      await using own = await startPostgres({ version });
      await using db = await own.createDatabase();
      const virtual = version === 18 ? ', v int GENERATED ALWAYS AS (n * 3) VIRTUAL' : '';
      await db.query(
        `CREATE TABLE g (id int PRIMARY KEY, n int, s int GENERATED ALWAYS AS (n * 2) STORED${virtual}); INSERT INTO g VALUES (1, 5)`,
      );
      await db.query('CREATE TABLE k (n int, s int GENERATED ALWAYS AS (n * 2) STORED PRIMARY KEY)');
      await using source = await openSource(db.connection);
      const [g, k] = await source.discover(all, never);
      expect(g!.schema.columns.map((column) => column.name)).toEqual(
        version === 18 ? ['id', 'n', 's'] : ['id', 'n'],
      );
      expect(k!.refused?.code).toBe(version === 18 ? undefined : 'TABLE_NO_IDENTITY');
      const from = await begin(source);
      await db.query('INSERT INTO g VALUES (2, 6); UPDATE g SET n = 7 WHERE id = 2');
      const sink = new RecordingSink();
      await readLog(source, from, sink);
      const told = sink.events.find((event) => event.kind === 'relation');
      expect(
        told?.kind === 'relation' &&
          told.relation.columns.map(({ name, typeId, typeModifier }) => ({ name, typeId, typeModifier })),
      ).toEqual(g!.logColumns);
      expect(sink.rows('g')).toEqual(
        version === 18
          ? [
              ['I', '2', '6', '12'],
              ['U', '2', '7', '14'],
            ]
          : [
              ['I', '2', '6'],
              ['U', '2', '7'],
            ],
      );
      expect((await loadTable(source, g!.schema.name, g!.schema.columns)).map((row) => row.length)).toEqual([
        g!.schema.columns.length,
        g!.schema.columns.length,
      ]);
    },
  );
});

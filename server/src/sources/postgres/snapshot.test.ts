import { describe, expect, it } from 'vitest';
import { sharedPostgres, startPostgres } from '../../../../tests/support/postgres.ts';
import { postgresAdmin } from './admin.ts';
import { copyAll, loadTable, never, openSource } from './testing/reading.ts';

const server = sharedPostgres();

describe('a snapshot', () => {
  it('holds every row of its moment once, while rows are updated, moved, added and deleted', async () => {
    await using db = await server.createDatabase();
    await db.query(`CREATE TABLE a (id int PRIMARY KEY, n int, t text);
      INSERT INTO a SELECT i, 0, repeat('x', i % 200) FROM generate_series(1, 30000) i`);
    await using source = await openSource(db.connection);
    const [table] = await source.discover({ schemas: ['public'], tables: [] }, never);
    await using snapshot = await source.snapshot(table!.schema, never);
    const chunks = await snapshot.plan(300_000);
    expect(chunks.length).toBeGreaterThan(8);
    expect(JSON.parse(JSON.stringify(chunks))).toEqual(chunks);
    // Every row moves to the end of the file, the first half is deleted, new ones come, and VACUUM cleans up.
    await db.query(
      'UPDATE a SET n = 1; DELETE FROM a WHERE id <= 15000; INSERT INTO a SELECT i, 1 FROM generate_series(50001, 60000) i',
    );
    await db.query('VACUUM a');
    const ids = new Set<string>();
    let wrong = 0;
    const results = await Promise.all(
      chunks.map((chunk) =>
        snapshot.copy(
          chunk,
          async (lines) => {
            if (lines[lines.length - 1] !== 10) wrong++;
            for (const line of lines.toString().trimEnd().split('\n')) {
              const [id, n] = line.split(',');
              if (n !== '0') wrong++;
              ids.add(id!);
            }
          },
          never,
        ),
      ),
    );
    expect(wrong).toBe(0);
    expect(results.reduce((sum, result) => sum + result.rows, 0)).toBe(30_000);
    expect(ids.size).toBe(30_000);
    expect(Math.max(...results.map((result) => result.longestLine))).toBe('29999,0,'.length + 199 + 1);
  });

  it('of an empty table, of a table without columns that differ, of NULLs and empty texts', async () => {
    await using db = await server.createDatabase();
    await db.query(
      "CREATE TABLE empty (id int PRIMARY KEY); CREATE TABLE one (t text); INSERT INTO one VALUES (NULL), (''), ('\\.'), (E'a\\nb')",
    );
    await using source = await openSource(db.connection);
    const tables = await source.discover({ schemas: [], tables: [] }, never);
    const [empty, one] = tables.map((table) => table.schema);
    expect(await loadTable(source, empty!.name, empty!.columns)).toEqual([]);
    expect(await loadTable(source, one!.name, one!.columns)).toEqual([[null], [''], ['\\.'], ['a\nb']]);
  });

  it('waits for the writer, and holds no more than its buffers meanwhile', async () => {
    await using db = await server.createDatabase();
    await db.query(
      'CREATE TABLE a AS SELECT i, repeat(md5(i::text), 10) AS t FROM generate_series(1, 100000) i',
    );
    await using source = await openSource(db.connection);
    const [table] = await source.discover({ schemas: [], tables: [] }, never);
    await using snapshot = await source.snapshot(table!.schema, never);
    const [chunk, ...others] = await snapshot.plan(1e12);
    expect(others).toEqual([]);
    let writing = 0;
    let calls = 0;
    let bytes = 0;
    const done = await snapshot.copy(
      chunk!,
      async (lines) => {
        expect(++writing).toBe(1);
        const first = lines.toString('latin1');
        await new Promise((resolve) => setTimeout(resolve, 5));
        // The buffer is the writer's until it is done.
        expect(lines.toString('latin1') === first).toBe(true);
        calls++;
        bytes += lines.length;
        writing--;
      },
      never,
    );
    expect(done.rows).toBe(100_000);
    expect(bytes).toBeGreaterThan(32_000_000);
    expect(calls).toBeLessThan(45);
  });

  it('a writer that fails or an abort ends the chunk; the snapshot goes on', async () => {
    await using db = await server.createDatabase();
    await db.query(
      'CREATE TABLE a AS SELECT i, repeat(md5(i::text), 5) AS t FROM generate_series(1, 100000) i',
    );
    await using source = await openSource(db.connection);
    const [table] = await source.discover({ schemas: [], tables: [] }, never);
    await using snapshot = await source.snapshot(table!.schema, never);
    const [chunk] = await snapshot.plan(1e12);
    await expect(snapshot.copy(chunk!, () => Promise.reject(new Error('disk full')), never)).rejects.toThrow(
      'disk full',
    );
    const stop = new AbortController();
    await expect(
      snapshot.copy(chunk!, async () => stop.abort(new Error('enough')), stop.signal),
    ).rejects.toThrow('enough');
    expect(await copyAll(snapshot)).toHaveLength(100_000);
    const many = await Promise.all(
      Array.from({ length: 20 }, () => snapshot.copy(chunk!, async () => undefined, never)),
    );
    expect(many.map((done) => done.rows)).toEqual(Array(20).fill(100_000));
    const { rows } = await db.query(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sluice %'",
    );
    expect(rows[0].n).toBeLessThanOrEqual(10);
  });

  it('what is gone or closed to us is said with its code', async () => {
    await using db = await server.createDatabase();
    await db.query(
      'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE secret (id int PRIMARY KEY, owner text); ALTER TABLE secret ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON secret USING (owner = current_user)',
    );
    const name = `reader_${db.name}`;
    await db.query(`CREATE ROLE ${name} LOGIN PASSWORD 'x'; GRANT SELECT ON secret TO ${name}`);
    await using source = await openSource({ ...db.connection, username: name, password: 'x' });
    const tables = await source.discover({ schemas: [], tables: [] }, never);
    expect(tables.map(({ refused }) => [refused?.code, refused?.remedy])).toEqual([
      ['TABLE_NO_SELECT', `Run GRANT SELECT ON "public"."a" TO "${name}"; Then start the table again.`],
      ['TABLE_NO_SELECT', `Run ALTER ROLE "${name}" BYPASSRLS; as a superuser. Then start the table again.`],
    ]);
    const [a, secret] = tables.map((table) => table.schema);
    await expect(source.snapshot(a!, never)).rejects.toMatchObject({
      code: 'TABLE_NO_SELECT',
    });
    await db.query('INSERT INTO secret VALUES (1, current_user)');
    await expect(loadTable(source, secret!.name, secret!.columns)).rejects.toMatchObject({
      code: 'TABLE_NO_SELECT',
    });

    await using owner = await openSource(db.connection);
    {
      await db.query('INSERT INTO a VALUES (1)');
      await using snapshot = await owner.snapshot(a!, never);
      const [chunk] = await snapshot.plan(1000);
      await expect(
        snapshot.copy({ ...chunk, table: 'gone' }, async () => undefined, never),
      ).rejects.toMatchObject({ code: 'TABLE_DROPPED' });
      expect(await copyAll(snapshot)).toEqual([['1']]);
    }
    await db.query('DROP TABLE a');
    await expect(owner.snapshot(a!, never)).rejects.toMatchObject({ code: 'TABLE_DROPPED' });
    await source[Symbol.asyncDispose]();
    await db.query(`DROP OWNED BY ${name}; DROP ROLE ${name}`);
  });

  it('gives way to a TRUNCATE that waits for it, instead of waiting behind it for ever', async () => {
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1)');
    await using source = await openSource(db.connection);
    const [table] = await source.discover({ schemas: [], tables: [] }, never);
    const snapshot = await source.snapshot(table!.schema, never);
    const [chunk] = await snapshot.plan(1_000_000);
    const emptied = (await db.client()).query('TRUNCATE a');
    const waits = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'a'::regclass";
    while ((await db.query(waits)).rowCount === 0);
    await expect(snapshot.copy(chunk!, async () => undefined, never)).rejects.toMatchObject({
      code: 'SOURCE_LOCKED',
    });
    await snapshot[Symbol.asyncDispose]();
    await emptied;
    expect(await loadTable(source, table!.schema.name, table!.schema.columns)).toEqual([]);
  });

  it('a server that dies in the middle interrupts it', async () => {
    await using own = await startPostgres();
    await using db = await own.createDatabase();
    await db.query(
      'CREATE TABLE a AS SELECT i, repeat(md5(i::text), 5) AS t FROM generate_series(1, 200000) i',
    );
    await using source = await openSource(db.connection);
    const [table] = await source.discover({ schemas: [], tables: [] }, never);
    await using snapshot = await source.snapshot(table!.schema, never);
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
  });

  it('rows by key, of several columns and with values that need quotes', async () => {
    await using db = await server.createDatabase();
    await db.query(`CREATE TABLE k (id bigint, code char(4), at timestamptz, t text, PRIMARY KEY (code, id));
      INSERT INTO k SELECT i, 'c''' || i % 3, '2024-01-01 00:00+00', 'v' || i FROM generate_series(1, 3000) i`);
    await using source = await openSource(db.connection);
    const [table] = await source.discover({ schemas: [], tables: [] }, never);
    const { name, columns, identity } = table!.schema;
    expect(identity).toEqual({ kind: 'key', columns: [1, 0] });
    const keys = Array.from({ length: 1500 }, (_, i) => [`c'${(i + 1) % 3}`, String(i + 1)]);
    const rows = (await source.fetchRows(name, columns, ['code', 'id'], [...keys, ['none', '1']], never))
      .toString()
      .trimEnd()
      .split('\n');
    expect(rows).toHaveLength(1500);
    expect(new Set(rows.map((row) => row.split(',')[0])).size).toBe(1500);
    expect(rows.sort()[0]).toBe("1,c'1 ,2024-01-01 00:00:00+00,v1");
    expect(await source.fetchRows(name, columns, ['code', 'id'], [], never)).toEqual(Buffer.alloc(0));
  });

  it('rows by key are of the table itself: of its partitions, and of none that inherits from it', async () => {
    await using db = await server.createDatabase();
    await db.query(`CREATE TABLE inh (id int PRIMARY KEY, a text); CREATE TABLE inh_child () INHERITS (inh);
      INSERT INTO inh VALUES (7, 'parent'); INSERT INTO inh_child VALUES (7, 'child');
      CREATE TABLE part (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
      CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (1) TO (9); INSERT INTO part VALUES (7, 'partition')`);
    await using source = await openSource(db.connection);
    const tables = await source.discover({ schemas: [], tables: [] }, never);
    const fetched = async (name: string): Promise<string> => {
      const { schema } = tables.find((table) => table.schema.name.table === name)!;
      return (await source.fetchRows(schema.name, schema.columns, ['id'], [['7']], never)).toString();
    };
    expect(await fetched('inh')).toBe('7,parent\n');
    expect(await fetched('part')).toBe('7,partition\n');
    await db.query('DELETE FROM ONLY inh');
    expect(await fetched('inh')).toBe('');
    expect(
      await postgresAdmin.sample(db.connection, { schema: 'public', table: 'inh' }, 9, never),
    ).toMatchObject({ rows: [] });
  });
});

import { describe, expect, it } from 'vitest';
import { sharedPostgres, startPostgres } from '../../../../tests/support/postgres.ts';
import { begin, loadTable, never, newTaskKey, openSource, readLog } from './testing/reading.ts';
import { RecordingSink, UNCHANGED } from './testing/recording-sink.ts';

const server = sharedPostgres();

describe('the log', () => {
  it('brings inserts, updates, deletes and truncates in order, with marks, and no row before the position', async () => {
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE a (id int PRIMARY KEY, t text); CREATE TABLE b (id int PRIMARY KEY, n int)');
    await using source = await openSource(db.connection);
    await db.query("INSERT INTO a VALUES (0, 'before')");
    const from = await begin(source);
    await db.query("BEGIN; INSERT INTO a VALUES (1, 'x'), (2, NULL); INSERT INTO b VALUES (1, 1); COMMIT");
    await db.query("UPDATE a SET t = 'y' WHERE id = 1; UPDATE a SET id = 3 WHERE id = 2; DELETE FROM b");
    await db.query('TRUNCATE a, b');
    const sink = new RecordingSink();
    const end = await readLog(source, from, sink);
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
    expect(sink.events.flatMap((event) => (event.kind === 'truncate' ? [event.table] : []))).toEqual([
      'a',
      'b',
    ]);
    expect(sink.events.filter((event) => event.kind === 'relation')).toHaveLength(2);
    expect(source.compare(from, end)).toBe(-1);
    const begun = sink.events.find((event) => event.kind === 'begin');
    const age = begun?.kind === 'begin' ? Date.now() - Number(begun.committedAt / 1000n) : Number.NaN;
    expect(Math.abs(age)).toBeLessThan(60_000);
  });

  it('identifies rows as the table does: by primary key, by index, by whole rows, by key under FULL', async () => {
    await using db = await server.createDatabase();
    await db.query(`
      CREATE TABLE by_index (n int, code text NOT NULL UNIQUE); ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_code_key;
      CREATE TABLE by_row (n int, t text); ALTER TABLE by_row REPLICA IDENTITY FULL;
      CREATE TABLE full_key (t text, id int PRIMARY KEY); ALTER TABLE full_key REPLICA IDENTITY FULL;
      CREATE TABLE nothing (id int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
      CREATE TABLE keyless (n int);
      CREATE TABLE deferred (id int PRIMARY KEY DEFERRABLE)`);
    await using source = await openSource(db.connection);
    const tables = await source.discover({ schemas: [], tables: [] }, never);
    expect(tables.map(({ schema, refused }) => [schema.name.table, schema.identity, refused?.code])).toEqual([
      ['by_index', { kind: 'key', columns: [1] }, undefined],
      ['by_row', { kind: 'row' }, undefined],
      ['deferred', { kind: 'row' }, 'TABLE_NO_KEY'],
      ['full_key', { kind: 'key', columns: [1] }, undefined],
      ['keyless', { kind: 'row' }, 'TABLE_NO_KEY'],
      ['nothing', { kind: 'row' }, 'TABLE_NO_IDENTITY'],
    ]);
    const from = await begin(source);
    await db.query(`
      INSERT INTO by_index VALUES (1, 'a'); UPDATE by_index SET n = 2; UPDATE by_index SET code = 'b'; DELETE FROM by_index;
      INSERT INTO by_row VALUES (1, NULL), (1, NULL); UPDATE by_row SET t = 'x'; DELETE FROM by_row WHERE ctid = (SELECT min(ctid) FROM by_row);
      INSERT INTO full_key VALUES ('v', 1); UPDATE full_key SET t = NULL; UPDATE full_key SET id = 2; DELETE FROM full_key`);
    // The tables without identity are not published, so their owner is not hindered.
    await db.query(
      'INSERT INTO keyless VALUES (1); UPDATE keyless SET n = 2; INSERT INTO nothing VALUES (1); DELETE FROM nothing',
    );
    const sink = new RecordingSink({ full_key: ['id'] });
    await readLog(source, from, sink);
    expect(sink.rows('by_index')).toEqual([
      ['I', '1', 'a'],
      ['U', '2', 'a'],
      ['K', null, 'a'],
      ['U', '2', 'b'],
      ['D', null, 'b'],
    ]);
    expect(sink.rows('by_row')).toEqual([
      ['I', '1', null],
      ['I', '1', null],
      ['D', '1', null],
      ['I', '1', 'x'],
      ['D', '1', null],
      ['I', '1', 'x'],
      ['D', '1', 'x'],
    ]);
    expect(sink.rows('full_key')).toEqual([
      ['I', 'v', '1'],
      ['U', null, '1'],
      ['K', null, '1'],
      ['U', null, '2'],
      ['D', null, '2'],
    ]);
    expect(sink.rows('keyless')).toEqual([]);
  });

  it('unchanged TOAST is unchanged, never null; under FULL it is the value', async () => {
    await using db = await server.createDatabase();
    await db.query(`CREATE TABLE d (id int PRIMARY KEY, big text, n int); ALTER TABLE d ALTER big SET STORAGE EXTERNAL;
      CREATE TABLE f (id int PRIMARY KEY, big text, n int); ALTER TABLE f ALTER big SET STORAGE EXTERNAL;
      ALTER TABLE f REPLICA IDENTITY FULL;
      CREATE TABLE w (big text, n int); ALTER TABLE w ALTER big SET STORAGE EXTERNAL; ALTER TABLE w REPLICA IDENTITY FULL;
      INSERT INTO d VALUES (1, repeat('d', 5000), 0); INSERT INTO f VALUES (1, repeat('f', 5000), 0); INSERT INTO w VALUES (repeat('w', 5000), 0)`);
    await using source = await openSource(db.connection);
    const from = await begin(source);
    await db.query(
      'UPDATE d SET n = 1; UPDATE d SET id = 2; UPDATE f SET n = 1; UPDATE f SET big = NULL; UPDATE w SET n = 1',
    );
    const sink = new RecordingSink({ f: ['id'] });
    await readLog(source, from, sink);
    expect(sink.rows('d')).toEqual([
      ['U', '1', UNCHANGED, '1'],
      ['K', '1', null, null],
      ['U', '2', UNCHANGED, '1'],
    ]);
    expect(sink.rows('f')).toEqual([
      ['U', '1', 'f'.repeat(5000), '1'],
      ['U', '1', null, '1'],
    ]);
    expect(sink.rows('w')).toEqual([
      ['D', 'w'.repeat(5000), '0'],
      ['I', 'w'.repeat(5000), '1'],
    ]);
  });

  it('a partitioned table is one table, whatever its partitions look like', async () => {
    await using db = await server.createDatabase();
    await db.query(`
      CREATE TABLE p (id int, region text, n int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
      CREATE TABLE p_eu PARTITION OF p FOR VALUES IN ('eu');
      CREATE TABLE p_us (n int, dropped int, region text NOT NULL, id int NOT NULL, PRIMARY KEY (id, region));
      ALTER TABLE p_us DROP dropped; ALTER TABLE p ATTACH PARTITION p_us FOR VALUES IN ('us');
      INSERT INTO p VALUES (1, 'eu', 10), (2, 'us', 20)`);
    await using source = await openSource(db.connection);
    const tables = await source.discover({ schemas: [], tables: [] }, never);
    expect(tables.map((table) => table.schema.name.table)).toEqual(['p']);
    const { name, columns } = tables[0]!.schema;
    expect([...(await loadTable(source, name, columns))].sort()).toEqual([
      ['1', 'eu', '10'],
      ['2', 'us', '20'],
    ]);
    const from = await begin(source);
    await db.query(
      "INSERT INTO p VALUES (3, 'us', 30); UPDATE p_us SET n = 21 WHERE id = 2; UPDATE p SET region = 'us' WHERE id = 1",
    );
    await db.query(
      "CREATE TABLE p_asia PARTITION OF p FOR VALUES IN ('asia'); INSERT INTO p VALUES (4, 'asia', 40)",
    );
    await db.query("ALTER TABLE p DETACH PARTITION p_asia; INSERT INTO p_asia VALUES (5, 'asia', 50)");
    await db.query("DELETE FROM p WHERE id = 3; TRUNCATE p; INSERT INTO p VALUES (6, 'eu', 60)");
    const sink = new RecordingSink();
    await readLog(source, from, sink);
    expect(
      sink.events.flatMap((event) =>
        event.kind === 'row'
          ? [[event.op, ...event.fields]]
          : event.kind === 'truncate'
            ? [[event.table]]
            : [],
      ),
    ).toEqual([
      ['I', '3', 'us', '30'],
      ['U', '2', 'us', '21'],
      ['D', '1', 'eu', null],
      ['I', '1', 'us', '10'],
      ['I', '4', 'asia', '40'],
      ['D', '3', 'us', null],
      ['p'],
      ['I', '6', 'eu', '60'],
    ]);
    expect(
      new Set(sink.events.flatMap((event) => (event.kind === 'relation' ? [event.relation.objectId] : []))),
    ).toEqual(new Set([tables[0]!.objectId]));
  });

  it('names are what they are', async () => {
    await using db = await server.createDatabase();
    const schema = 'Ein "Schéma" mit Ö';
    const table = "Tab\"le, with 'all' of $1 \\ it";
    const q = (name: string): string => `"${name.replaceAll('"', '""')}"`;
    await db.query(`CREATE SCHEMA ${q(schema)}; CREATE TABLE ${q(schema)}.${q(table)} ("Key ""é" text PRIMARY KEY, "select" int, "with,comma" text);
      INSERT INTO ${q(schema)}.${q(table)} VALUES ('k', 1, NULL)`);
    await using source = await openSource(db.connection);
    const [found] = await source.discover({ schemas: [schema], tables: [] }, never);
    expect(found!.schema.name).toEqual({ schema, table });
    expect(found!.schema.columns.map((column) => column.name)).toEqual(['Key "é', 'select', 'with,comma']);
    expect(await loadTable(source, found!.schema.name, found!.schema.columns)).toEqual([['k', '1', null]]);
    const from = await begin(source);
    await db.query(`INSERT INTO ${q(schema)}.${q(table)} VALUES ('ü', 2, 'x')`);
    const sink = new RecordingSink();
    await readLog(source, from, sink);
    const told = sink.events.find((event) => event.kind === 'relation');
    expect(told?.kind === 'relation' && told.relation.name).toEqual({ schema, table });
    expect(sink.rows(table)).toEqual([['I', 'ü', '2', 'x']]);
    const rows = await source.fetchRows(
      found!.schema.name,
      found!.schema.columns,
      ['Key "é'],
      [['ü'], ["o'k"]],
      never,
    );
    expect(rows.toString()).toBe('ü,2,x\n');
    expect(await source.discover({ schemas: [], tables: [{ schema: 'public', table }] }, never)).toEqual([]);
  });

  it('a value of 50 MB comes whole, by the load and by the log', async () => {
    await using db = await server.createDatabase();
    await db.query(
      "CREATE TABLE big (id int PRIMARY KEY, t text); INSERT INTO big SELECT 1, repeat('0123456789', 5000000)",
    );
    await using source = await openSource(db.connection);
    const [table] = await source.discover({ schemas: [], tables: [] }, never);
    const loaded = await loadTable(source, table!.schema.name, table!.schema.columns);
    const expected = '0123456789'.repeat(5_000_000);
    expect(loaded[0]![1] === expected).toBe(true);
    const from = await begin(source);
    await db.query("INSERT INTO big VALUES (2, repeat('0123456789', 5000000))");
    const sink = new RecordingSink();
    await readLog(source, from, sink);
    const [row] = sink.rows('big');
    expect([row![1], row![2] === expected]).toEqual(['2', true]);
  });

  it('columns that come and go are told before the rows that have them', async () => {
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE s (id int PRIMARY KEY, a text, b int)');
    await using source = await openSource(db.connection);
    const from = await begin(source);
    await db.query("INSERT INTO s VALUES (1, 'x', 1)");
    await db.query(
      'BEGIN; ALTER TABLE s DROP a, ADD c numeric(5,1) DEFAULT 7; INSERT INTO s VALUES (2, 2, 2); ALTER TABLE s RENAME b TO bb; INSERT INTO s VALUES (3, 3, 3); COMMIT',
    );
    const sink = new RecordingSink();
    await readLog(source, from, sink);
    expect(
      sink.events.flatMap((event) =>
        event.kind === 'relation'
          ? [[event.relation.columns.map((column) => column.name).join()]]
          : event.kind === 'row'
            ? [[...event.fields]]
            : [],
      ),
    ).toEqual([['id,a,b'], ['1', 'x', '1'], ['id,b,c'], ['2', '2', '2.0'], ['id,bb,c'], ['3', '3', '3.0']]);
  });
});

describe('a stream', () => {
  it('resumes from any commit without a gap and without a row twice', async () => {
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE r (id int PRIMARY KEY)');
    const taskKey = newTaskKey();
    const seen: string[] = [];
    let from: string;
    {
      await using source = await openSource(db.connection, { taskKey });
      from = await begin(source);
    }
    for (let part = 0; part < 4; part++) {
      for (let i = 0; i < 5; i++) await db.query(`INSERT INTO r VALUES (${part * 5 + i})`);
      await using source = await openSource(db.connection, { taskKey });
      expect(await source.attach(from, never)).toBe(from);
      const sink = new RecordingSink();
      const stop = new AbortController();
      let commits = 0;
      // Stops in the middle: what was received after the third commit is forgotten, as by a crash.
      sink.onCommit = (end) => {
        commits++;
        if (commits !== 3) return;
        from = end;
        seen.push(...sink.rows('r').map(([, id]) => String(id)));
        source.acknowledge(end);
        stop.abort();
      };
      await source.stream(from, sink, stop.signal);
    }
    await using source = await openSource(db.connection, { taskKey });
    await source.attach(from, never);
    const sink = new RecordingSink();
    await readLog(source, from, sink);
    seen.push(...sink.rows('r').map(([, id]) => String(id)));
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
  });

  it('confirms what was acknowledged and nothing more, soon', async () => {
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE r (id int PRIMARY KEY)');
    const taskKey = newTaskKey();
    await using source = await openSource(db.connection, { taskKey });
    const from = await begin(source);
    const confirmed = async (): Promise<string> =>
      (
        await db.query(
          'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
          [`sluice_${taskKey}`],
        )
      ).rows[0].lsn;
    const sink = new RecordingSink();
    const stop = new AbortController();
    const streaming = source.stream(from, sink, stop.signal);
    await db.query('INSERT INTO r VALUES (1)');
    await source.mark('one', never);
    await sink.marked('one');
    await source.mark('two', never);
    await sink.marked('two');
    expect(await confirmed()).toBe(from);
    const commits = sink.events.flatMap((event) => (event.kind === 'commit' ? [event.end] : []));
    source.acknowledge(commits.at(-2)!);
    await expect.poll(confirmed, { timeout: 5000 }).toBe(commits.at(-2));
    source.acknowledge(commits.at(-1)!);
    stop.abort();
    await streaming;
    // Said with the last breath.
    await expect.poll(confirmed, { timeout: 5000 }).toBe(commits.at(-1));
  });

  it('is not read while the sink holds it, keeps the connection all the same, and goes on', async () => {
    await using own = await startPostgres({ settings: { wal_sender_timeout: '1s' } });
    await using db = await own.createDatabase();
    await db.query('CREATE TABLE r (id int PRIMARY KEY, t text)');
    await using source = await openSource(db.connection);
    const from = await begin(source);
    const sink = new RecordingSink();
    let release = (): void => undefined;
    let held = false;
    sink.onCommit = () => {
      if (held) return;
      held = true;
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    };
    const stop = new AbortController();
    const streaming = source.stream(from, sink, stop.signal);
    await db.query("INSERT INTO r VALUES (0, '')");
    await sink.until((events) => events.some((event) => event.kind === 'commit'));
    const before = sink.events.length;
    // 20 MB, more than all buffers between.
    await db.query('INSERT INTO r SELECT i, repeat(md5(i::text), 32) FROM generate_series(1, 20000) i');
    await source.mark('end', never);
    const connected = async (): Promise<number> =>
      (await db.query("SELECT count(*)::int AS n FROM pg_stat_replication WHERE state = 'streaming'")).rows[0]
        .n;
    // Three times the server's patience.
    const until = performance.now() + 3000;
    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(await connected()).toBe(1);
      expect(sink.events.length).toBe(before);
    }
    release();
    await sink.marked('end');
    expect(sink.rows('r')).toHaveLength(20_001);
    stop.abort();
    await streaming;
  });

  it('tells a quiet log on, so that the position moves while only others write', async () => {
    await using db = await server.createDatabase();
    await using other = await server.createDatabase();
    await using source = await openSource(db.connection);
    const from = await begin(source);
    const sink = new RecordingSink();
    const stop = new AbortController();
    const streaming = source.stream(from, sink, stop.signal);
    await other.query('CREATE TABLE o AS SELECT generate_series(1, 1000)');
    const head = await source.head(never);
    await other.query('DROP TABLE o');
    await sink.until((events) =>
      events.some((event) => event.kind === 'idle' && source.compare(event.position, head) >= 0),
    );
    expect(sink.events.every((event) => event.kind === 'idle')).toBe(true);
    const positions = sink.events.flatMap((event) => (event.kind === 'idle' ? [event.position] : []));
    expect(positions).toEqual([...positions].sort((a, b) => source.compare(a, b)));
    stop.abort();
    await streaming;
  });

  it('passes the error of the sink on, and ends', async () => {
    await using db = await server.createDatabase();
    await using source = await openSource(db.connection);
    const from = await begin(source);
    const sink = new RecordingSink();
    sink.onCommit = () => Promise.reject(new Error('disk full'));
    const streaming = source.stream(from, sink, never);
    await source.mark('m', never);
    await expect(streaming).rejects.toThrow('disk full');
  });

  it('says that the server went away, and works again when it is back', async () => {
    await using own = await startPostgres();
    await using db = await own.createDatabase();
    await db.query('CREATE TABLE r (id int PRIMARY KEY)');
    await using source = await openSource(db.connection);
    const from = await begin(source);
    for (const how of ['kill', 'stop'] as const) {
      const sink = new RecordingSink();
      const streaming = source.stream(from, sink, never);
      streaming.catch(() => undefined);
      await source.mark(how, never);
      await sink.marked(how);
      await own[how]();
      await expect(streaming).rejects.toMatchObject({ code: 'SOURCE_INTERRUPTED' });
      await expect(source.head(never)).rejects.toMatchObject({
        code: expect.stringMatching(/SOURCE_(UNREACHABLE|INTERRUPTED)/),
      });
      await expect(source.head(never)).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
      await own.start();
    }
    await source.attach(from, never);
    await readLog(source, from, new RecordingSink());
  });
});

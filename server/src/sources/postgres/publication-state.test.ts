import { describe, expect, it } from 'vitest';
import { startPostgres } from '../../../../tests/support/postgres.ts';
import { openSession } from './connect.ts';
import { checkTables, membersOf, readMembers } from './publication-state.ts';
import { never } from './testing/reading.ts';

const TABLES = `
  CREATE SCHEMA s; CREATE SCHEMA "Another s";
  CREATE TABLE a (id int PRIMARY KEY, v int);
  CREATE TABLE child () INHERITS (a);
  CREATE UNLOGGED TABLE u (id int PRIMARY KEY);
  CREATE VIEW w AS SELECT * FROM a;
  CREATE TABLE s.b (id int PRIMARY KEY);
  CREATE TABLE s."C c" (id int PRIMARY KEY);
  CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
  CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (5);
  CREATE TABLE s.p2 PARTITION OF p FOR VALUES FROM (5) TO (9);
  CREATE TABLE s.p3 PARTITION OF p FOR VALUES FROM (9) TO (90) PARTITION BY RANGE (id);
  CREATE TABLE "Another s".p31 PARTITION OF s.p3 FOR VALUES FROM (9) TO (20);
  CREATE TABLE s.empty (id int PRIMARY KEY) PARTITION BY RANGE (id)`;

const HELD = [
  '',
  'FOR ALL TABLES',
  'FOR TABLE a',
  'FOR TABLE ONLY a, s."C c"',
  'FOR TABLE p',
  'FOR TABLE p, s.p2, "Another s".p31',
  'FOR TABLE s.p3, p1',
  'FOR TABLE s.empty, s.b',
  'FOR TABLES IN SCHEMA s',
  'FOR TABLES IN SCHEMA public, "Another s"',
  'FOR TABLES IN SCHEMA s, TABLE p, a',
  'FOR TABLE a (id), p1 WHERE (id > 3), s.b WHERE (id > 3), s.p3',
];
/** Refused without publish_via_partition_root. */
const HELD_VIA_ROOT = ['FOR TABLE p (id), s.b', 'FOR TABLE p WHERE (id > 3), s.p3, p1'];

describe.each([15, 18] as const)('what a publication holds, PostgreSQL %d', (version) => {
  it('is what the server says', async () => {
    await using server = await startPostgres({ version });
    await using db = await server.createDatabase();
    await db.query(TABLES);
    await using session = await openSession(db.connection, { applicationName: 'test' }, never);
    let compared = 0;
    for (const viaRoot of [true, false])
      for (const held of viaRoot ? [...HELD, ...HELD_VIA_ROOT] : HELD) {
        await db.query(`CREATE PUBLICATION "The p" ${held} WITH (publish_via_partition_root = ${viaRoot})`);
        const { rows } = await db.query(`
          SELECT to_regclass(format('%I.%I', t.schemaname, t.tablename))::oid::text AS oid, t.schemaname AS schema,
                 t.tablename AS name, EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
                   WHERE p.pubname = t.pubname AND (r.prattrs IS NOT NULL OR r.prqual IS NOT NULL)
                     AND r.prrelid = to_regclass(format('%I.%I', t.schemaname, t.tablename))) AS partial
            FROM pg_publication_tables t WHERE t.pubname = 'The p'`);
        const said = (await membersOf(session, 'The p')).map(({ oid, name, partial }) => ({
          ...{ oid, schema: name.schema, name: name.table, partial },
        }));
        const sorted = (members: readonly { oid: string }[]) =>
          members.toSorted((left, right) => Number(left.oid) - Number(right.oid));
        expect(sorted(said), `${held}, via root: ${viaRoot}`).toEqual(sorted(rows));
        compared += said.length;
        await db.query('DROP PUBLICATION "The p"');
      }
    expect(compared).toBeGreaterThan(50);
  });

  it('is known while somebody has the tables to himself', async () => {
    await using server = await startPostgres({ version });
    await using db = await server.createDatabase();
    await db.query(TABLES);
    await db.query('CREATE PUBLICATION ours FOR ALL TABLES WITH (publish_via_partition_root = true)');
    const holder = await db.client();
    await holder.query('BEGIN; LOCK TABLE a, p, s.b IN ACCESS EXCLUSIVE MODE');
    await using session = await openSession(
      db.connection,
      { applicationName: 'test' },
      AbortSignal.timeout(20_000),
    );
    expect((await readMembers(session, 'ours', false)).size).toBe(6);
    const wanted = [
      { schema: 'public', table: 'p' },
      { schema: 'public', table: 'u' },
    ];
    expect(await checkTables(session, 'ours', wanted)).toMatchObject([{ name: { table: 'u' } }]);
  });
});

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FLAVOURS, sharedMysql, type TestMysqlDatabase } from '../../../../tests/support/mysql.ts';
import { type Connection, DEFAULT_READING, type DiscoveredTable, type Selection } from '../source.ts';
import { openSession } from './connect.ts';
import { discoverTables } from './discover.ts';
import { parseNative } from './native-type.ts';
import { never } from './testing/log-reading.ts';

const EVERYTHING: Selection = { schemas: [], tables: [] };

async function discover(
  connection: Connection,
  selection: Selection = EVERYTHING,
): Promise<readonly DiscoveredTable[]> {
  await using session = await openSession(connection, { applicationName: 'discover test' }, never);
  return await discoverTables(session, selection, {
    database: connection.database,
    reading: DEFAULT_READING,
  });
}

async function run(database: TestMysqlDatabase, statements: readonly string[]): Promise<void> {
  for (const sql of statements) await database.query(sql);
}

const named = (tables: readonly DiscoveredTable[]): Map<string, DiscoveredTable> =>
  new Map(tables.map((table) => [table.schema.name.table, table]));

const codes = (tables: readonly DiscoveredTable[]): Record<string, string | null> =>
  Object.fromEntries([...named(tables)].map(([name, { refused }]) => [name, refused?.code ?? null]));

describe.each(FLAVOURS)('tables of %s', (flavour) => {
  const server = sharedMysql(flavour);

  it('are those that keep rows of their own; others are refused, views and sequences left out', async () => {
    await using database = await server.createDatabase();
    await run(database, [
      'CREATE TABLE plain (id int PRIMARY KEY)',
      'CREATE TABLE part1 (id int PRIMARY KEY) ENGINE = MyISAM',
      'CREATE TABLE merged (id int NOT NULL, PRIMARY KEY (id)) ENGINE = MRG_MyISAM UNION = (part1)',
      'CREATE TABLE misfit (a varchar(9)) ENGINE = MRG_MyISAM UNION = (part1)',
      'CREATE TABLE heap_no_key (id int) ENGINE = MEMORY',
      'CREATE TABLE heap (id int PRIMARY KEY) ENGINE = MEMORY',
      'CREATE TABLE texts (id int NOT NULL) ENGINE = CSV',
      'CREATE VIEW seen AS SELECT * FROM plain',
      ...(flavour === 'mysql'
        ? ['CREATE TABLE hole (id int PRIMARY KEY) ENGINE = BLACKHOLE']
        : [
            'CREATE SEQUENCE numbered',
            'CREATE TABLE versioned (id int PRIMARY KEY) WITH SYSTEM VERSIONING',
            'CREATE TABLE aria (id int PRIMARY KEY) ENGINE = Aria',
          ]),
    ]);
    const tables = await discover(database.connection);
    expect(codes(tables)).toEqual({
      plain: null,
      part1: null,
      merged: 'TABLE_ENGINE',
      misfit: 'TABLE_ENGINE',
      heap_no_key: 'TABLE_NO_KEY',
      heap: null,
      texts: 'TABLE_NO_KEY',
      ...(flavour === 'mysql' ? { hole: 'TABLE_ENGINE' } : { versioned: null, aria: null }),
    });
    expect(named(tables).get('merged')?.refused?.remedy).toContain('Mirror the tables that');
    // MariaDB opens each table to describe it.
    expect(named(tables).get('misfit')?.refused?.message).toMatch(
      flavour === 'mysql' ? /engine MRG_MYISAM/ : /cannot open .*misfit: .*underlying table/,
    );
  });

  it('are recognised by a primary key, or by the smallest index that is one in all but name', async () => {
    await using database = await server.createDatabase();
    await run(database, [
      'CREATE TABLE by_primary (a int NOT NULL UNIQUE, b int, c int, PRIMARY KEY (c, b))',
      'CREATE TABLE by_unique (a int, b int NOT NULL, c int NOT NULL, UNIQUE three (a), UNIQUE two (c, b), UNIQUE x (b, c))',
      'CREATE TABLE nullable (a int UNIQUE)',
      'CREATE TABLE prefixed (a varchar(100) NOT NULL, b int NOT NULL, UNIQUE (a(10)), UNIQUE (a(5), b))',
      ...(flavour === 'mysql' ? ['CREATE TABLE computed (a int NOT NULL, UNIQUE ((a + 1)))'] : []),
    ]);
    const tables = named(await discover(database.connection));
    const key = (table: string): readonly number[] | 'row' => {
      const { identity } = tables.get(table)!.schema;
      return identity.kind === 'row' ? 'row' : identity.columns;
    };
    expect(key('by_primary')).toEqual([1, 2]);
    expect(key('by_unique')).toEqual([1, 2]);
    expect(key('nullable')).toBe('row');
    expect(key('prefixed')).toBe('row');
    if (flavour === 'mysql') expect(key('computed')).toBe('row');
  });

  it('have all their columns, generated and invisible ones too', async () => {
    await using database = await server.createDatabase();
    await run(database, [
      `CREATE TABLE t (
         id int PRIMARY KEY, hidden int ${flavour === 'mysql' ? '' : 'NOT NULL '}DEFAULT 3 INVISIBLE,
         twice int GENERATED ALWAYS AS (id * 2) VIRTUAL, name varchar(10) CHARACTER SET latin1 NOT NULL,
         kept varchar(20) GENERATED ALWAYS AS (CONCAT(name, ')')) STORED)`,
    ]);
    const [table] = await discover(database.connection);
    expect(table!.schema.columns.map(({ name, type, native }) => [name, type.kind, native])).toEqual([
      ['id', 'int', expect.stringMatching(/^int/)],
      ['hidden', 'int', expect.stringMatching(/^int/)],
      ['twice', 'int', expect.stringMatching(/^int.* as \(\(?`id` \* 2\)?\) virtual$/)],
      ['name', 'string', 'varchar(10) character set latin1'],
      ['kept', 'string', expect.stringMatching(/^varchar\(20\) character set utf8mb4 as \(.*\) stored$/)],
    ]);
    expect(table!.schema.columns.map((column) => column.nullable)).toEqual([
      false,
      flavour === 'mysql',
      true,
      false,
      true,
    ]);
  });

  const MARKED = [
    `CREATE TABLE marked (id int PRIMARY KEY, e enum('?','😀','a','??😎','it''s \\\\?') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
       s set('?','😀','a') CHARACTER SET utf16 COLLATE utf16_bin, narrow enum('?') CHARACTER SET utf8mb3,
       lots enum(${Array.from({ length: 300 }, (_, i) => `'${i % 2 ? '?' : '😀'}${i}'`)}) CHARACTER SET utf8mb4,
       eight set(${Array.from({ length: 64 }, (_, i) => `'${i}${i < 8 ? '😀' : 'é'}'`)}) CHARACTER SET utf8mb4)`,
  ];

  it('have the members that they were given, also those that the catalog cannot show', async () => {
    await using database = await server.createDatabase();
    await run(database, MARKED);
    const [table] = await discover(database.connection);
    expect(table!.refused).toBeNull();
    const [, e, s, narrow, lots, eight] = table!.schema.columns.map(({ native }) => parseNative(native));
    expect(e).toMatchObject({ values: ['?', '😀', 'a', '??😎', "it's \\?"] });
    expect(s).toMatchObject({ values: ['?', '😀', 'a'] });
    expect(narrow).toMatchObject({ values: ['?'] });
    expect(lots).toMatchObject({
      values: Array.from({ length: 300 }, (_, i) => `${i % 2 ? '?' : '😀'}${i}`),
    });
    expect(eight).toMatchObject({
      values: Array.from({ length: 64 }, (_, i) => `${i}${i < 8 ? '😀' : 'é'}`),
    });
  });

  it('are refused for members of a set that MariaDB does not tell', async () => {
    await using database = await server.createDatabase();
    const members = Array.from({ length: 64 }, (_, i) => `${i}😀`);
    await run(database, [
      `CREATE TABLE t (s set(${members.map((name) => `'${name}'`)}) CHARACTER SET utf8mb4)`,
    ]);
    const [table] = await discover(database.connection);
    expect(table!.refused?.code).toBe(flavour === 'mysql' ? undefined : 'TABLE_SCHEMA');
    if (flavour === 'mysql')
      expect(parseNative(table!.schema.columns[0]!.native)).toMatchObject({ values: members });
  });

  it('are refused where the server does not tell their members', async () => {
    await using database = await server.createDatabase();
    await run(database, [...MARKED, 'CREATE TABLE plain (id int PRIMARY KEY)']);
    await using session = await openSession(database.connection, { applicationName: 'discover test' }, never);
    const depth = flavour === 'mysql' ? 'cte_max_recursion_depth' : 'max_recursive_iterations';
    await session.run(`SET SESSION ${depth} = 0`);
    const tables = await discoverTables(session, EVERYTHING, {
      database: database.name,
      reading: DEFAULT_READING,
    });
    expect(codes(tables)).toEqual({ marked: 'TABLE_SCHEMA', plain: null });
    expect(named(tables).get('marked')?.refused?.message).toContain('column e of');
  });

  it('are asked for by their exact names', async () => {
    const base = `Names_${randomBytes(4).toString('hex')}`;
    await using database = await server.createDatabase(base);
    await using other = await server.createDatabase(base.toLowerCase());
    const made = ['a', 'A', 'e', 'é', 'two words', 'quo`te'];
    await run(
      database,
      made.map(
        (table) => `CREATE TABLE \`${table.replaceAll('`', '``')}\` (\`${table === 'A' ? 'x' : 'y'}\` int)`,
      ),
    );
    await run(other, ['CREATE TABLE a (z int)']);
    await database.query(`GRANT SELECT ON \`${base.toLowerCase()}\`.* TO ${database.connection.username}`);
    const found = async (selection: Selection): Promise<string[]> =>
      (await discover({ ...database.connection, database: '' }, selection)).map(
        ({ schema: { name, columns } }) => `${name.schema}.${name.table} ${columns.map((one) => one.name)}`,
      );
    const names = (...tables: string[]): Selection => ({
      schemas: [],
      tables: tables.map((table) => ({ schema: base, table })),
    });
    expect(await found(names('a', 'é'))).toEqual([`${base}.a y`, `${base}.é y`]);
    expect(await found(names('A'))).toEqual([`${base}.A x`]);
    expect(await found(names('two words', 'quo`te', 'nosuch'))).toHaveLength(2);
    expect(await found({ schemas: [base, 'nosuch'], tables: [] })).toHaveLength(made.length);
    expect(await found({ schemas: [base.toLowerCase(), 'nosuch'], tables: [] })).toEqual([
      `${base.toLowerCase()}.a z`,
    ]);
  });

  it('of which the account sees single columns only are refused with the grant that mends it', async () => {
    await using database = await server.createDatabase();
    const { name, connection } = database;
    const account = `\`partly ${randomBytes(4).toString('hex')}\`@\`%\``;
    const role = `role_${randomBytes(4).toString('hex')}`;
    await run(database, [
      'CREATE TABLE `some columns` (id int PRIMARY KEY, a int, b int)',
      'CREATE TABLE all_by_one (id int PRIMARY KEY, a int)',
      'CREATE TABLE by_role (id int PRIMARY KEY, a int)',
      'CREATE TABLE writable (id int PRIMARY KEY, a int)',
      'CREATE TABLE whole (id int PRIMARY KEY, a int)',
      `CREATE USER ${account} IDENTIFIED BY 'sluice'`,
      `CREATE ROLE ${role}`,
    ]);
    try {
      await run(database, [
        `GRANT SELECT (id, a) ON \`some columns\` TO ${account}`,
        `GRANT SELECT (id, a) ON all_by_one TO ${account}`,
        `GRANT SELECT (id) ON by_role TO ${role}`,
        `GRANT SELECT (id), INSERT ON writable TO ${account}`,
        `GRANT SELECT, SELECT (id) ON whole TO ${account}`,
        `GRANT ${role} TO ${account}`,
        `SET DEFAULT ROLE ${role} ${flavour === 'mysql' ? 'TO' : 'FOR'} ${account}`,
      ]);
      const username = /^`(.*?)`/.exec(account)?.[1] ?? '';
      const look = (): Promise<readonly DiscoveredTable[]> => discover({ ...connection, username });
      const before = await look();
      expect(codes(before)).toEqual({
        'some columns': 'TABLE_NO_SELECT',
        all_by_one: 'TABLE_NO_SELECT',
        by_role: 'TABLE_NO_SELECT',
        writable: 'TABLE_NO_SELECT',
        whole: null,
      });
      const remedy = named(before).get('some columns')?.refused?.remedy ?? '';
      expect(remedy).toBe(`Run GRANT SELECT ON \`${name}\`.\`some columns\` TO ${account};`);
      await database.query(remedy.replace('Run ', ''));
      const after = named(await look()).get('some columns');
      expect(after?.refused).toBe(null);
      expect(after?.schema.columns.map((column) => column.name)).toEqual(['id', 'a', 'b']);
    } finally {
      await run(database, [`DROP USER ${account}`, `DROP ROLE ${role}`]);
    }
  });

  it('are none where nothing may be seen', async () => {
    await using database = await server.createDatabase();
    expect(await discover(database.connection)).toEqual([]);
    expect(await discover(database.connection, { schemas: ['mysql'], tables: [] })).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { FLAVOURS, sharedMysql } from '../../../../tests/support/mysql.ts';
import { mysqlAdmin } from './admin.ts';
import { never } from './testing/log-reading.ts';

describe.each(FLAVOURS)('what the control plane asks %s', (flavour) => {
  const server = sharedMysql(flavour);

  it('reaches it, or says why not', async () => {
    await using database = await server.createDatabase();
    const { version, latencyMs } = await mysqlAdmin.test(database.connection, never);
    expect(version).toMatch(flavour === 'mysql' ? /^\d+\.\d+\.\d+/ : /MariaDB/);
    expect(latencyMs).toBeGreaterThanOrEqual(0);
    await expect(mysqlAdmin.test({ ...database.connection, password: 'wrong' }, never)).rejects.toMatchObject(
      { code: 'SOURCE_AUTH' },
    );
  });

  it('lists the databases that the account sees, without those of the system', async () => {
    await using mine = await server.createDatabase();
    await using other = await server.createDatabase();
    const seen = await mysqlAdmin.catalogs({ ...mine.connection, database: '' }, never);
    expect(seen).toEqual([mine.name]);
    await other.query(`GRANT SELECT ON ${other.name}.* TO ${mine.connection.username}`);
    await other.query(`GRANT SELECT ON mysql.* TO ${mine.connection.username}`);
    expect(await mysqlAdmin.catalogs(mine.connection, never)).toEqual([mine.name, other.name].sort());
  });

  it('lists the tables of the database that is connected to, or of all', async () => {
    await using mine = await server.createDatabase();
    await using other = await server.createDatabase();
    await mine.query('CREATE TABLE b (id int)');
    await mine.query('CREATE TABLE a (id int)');
    await other.query('CREATE TABLE c (id int)');
    await other.query(`GRANT SELECT ON ${other.name}.* TO ${mine.connection.username}`);
    const names = async (database: string): Promise<string[]> =>
      (await mysqlAdmin.objects({ ...mine.connection, database }, never)).map(
        ({ schema: { name } }) => `${name.schema}.${name.table}`,
      );
    expect(await names(mine.name)).toEqual([`${mine.name}.a`, `${mine.name}.b`]);
    expect((await names('')).sort()).toEqual([`${mine.name}.a`, `${mine.name}.b`, `${other.name}.c`].sort());
  });

  it('shows the first rows of a table as the server writes them', async () => {
    await using database = await server.createDatabase();
    const zone = await database.client();
    await zone.query(`SET time_zone = '+05:00', sql_mode = ''`);
    await zone.query(
      `CREATE TABLE \`odd \`\`table\` (\`the id\` int PRIMARY KEY, txt varchar(10) CHARACTER SET latin1, bin varbinary(4),
         bits bit(12), n decimal(30,10), at timestamp NULL, d date, g geometry, e enum('x','ü'), j json,
         hidden int INVISIBLE DEFAULT 7)`,
    );
    await zone.query(
      `INSERT INTO \`odd \`\`table\` VALUES
        (1, 'é', x'00ff', b'101', 12345678901234567890.5, '2024-02-29 05:00:00', '0000-00-00', POINT(1, 2.5), 'ü', '[1]'),
        (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
    );
    const table = { schema: database.name, table: 'odd `table' };
    const sample = await mysqlAdmin.sample(database.connection, table, 2, never);
    expect(sample.columns).toEqual(['the id', 'txt', 'bin', 'bits', 'n', 'at', 'd', 'g', 'e', 'j', 'hidden']);
    expect(sample.rows).toEqual([
      [
        '1',
        'é',
        '0x00ff',
        '0x0005',
        '12345678901234567890.5000000000',
        '2024-02-29 00:00:00',
        '0000-00-00',
        'POINT(1 2.5)',
        'ü',
        '[1]',
        '7',
      ],
      ['2', null, null, null, null, null, null, null, null, null, '7'],
    ]);
    expect((await mysqlAdmin.sample(database.connection, table, 0, never)).rows).toEqual([]);
    expect((await mysqlAdmin.sample(database.connection, table, -1.5, never)).rows).toEqual([]);
    await expect(
      mysqlAdmin.sample(database.connection, { ...table, table: 'nosuch' }, 1, never),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('tells the end of the log, and which of two positions lies behind the other', async () => {
    await using database = await server.createDatabase();
    const before = await mysqlAdmin.head(database.connection, never);
    await database.query('CREATE TABLE t (id int)');
    const behind = await mysqlAdmin.head(database.connection, never);
    expect([
      mysqlAdmin.compare(before, behind),
      mysqlAdmin.compare(behind, before),
      mysqlAdmin.compare(before, before),
    ]).toEqual([-1, 1, 0]);
  });

  it('has nothing to forget', async () => {
    await using database = await server.createDatabase();
    await expect(mysqlAdmin.forget(database.connection, 'task', never)).resolves.toBeUndefined();
  });
});

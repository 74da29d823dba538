import { describe, expect, it } from 'vitest';
import { sameType, widens } from '../../server/src/model/logical-type.ts';
import type { Column } from '../../server/src/model/table.ts';
import { openSession } from '../../server/src/sources/mysql/connect.ts';
import { discoverTables } from '../../server/src/sources/mysql/discover.ts';
import { openSnapshot } from '../../server/src/sources/mysql/snapshot.ts';
import { keepsValues } from '../../server/src/sources/mysql/types.ts';
import { parseCsv } from '../../server/src/sources/postgres/testing/csv.ts';
import { DEFAULT_READING, type DiscoveredTable } from '../../server/src/sources/source.ts';
import { FLAVOURS, sharedMysql, type TestMysqlDatabase } from '../support/mysql.ts';
import { type MysqlTypeRow, typesOf } from './type-matrix-mysql.ts';

const never = new AbortController().signal;

/** Lenient: what does not fit is cut and replaced without an error. */
const WRITER = `SET sql_mode = 'NO_BACKSLASH_ESCAPES,ALLOW_INVALID_DATES', time_zone = '+09:00'`;
/** Columns of one table: its rows have a length that is limited. */
const AT_ONCE = 6;

/** Types beside those of the matrix that differ from one of them by little. */
const NEIGHBOURS: readonly string[] = [
  'int(3) unsigned zerofill',
  'int(7) unsigned zerofill',
  'bigint(9) unsigned zerofill',
  'decimal(12,2)',
  'decimal(12,2) unsigned',
  'decimal(13,2) unsigned',
  'decimal(12,2) unsigned zerofill',
  'decimal(40,2) unsigned zerofill',
  'decimal(41,2) unsigned zerofill',
  'decimal(41,2)',
  'varchar(20) character set latin1',
  'varchar(20) character set ascii',
  'varchar(20) character set utf8mb3',
  'varchar(20) character set cp1251',
  'varchar(20) character set binary',
  'varchar(25) character set utf8mb4 collate utf8mb4_bin',
  'char(20) character set utf8mb4',
  'char(25) character set latin1',
  'char(25) character set utf8mb4',
  'char(5) character set ucs2',
  'tinytext character set latin1',
  'binary(20)',
  'binary(25)',
  'varbinary(20)',
  'varbinary(25)',
  'datetime(2)',
  'timestamp(2) NULL',
  'time(2)',
  "enum('x','y') character set latin1",
  "enum('x','y','z') character set latin1",
  "set('x','y')",
  "set('x','y','z')",
  "enum('x','y','z')",
];

interface Typed {
  readonly type: string;
  readonly values: readonly string[];
}

function rowsOf(flavour: MysqlTypeRow['only']): readonly Typed[] {
  const types = typesOf(flavour!);
  const texts = ["''", "'a'", "'a '", "' a'", "'é'", "'ÿ€'", "'1'", "'12345678901234567890'", "'x,y'", "'x'"];
  const numbers = ['0', '-1', '255', '1.5', '9999999999.99', '99999999999999999999.99'];
  const times = ["'2024-02-29 23:59:59.999999'", "'0000-00-00'", "'12:00:00.5'"];
  return [
    ...types.map(({ type, values, nulled = [] }) => ({ type, values: [...values, ...nulled] })),
    ...NEIGHBOURS.map((type) => ({ type, values: [...texts, ...numbers, ...times] })),
  ];
}

async function describeTable(database: TestMysqlDatabase, table: string): Promise<DiscoveredTable> {
  await using session = await openSession(database.connection, { applicationName: 'test' }, never);
  const tables = [{ schema: database.name, table }];
  const [found] = await discoverTables(
    session,
    { schemas: [], tables },
    { database: '', reading: DEFAULT_READING },
  );
  return found!;
}

/** What the full load reads, in the order of the key. */
async function load(database: TestMysqlDatabase, table: string): Promise<(string | null)[][]> {
  const { name, columns, identity } = (await describeTable(database, table)).schema;
  await using snapshot = await openSnapshot(
    database.connection,
    'sluice test',
    name,
    columns,
    identity,
    never,
    undefined,
  );
  const parts: Buffer[] = [];
  for (const chunk of await snapshot.plan(1 << 30))
    await snapshot.copy(chunk, async (some) => void parts.push(Buffer.from(some)), never);
  return parseCsv(Buffer.concat(parts).toString('utf8')).map((row) =>
    row.map((text, at) => (text === null ? null : worth(columns[at]!, text))),
  );
}

/** Equal where the value in the lake is, whatever zeros its text has. */
function worth({ type }: Column, text: string): string {
  switch (type.kind) {
    case 'int':
    case 'long':
    case 'decimal':
      return text.replace(/^0+(?=\d)/, '');
    case 'timestamp':
    case 'timestamptz':
      return text.replace(/(?:(\.\d*?)0+)$/, '$1').replace(/\.$/, '');
    default:
      return text;
  }
}

describe.each(FLAVOURS)('%s', (flavour) => {
  it('leaves every value what it was where keepsValues says so', async () => {
    await using database = await sharedMysql(flavour).createDatabase();
    await database.query(WRITER);
    // MariaDB's json is a longtext with a constraint.
    if (flavour === 'mariadb') await database.query('SET check_constraint_checks = 0');
    const types = rowsOf(flavour);
    const natives = await nativesOf(
      database,
      types.map(({ type }) => type),
    );
    const pairs = types.flatMap((was, i) =>
      types.flatMap((now, j) => (i !== j && follows(natives[i]!, natives[j]!) ? [{ was, now }] : [])),
    );
    expect(pairs.length).toBeGreaterThan(100);
    for (let at = 0; at < pairs.length; at += AT_ONCE) {
      const some = pairs.slice(at, at + AT_ONCE);
      const said = some.map(({ was, now }) => `${was.type} to ${now.type}`).join('; ');
      await database.query(
        `CREATE TABLE m (id int PRIMARY KEY, ${some.map(({ was }, n) => `c${n} ${was.type}`).join(', ')})`,
      );
      const rows = Math.max(...some.map(({ was }) => was.values.length));
      for (let row = 0; row < rows; row++)
        await database.query(
          `INSERT IGNORE INTO m VALUES (${row}, ${some.map(({ was }) => was.values[row] ?? 'NULL').join(', ')})`,
        );
      const before = await load(database, 'm');
      await database.query(
        `ALTER TABLE m ${some.map(({ now }, n) => `MODIFY c${n} ${now.type}`).join(', ')}`,
      );
      expect(await load(database, 'm'), said).toEqual(before);
      await database.query('DROP TABLE m');
    }
  });
});

/** Whether the mirror goes on with the values that it has. */
function follows(was: Column, now: Column): boolean {
  return (sameType(was.type, now.type) || widens(was.type, now.type)) && keepsValues(was, now);
}

async function nativesOf(database: TestMysqlDatabase, types: readonly string[]): Promise<readonly Column[]> {
  const found: Column[] = [];
  for (let at = 0; at < types.length; at += 20) {
    const some = types.slice(at, at + 20);
    await database.query(`CREATE TABLE natives (${some.map((type, n) => `c${n} ${type}`).join(', ')})`);
    found.push(...(await describeTable(database, 'natives')).schema.columns);
    await database.query('DROP TABLE natives');
  }
  return found;
}

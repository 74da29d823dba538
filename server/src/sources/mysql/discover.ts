import { SluiceError } from '@sluice/contract';
import { type TableName, type TableSchema, tableKey, tableText } from '../../model/table.ts';
import type { DiscoveredTable, ReadingOptions, Selection } from '../source.ts';
import type { Session, TextRow } from './connect.ts';
import { exactType, mayHideMembers } from './exact-members.ts';
import { cascadeRules, untoldRule } from './foreign-keys.ts';
import { parseNative } from './native-type.ts';
import { quoteTable } from './quote.ts';
import { engineRefusal, obstacleTo, readObstacles } from './refusals.ts';
import { wantedOf } from './selection.ts';
import { lakeType, nativeText } from './types.ts';

/**
 * The tables of the wanted schemas that hold rows: no views, no sequences, nothing of the system's. With no schema
 * and no table named, those of the connection's database; where that is '' too, of all databases.
 * @throws SluiceError SOURCE_*
 */
export async function discoverTables(
  session: Session,
  selection: Selection,
  { database, reading }: { readonly database: string; readonly reading: ReadingOptions },
): Promise<readonly DiscoveredTable[]> {
  const { where, parameters, includes } = wantedOf(selection, database, session.info);
  const found = await session.rows(
    `SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.ENGINE, t.TABLE_TYPE, t.TABLE_COMMENT, t.TABLE_ROWS, e.TRANSACTIONS
       FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
      WHERE t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND ${where('t')} ORDER BY 1, 2`,
    parameters,
  );
  const tables = found.filter((row) => includes(nameOf(row)));
  if (tables.length === 0) return [];
  const columns = grouped(
    await session.rows(
      `SELECT * FROM information_schema.COLUMNS c WHERE ${where('c')} ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`,
      parameters,
    ),
  );
  const indexes = grouped(
    await session.rows(
      `SELECT * FROM information_schema.STATISTICS s WHERE NON_UNIQUE = 0 AND ${where('s')} ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`,
      parameters,
    ),
  );
  const logged = await logsCascades(session);
  const definitions =
    reading.unloggedCascades === 'ignore'
      ? new Map<string, string>()
      : await referring(session, where, parameters);
  const obstacles = await readObstacles(session, tables.map(nameOf));
  const types = await exactTypes(
    session,
    tables.flatMap((table) => columns.get(keyOf(table)) ?? []),
  );
  return tables.flatMap((table) => {
    const key = keyOf(table);
    const shown = columns.get(key);
    const unusable = engineRefusal(nameOf(table), table.ENGINE ?? null, table.TABLE_COMMENT ?? '');
    // Dropped between the statements.
    if (shown === undefined && unusable === null) return [];
    const described = discovered(table, shown ?? [], indexes.get(key) ?? [], types, reading, {
      logged,
      text: definitions.get(key),
    });
    return [{ ...described, refused: unusable ?? obstacleTo(nameOf(table), obstacles) ?? described.refused }];
  });
}

/** Of columns whose COLUMN_TYPE may not be what it shows; null: what it is cannot be told. */
type ExactTypes = ReadonlyMap<TextRow, string | null>;

async function exactTypes(session: Session, columns: readonly TextRow[]): Promise<ExactTypes> {
  const types = new Map<TextRow, string | null>();
  for (const row of columns) {
    const column = {
      name: row.COLUMN_NAME ?? '',
      type: row.COLUMN_TYPE ?? '',
      charset: row.CHARACTER_SET_NAME ?? null,
    };
    if (mayHideMembers(column))
      types.set(row, await exactType((sql) => session.rows(sql, [], 'load'), nameOf(row), column));
  }
  return types;
}

/** From MySQL 9.6 on the server does what foreign keys say, row by row; before, and in MariaDB, InnoDB does it unseen. */
const CASCADES_LOGGED_SINCE = 90_600;

async function logsCascades(session: Session): Promise<boolean> {
  const { flavour, version } = session.info;
  if (flavour !== 'mysql' || version < CASCADES_LOGGED_SINCE) return false;
  const [row] = await session.rows("SHOW GLOBAL VARIABLES LIKE 'innodb_native_foreign_keys'");
  return row?.Value !== 'ON';
}

/** What SHOW CREATE TABLE says; null: nothing. A definition that may not be read could have any rule. */
async function definition(session: Session, table: TableName): Promise<string | 'closed' | null> {
  try {
    const row = await session.row(`SHOW CREATE TABLE ${quoteTable(table)}`, [], 'load');
    return row['Create Table'] ?? null;
  } catch (error) {
    const { code } = SluiceError.from(error);
    // Between the two statements.
    if (code === 'TABLE_DROPPED') return null;
    if (code === 'TABLE_NO_SELECT') return 'closed';
    throw error;
  }
}

/** Definitions of the tables with foreign keys, by tableKey. */
async function referring(
  session: Session,
  where: (alias: string) => string,
  parameters: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const children = await session.rows(
    `SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME FROM information_schema.KEY_COLUMN_USAGE k
      WHERE REFERENCED_TABLE_NAME IS NOT NULL AND ${where('k')}`,
    parameters,
  );
  const found = new Map<string, string>();
  for (const child of children) {
    const text = await definition(session, nameOf(child));
    if (text !== null) found.set(keyOf(child), text);
  }
  return found;
}

const nameOf = (row: TextRow): TableName => ({ schema: row.TABLE_SCHEMA ?? '', table: row.TABLE_NAME ?? '' });
const keyOf = (row: TextRow): string => tableKey(nameOf(row));

function grouped(rows: readonly TextRow[]): ReadonlyMap<string, readonly TextRow[]> {
  const groups = new Map<string, TextRow[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}

function discovered(
  table: TextRow,
  columns: readonly TextRow[],
  indexes: readonly TextRow[],
  types: ExactTypes,
  reading: ReadingOptions,
  definition: { readonly logged: boolean; readonly text: string | undefined },
): DiscoveredTable {
  const name = nameOf(table);
  let unknown: string | null = null;
  const typeOf = (native: string): ReturnType<typeof lakeType> => {
    try {
      return lakeType(parseNative(native), reading);
    } catch {
      unknown ??= native;
      return { type: { kind: 'string' }, text: { form: 'plain' } };
    }
  };
  const described: TableSchema = {
    name,
    columns: columns.map((row, index) => {
      const native = nativeText({
        COLUMN_TYPE: types.get(row) ?? row.COLUMN_TYPE ?? null,
        CHARACTER_SET_NAME: row.CHARACTER_SET_NAME ?? null,
        GENERATION_EXPRESSION: row.GENERATION_EXPRESSION ?? null,
        EXTRA: row.EXTRA ?? null,
      });
      return {
        name: row.COLUMN_NAME ?? '',
        sourceId: index + 1,
        ...typeOf(native),
        nullable: row.IS_NULLABLE === 'YES',
        native,
      };
    }),
    identity: identityOf(columns, indexes),
    ...(table.TABLE_TYPE === 'SYSTEM VERSIONED' ? { versioned: true } : {}),
  };
  const collations = new Map(columns.map((row) => [row.COLUMN_NAME ?? '', row.COLLATION_NAME ?? null]));
  const { text, logged } = definition;
  const cascades = text === undefined ? [] : cascadeRules(text, described, collations, logged);
  const schema: TableSchema =
    (cascades ?? []).length === 0 ? described : { ...described, cascades: cascades! };
  return {
    schema,
    objectId: tableKey(name),
    logColumns: [],
    storage: '',
    columnVersions: {},
    pieces: [],
    filledColumns: [],
    estimatedRows: table.TABLE_ROWS == null ? null : Number(table.TABLE_ROWS),
    refused: refusal(table, columns, schema, {
      hidden: logged ? null : text === 'closed' ? 'closed' : cascades === null ? 'unreadable' : null,
      unknown,
      untold: columns.find((row) => types.get(row) === null)?.COLUMN_NAME ?? null,
    }),
  };
}

/**
 * The primary key, or the unique index of fewest columns that is one in all but name: none of its columns may be
 * NULL, and each is in it as a whole, for a prefix does not tell rows apart.
 */
function identityOf(columns: readonly TextRow[], indexes: readonly TextRow[]): TableSchema['identity'] {
  const places = new Map(columns.map((row, index) => [row.COLUMN_NAME ?? '', index]));
  const byName = new Map<string, TextRow[]>();
  for (const row of indexes) {
    const parts = byName.get(row.INDEX_NAME ?? '');
    if (parts === undefined) byName.set(row.INDEX_NAME ?? '', [row]);
    else parts.push(row);
  }
  const usable = [...byName].flatMap(([name, parts]) => {
    const key = parts.map((part) =>
      part.SUB_PART === null ? places.get(part.COLUMN_NAME ?? '') : undefined,
    );
    const whole = key.every((index) => index !== undefined && columns[index]!.IS_NULLABLE === 'NO');
    return whole ? [{ name, key: key as number[] }] : [];
  });
  usable.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  const best = usable[0];
  return best === undefined ? { kind: 'row' } : { kind: 'key', columns: [...best.key].sort((a, b) => a - b) };
}

const rank = ({ name, key }: { readonly name: string; readonly key: readonly number[] }): number =>
  name === 'PRIMARY' ? 0 : key.length;

function refusal(
  table: TextRow,
  columns: readonly TextRow[],
  schema: TableSchema,
  {
    hidden,
    unknown,
    untold,
  }: {
    readonly hidden: 'closed' | 'unreadable' | null;
    readonly unknown: string | null;
    /** A column whose members are not told. */
    readonly untold: string | null;
  },
): DiscoveredTable['refused'] {
  const name = tableText(schema.name);
  if (unknown !== null)
    return {
      code: 'TABLE_SCHEMA',
      message: `${name} has a column of the type ${unknown}, which is not known.`,
      remedy: 'Change the type of the column, or leave the table out of the task.',
    };
  // The log has the rows of the past too, and SELECT does not show them.
  if (columns.some((row) => /^ROW (START|END)$/i.test(row.GENERATION_EXPRESSION ?? '')))
    return {
      code: 'TABLE_SCHEMA',
      message: `${name} has columns of its own for the period of its rows (GENERATED ALWAYS AS ROW START).`,
      remedy: `Make ${name} versioned without such columns (WITH SYSTEM VERSIONING alone), or leave it out of the task.`,
    };
  const rule = untoldRule(schema);
  if (hidden === 'unreadable')
    return {
      code: 'TABLE_CASCADE',
      message: `${name} has foreign keys, and SHOW CREATE TABLE writes them in a way that cannot be read.`,
      remedy:
        'Name the foreign key and its columns without backquotes and line ends; or, where nothing relies on its rules, set the parameter unlogged_cascades to ignore.',
    };
  if (rule !== null || hidden !== null)
    return {
      code: 'TABLE_CASCADE',
      message:
        rule !== null
          ? `The foreign key ${rule.name} changes rows of ${name} by itself, which this server does not log; nor can it be told from the rows that are referred to: ${rule.untold}.`
          : `${name} has foreign keys, and the account may not see if they change its rows unseen.`,
      remedy:
        rule !== null
          ? `Make the foreign key ${rule.name} one without CASCADE and SET NULL; or, where nothing relies on it, set the parameter unlogged_cascades to ignore.`
          : `Run GRANT SELECT ON ${quoted(schema.name)} TO the account of the data source.`,
    };
  const closed = columns.filter((row) => !/\bselect\b/i.test(row.PRIVILEGES ?? ''));
  if (closed.length > 0)
    return {
      code: 'TABLE_NO_SELECT',
      message: `The account may not read ${closed.length === columns.length ? name : `the columns ${closed.map((row) => row.COLUMN_NAME).join(', ')} of ${name}`}.`,
      remedy: `Run GRANT SELECT ON ${quoted(schema.name)} TO the account of the data source.`,
    };
  if (untold !== null)
    return {
      code: 'TABLE_SCHEMA',
      message: `The server shows question marks in the members of the column ${untold} of ${name}, and does not tell whether they are characters that it cannot show.`,
      remedy: `Where they are question marks, give the column a character set that has no others (ALTER TABLE ${quoted(schema.name)} MODIFY … CHARACTER SET utf8); or leave the table out of the task.`,
    };
  if (schema.identity.kind === 'row' && table.TRANSACTIONS !== 'YES')
    return {
      code: 'TABLE_NO_KEY',
      message: `${name} has no primary key, and its engine ${table.ENGINE} cannot show all of its rows as of one moment.`,
      remedy: `Add a primary key to ${name}, or run ALTER TABLE ${quoted(schema.name)} ENGINE = InnoDB; then start the table again.`,
    };
  return null;
}

const quoted = ({ schema, table }: TableName): string =>
  [schema, table].map((part) => `\`${part.replaceAll('`', '``')}\``).join('.');

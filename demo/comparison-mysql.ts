import type { Readable } from 'node:stream';
import type mysql from 'mysql2';
import type { Connection } from 'mysql2/promise';
import {
  type ComparedSource,
  type ComparisonOptions,
  compareDatabase,
  type Lake,
  type SourceTable,
  type TableComparison,
} from './comparison.ts';
import { type Kind, microseconds, normalise, type Value } from './normalise.ts';

/**
 * As compareDatabase, with the MySQL or MariaDB database that the connection is in as the source. The account needs
 * SELECT on it and nothing else.
 */
export async function compareMysql(
  connection: Connection,
  lake: Lake,
  options: ComparisonOptions = {},
): Promise<readonly TableComparison[]> {
  await connection.query("SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = ''");
  // MySQL 8.0.30 has invisible primary keys, which the lake has too.
  await connection.query('SET show_gipk_in_create_table_and_information_schema = ON').catch(() => undefined);
  await connection.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
  const flavour = await flavourOf(connection);
  // All tables of the source at one position; those of engines without transactions stand still by themselves.
  await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
  try {
    const columns = new Map<SourceTable, readonly MysqlColumn[]>();
    const source: ComparedSource = {
      tables: async () => {
        for (const [table, its] of await tables(connection)) columns.set(table, its);
        return [...columns.keys()];
      },
      rows: (table) => rows(connection, table, columns.get(table) ?? [], flavour),
    };
    return await compareDatabase(source, lake, options);
  } finally {
    await connection.query('ROLLBACK');
  }
}

export type Flavour = 'mysql' | 'mariadb';

export async function flavourOf(connection: Connection): Promise<Flavour> {
  const [row] = await texts(connection, 'SELECT VERSION()');
  return /mariadb/i.test(row?.[0] ?? '') ? 'mariadb' : 'mysql';
}

/** A column as information_schema tells it. */
export interface MysqlColumn {
  readonly name: string;
  /** COLUMN_TYPE: `int(10) unsigned`, `datetime(3)`, `enum('a','b')` */
  readonly type: string;
}

const GEOMETRY =
  /^(geometry|point|linestring|polygon|multipoint|multilinestring|multipolygon|geom(etry)?collection)\b/;

/** The kind of a column under the product's rule for its type. */
export function mysqlKind(type: string): Kind {
  if (/^tinyint\(1\)/.test(type) || type === 'bit(1)') return 'boolean';
  if (/^(datetime|timestamp)\b/.test(type)) return 'instant';
  if (type === 'date') return 'date';
  if (/^time\b/.test(type)) return 'time';
  if (/^(bit|binary|varbinary|(tiny|medium|long)?blob|vector)\b/.test(type)) return 'bytes';
  if (/^float\b/.test(type)) return 'real';
  if (/^double\b/.test(type)) return 'double';
  if (/^decimal\b/.test(type)) return isLong(type) ? 'text' : 'decimal';
  if (GEOMETRY.test(type)) return 'geometry';
  return 'text';
}

/** A decimal of more digits than the lake's decimals have, which is a text there. */
const isLong = (type: string): boolean => Number(/^decimal\((\d+)/.exec(type)?.[1]) > 38;

export const backquoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** MySQL shows latitudes first where the reference system does; stored are longitudes first. */
const AXES: Readonly<Record<Flavour, string>> = { mysql: ", 'axis-order=long-lat'", mariadb: '' };

/** How the server is asked for the column (already quoted), so that the text that it answers is exact. */
export function mysqlExpression(column: string, type: string, flavour: Flavour): string {
  const kind = mysqlKind(type);
  const bits = /^bit\((\d+)\)/.exec(type)?.[1];
  if (bits !== undefined && kind === 'bytes')
    return `LPAD(HEX(${column} + 0), ${2 * Math.ceil(Number(bits) / 8)}, '0')`;
  switch (kind) {
    case 'boolean':
      return `${column} + 0`;
    case 'bytes':
      return `HEX(${column})`;
    case 'real':
    case 'double':
      // The text of a FLOAT has 6 digits, that of a DOUBLE as many as its value takes.
      return `CAST(${column} AS DOUBLE)`;
    case 'geometry':
      return `CONCAT(IF(ST_SRID(${column}) = 0, '', CONCAT('SRID=', ST_SRID(${column}), ';')), ST_AsText(${column}${AXES[flavour]}))`;
    default:
      // A year's and a zerofill number's leading zeros are nothing that a number has; a text keeps them.
      return /^year\b/.test(type) || (/zerofill/.test(type) && !isLong(type)) ? `${column} + 0` : column;
  }
}

/** Zero and partial dates become null: the lake has none (product rule). */
export function normaliseMysql(text: Value, kind: Kind): Value {
  if (text === null) return null;
  switch (kind) {
    case 'boolean':
      return text === '0' ? 'false' : text === '1' ? 'true' : text;
    case 'instant':
      return hasZero(text) ? null : microseconds(text);
    case 'date':
      return hasZero(text) ? null : text.replace(/^0000-(.*)$/, '0001-$1 BC');
    case 'bytes':
      return text.toLowerCase();
    default:
      return normalise(text, kind);
  }
}

const hasZero = (date: string): boolean => /^\d{4}-(00|\d\d-00)/.test(date);

async function tables(
  connection: Connection,
): Promise<readonly (readonly [SourceTable, readonly MysqlColumn[]])[]> {
  const named = await texts(
    connection,
    // MariaDB calls a table whose history it keeps SYSTEM VERSIONED.
    `SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY TABLE_NAME`,
  );
  const columns = await texts(
    connection,
    `SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION`,
  );
  const keys = await texts(
    connection,
    `SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.STATISTICS
      WHERE TABLE_SCHEMA = DATABASE() AND INDEX_NAME = 'PRIMARY' AND SUB_PART IS NULL ORDER BY TABLE_NAME, SEQ_IN_INDEX`,
  );
  return named.map(([schema, table]) => {
    const its = columns
      .filter(([of]) => of === table)
      .map(([, name, type]) => ({ name: String(name), type: String(type) }));
    const key = keys.filter(([of]) => of === table).map(([, name]) => String(name));
    const names = its.map(({ name, type }) => ({ name, kind: mysqlKind(type) }));
    return [{ schema: String(schema), table: String(table), key, columns: names }, its] as const;
  });
}

/** Rows as the server's own text. */
export async function texts(connection: Connection, sql: string): Promise<readonly (readonly Value[])[]> {
  const [answer] = await connection.query({ sql, rowsAsArray: true, typeCast: false });
  return (answer as unknown as readonly (readonly (Buffer | null)[])[]).map((row) => row.map(text));
}

const text = (value: Buffer | null): Value => (value === null ? null : value.toString('utf8'));

async function* rows(
  connection: Connection,
  table: SourceTable,
  columns: readonly MysqlColumn[],
  flavour: Flavour,
): AsyncGenerator<Value[]> {
  const list = columns.map(({ name, type }) => mysqlExpression(backquoted(name), type, flavour)).join(', ');
  const sql = `SELECT ${list} FROM ${backquoted(table.schema)}.${backquoted(table.table)}`;
  // The promises' wrapper has no streams.
  const plain = (connection as unknown as { readonly connection: mysql.Connection }).connection;
  const stream: Readable = plain.query({ sql, rowsAsArray: true, typeCast: false }).stream();
  for await (const row of stream as AsyncIterable<readonly (Buffer | null)[]>)
    yield row.map((value, index) => normaliseMysql(text(value), table.columns[index]?.kind ?? 'text'));
}

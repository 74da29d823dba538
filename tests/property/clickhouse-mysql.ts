import mysql, { type Connection } from 'mysql2/promise';
import type { ClickHouseTable, Row, Writing } from './clickhouse.ts';

interface Column {
  readonly name: string;
  /** COLUMN_TYPE */
  readonly type: string;
}

const quote = (name: string): string => mysql.escapeId(name, true);

/** Every table of the connection's database with its rows, written by the server's own functions. */
export async function mysqlSide(connection: Connection): Promise<readonly ClickHouseTable[]> {
  await connection.query("SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = ''");
  const ask = async (sql: string): Promise<(string | null)[][]> => {
    const [rows] = await connection.query({ sql, rowsAsArray: true, typeCast: false });
    return (rows as unknown as (Buffer | null)[][]).map((row) =>
      row.map((value) => value?.toString('utf8') ?? null),
    );
  };
  const result: ClickHouseTable[] = [];
  const columns = await ask(
    `SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION`,
  );
  for (const table of new Set(columns.map((row) => row[1]!))) {
    const its = columns
      .filter((row) => row[1] === table)
      .map(([, , name, type]) => ({ name: name!, type: type! }));
    const seen: Column[] = [];
    // ClickHouse refuses a whole column for one date that it does not have.
    for (const { name, type } of its) {
      const beyond = `SELECT 1 FROM ${quote(table)} WHERE TO_DAYS(${quote(name)}) IS NOT NULL AND (${quote(name)} < '1900-01-01' OR ${quote(name)} > '2299-12-31') LIMIT 1`;
      if (type !== 'date' || (await ask(beyond)).length === 0) seen.push({ name, type });
    }
    const rows = await ask(`SELECT ${seen.map(expression).join(', ')} FROM ${quote(table)}`);
    result.push({
      schema: columns[0]![0]!,
      table,
      columns: seen.map(({ name, type }) => ({ name, writing: writingOf(type), list: false })),
      rows: rows.map((row): Row => row.map((text, at) => written(seen[at]!.type, text))),
    });
  }
  return result;
}

function writingOf(type: string): Writing {
  if (type === 'double') return 'double';
  if (type === 'float') return 'real';
  if (type === 'date') return 'date';
  if (/^(datetime|timestamp)/.test(type)) return 'timestamp';
  return isBytes(type) ? 'bytes' : 'text';
}

const isBytes = (type: string): boolean =>
  (/^(var)?binary|blob$/.test(type) || type.startsWith('bit(')) && type !== 'bit(1)';

function expression({ name, type }: Column): string {
  const x = quote(name);
  const bits = /^bit\((\d+)\)$/.exec(type)?.[1];
  if (type === 'bit(1)' || type === 'tinyint(1)')
    return `CASE ${x} + 0 WHEN 1 THEN 'true' WHEN 0 THEN 'false' END`;
  if (bits !== undefined) return `LPAD(LOWER(HEX(${x} + 0)), ${2 * Math.ceil(Number(bits) / 8)}, '0')`;
  if (isBytes(type)) return `LOWER(HEX(${x}))`;
  if (type === 'double' || type === 'float') return `CAST(${x} AS DOUBLE)`;
  if (type === 'date') return `TO_DAYS(${x}) - TO_DAYS('1970-01-01')`;
  if (/^(datetime|timestamp)/.test(type)) return `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${x})`;
  if (/^time/.test(type)) return `FLOOR(TIME_TO_SEC(${x}))`;
  if (/^year/.test(type)) return `${x} + 0`;
  if (type === 'point') return `CONCAT('POINT(', ST_X(${x}), ' ', ST_Y(${x}), ')')`;
  return x;
}

/** What the servers have no function for. */
function written(type: string, text: string | null): string | null {
  if (text === null) return null;
  if (type === 'double' || type === 'float') {
    const bytes = Buffer.alloc(type === 'float' ? 4 : 8);
    if (type === 'float') bytes.writeFloatBE(Number(text));
    else bytes.writeDoubleBE(Number(text));
    return bytes.toString('hex');
  }
  // Beyond 38 digits the lake has the text itself.
  const digits = Number(/^decimal\((\d+),/.exec(type)?.[1] ?? 99);
  return digits <= 38 && text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

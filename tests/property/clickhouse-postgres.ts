import pg from 'pg';
import type { ClickHouseTable, Row, Writing } from './clickhouse.ts';

interface Column {
  readonly name: string;
  /** format_type() with its modifier. */
  readonly type: string;
}

/** Every table of the database with its rows, written by PostgreSQL's own functions. */
export async function postgresSide(databaseUrl: string): Promise<readonly ClickHouseTable[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'iso_8601'",
    );
    const result: ClickHouseTable[] = [];
    for (const { schema, table, columns } of await tablesOf(client)) {
      const from = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`;
      const seen = await readable(client, from, columns);
      const { rows } = await client.query<(string | null)[]>({
        text: `SELECT ${seen.map(expression).join(', ')} FROM ${from}`,
        rowMode: 'array',
      });
      result.push({ schema, table, columns: seen.map(asked), rows: rows as readonly Row[] });
    }
    return result;
  } finally {
    await client.end();
  }
}

function asked({ name, type }: Column): ClickHouseTable['columns'][number] {
  const list = type.endsWith('[]');
  return { name, list, writing: writingOf(list ? type.slice(0, -2) : type) };
}

function writingOf(type: string): Writing {
  if (type === 'double precision') return 'double';
  if (type === 'real') return 'real';
  if (type === 'bytea') return 'bytes';
  if (type === 'date') return 'date';
  return type.startsWith('timestamp') ? 'timestamp' : 'text';
}

function value(type: string, x: string): string {
  if (type === 'double precision') return `encode(float8send(${x}), 'hex')`;
  if (type === 'real') return `encode(float4send(${x}), 'hex')`;
  if (type === 'bytea') return `encode(${x}, 'hex')`;
  if (type === 'date') return `CASE WHEN isfinite(${x}) THEN (${x} - date '1970-01-01')::text END`;
  if (type.startsWith('timestamp'))
    return `CASE WHEN isfinite(${x}) THEN (extract(epoch FROM ${x}) * 1000000)::numeric(30)::text END`;
  if (type === 'time without time zone') return `floor(extract(epoch FROM ${x}))::text`;
  if (/^numeric\(/.test(type)) return `trim_scale(${x})::text`;
  if (type === 'bit(1)') return `CASE ${x}::text WHEN '1' THEN 'true' WHEN '0' THEN 'false' END`;
  if (type === 'uuid') return `${x}::text`;
  // A cast of char(n) to text would cut its blanks, which are part of what the type gives out.
  if (type.startsWith('character(')) return `rpad(${x}::text, ${/\d+/.exec(type)?.[0]})`;
  return `${x}::text`;
}

function expression({ name, type }: Column): string {
  const column = pg.escapeIdentifier(name);
  if (!type.endsWith('[]')) return value(type, column);
  const element = value(type.slice(0, -2), 'e');
  return `coalesce((SELECT json_agg(${element} ORDER BY n)::text FROM unnest(${column}) WITH ORDINALITY AS u(e, n)), '[]')`;
}

async function tablesOf(
  client: pg.Client,
): Promise<readonly { schema: string; table: string; columns: Column[] }[]> {
  const { rows } = await client.query<{ schema: string; table: string; columns: Column[] }>(`
    SELECT n.nspname AS schema, c.relname AS "table",
           json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum) AS columns
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = 'public' AND a.attnum > 0 AND NOT a.attisdropped
     GROUP BY 1, 2 ORDER BY 1, 2`);
  return rows;
}

/** ClickHouse refuses a whole column for one date that it does not have. */
async function readable(client: pg.Client, from: string, all: readonly Column[]): Promise<readonly Column[]> {
  const columns: Column[] = [];
  for (const column of all) {
    const name = pg.escapeIdentifier(column.name);
    const beyond = `SELECT 1 FROM ${from} WHERE isfinite(${name}) AND (${name} < '1900-01-01' OR ${name} > '2299-12-31') LIMIT 1`;
    if (column.type !== 'date' || (await client.query(beyond)).rowCount === 0) columns.push(column);
  }
  return columns;
}

import pg from 'pg';
import {
  type ComparedSource,
  type ComparisonOptions,
  compareDatabase,
  type Lake,
  type SourceTable,
  type TableComparison,
} from './comparison.ts';
import { type Kind, microseconds, normalise, type Value } from './normalise.ts';

/** As compareDatabase, with a PostgreSQL database as the source. */
export async function comparePostgres(
  client: pg.Client,
  lake: Lake,
  options: ComparisonOptions = {},
): Promise<readonly TableComparison[]> {
  // All tables of the source at one position.
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    await client.query(
      "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'iso_8601';" +
        "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'",
    );
    const source: ComparedSource = { tables: () => tables(client), rows: (table) => rows(client, table) };
    return await compareDatabase(source, lake, options);
  } finally {
    await client.query('ROLLBACK');
  }
}

/** `type`: PostgreSQL's format_type(), without or with its modifier. */
export function kindOf(type: string): Kind {
  if (type.endsWith('[]')) return 'array';
  if (type === 'boolean' || type === 'bit(1)') return 'boolean';
  if (type.startsWith('timestamp')) return 'instant';
  if (type === 'date') return 'date';
  if (type === 'bytea') return 'bytes';
  if (type === 'real') return 'real';
  if (type === 'double precision') return 'double';
  return 'text';
}

/** How the source is asked for the column (already quoted): its own output text, but JSON for arrays. */
function sourceExpression(column: string, kind: Kind): string {
  return kind === 'array' ? `array_to_json(${column})::text` : column;
}

/**
 *   boolean                t, f
 *   timestamp, timestamptz 2024-02-29 12:00:00.5+00; infinities become null (the lake has none; product rule)
 *   date                   infinities become null
 *   bytea                  \x00ff
 *   real, double           1e+20, inf, nan
 *   arrays                 JSON of their elements
 *   everything else        PostgreSQL's text as it is
 */
export function normaliseSource(text: Value, kind: Kind): Value {
  if (text === null) return null;
  switch (kind) {
    case 'boolean':
      return text === 't' || text === '1' ? 'true' : 'false';
    case 'instant':
      return isInfinite(text) ? null : microseconds(text);
    case 'date':
      return isInfinite(text) ? null : text;
    case 'bytes':
      return text.slice(2);
    default:
      return normalise(text, kind);
  }
}

const isInfinite = (text: string) => text === 'infinity' || text === '-infinity';

/** Tables that people see: partitioned ones as one, their partitions not, nothing of the system's. */
async function tables(client: pg.Client): Promise<readonly SourceTable[]> {
  const { rows } = await client.query<{
    schema: string;
    table: string;
    columns: { name: string; type: string }[];
    key: string[];
  }>(`
    SELECT n.nspname AS schema, c.relname AS "table",
           (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
              FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
           coalesce((SELECT json_agg(a.attname ORDER BY k.position)
              FROM pg_index i, unnest(i.indkey::int[]) WITH ORDINALITY k(attnum, position), pg_attribute a
             WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = k.attnum), '[]') AS key
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
       AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
     ORDER BY 1, 2`);
  return rows.map(({ schema, table, columns, key }) => ({
    schema,
    table,
    key,
    columns: (columns ?? []).map(({ name, type }) => ({ name, kind: kindOf(type) })),
  }));
}

const PAGE_ROWS = 20_000;

/** Every value as the text that PostgreSQL's own output function made. */
const AS_TEXT = { getTypeParser: () => (text: string) => text };

async function* rows(client: pg.Client, table: SourceTable): AsyncGenerator<Value[]> {
  const columns = table.columns.map(({ name, kind }) => sourceExpression(pg.escapeIdentifier(name), kind));
  const name = `${pg.escapeIdentifier(table.schema)}.${pg.escapeIdentifier(table.table)}`;
  const order = table.key.length === 0 ? '' : ` ORDER BY ${table.key.map(pg.escapeIdentifier).join(', ')}`;
  await client.query(
    `DECLARE compared NO SCROLL CURSOR FOR SELECT ${columns.join(', ')} FROM ${name}${order}`,
  );
  for (;;) {
    const { rows } = await client.query<Value[]>({
      text: `FETCH ${PAGE_ROWS} FROM compared`,
      rowMode: 'array',
      types: AS_TEXT,
    });
    for (const row of rows)
      yield row.map((text, index) => normaliseSource(text, table.columns[index]?.kind ?? 'text'));
    if (rows.length < PAGE_ROWS) break;
  }
  await client.query('CLOSE compared');
}

import { SluiceError } from '@sluice/contract';
import type { EngineConnection } from '../duckdb/engine.ts';
import { quoteText } from '../duckdb/sql-text.ts';

/** A table as a statement names it; schema is '' where it names none. */
export interface TableReference {
  readonly schema: string;
  readonly table: string;
}

export type Statement =
  | { readonly kind: 'show-tables' }
  | {
      readonly kind: 'select';
      readonly tables: readonly TableReference[];
      /** Names of common table expressions; a table of that name may be meant, or the expression. */
      readonly expressions: ReadonlySet<string>;
    };

/**
 * Takes a statement apart and refuses what is not one read-only query. DuckDB's own parser does it (json_serialize_sql, which
 * knows SELECT statements only), so that what is judged here is what runs there. Reading is by tables alone: table functions
 * that could read files, other databases' catalogs or settings are not among the allowed ones.
 * @throws SluiceError SQL_REFUSED, SQL_FAILED where it cannot be parsed
 */
export async function parseStatement(connection: EngineConnection, sql: string): Promise<Statement> {
  const [row] = await connection.rows(`SELECT json_serialize_sql(${quoteText(sql)})::VARCHAR AS ast`);
  return judge(JSON.parse(String(row?.ast)) as SerializedSql);
}

interface SerializedSql {
  readonly error: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly statements?: readonly unknown[];
}

function judge(parsed: SerializedSql): Statement {
  if (parsed.error) {
    const message = parsed.error_message ?? 'The statement cannot be parsed.';
    if (parsed.error_type === 'not implemented')
      throw new SluiceError(
        'SQL_REFUSED',
        'Only SELECT, WITH, VALUES, DESCRIBE, SUMMARIZE and SHOW TABLES are taken.',
      );
    throw new SluiceError('SQL_FAILED', message);
  }
  const statements = parsed.statements ?? [];
  if (statements.length !== 1)
    throw new SluiceError('SQL_REFUSED', `One statement is taken; here are ${statements.length}.`);
  if (isShowTables(statements[0])) return { kind: 'show-tables' };
  const found: Found = { tables: new Map(), expressions: new Set() };
  walk(statements[0], found);
  return { kind: 'select', tables: [...found.tables.values()], expressions: found.expressions };
}

interface Found {
  readonly tables: Map<string, TableReference>;
  readonly expressions: Set<string>;
}

type Node = Readonly<Record<string, unknown>>;

function walk(value: unknown, found: Found): void {
  if (Array.isArray(value)) {
    for (const one of value) walk(one, found);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const node = value as Node;
  look(node, found);
  for (const inner of Object.values(node)) walk(inner, found);
}

function look(node: Node, found: Found): void {
  if (Array.isArray(node.map))
    for (const entry of node.map as Node[])
      if (typeof entry.key === 'string') found.expressions.add(entry.key.toLowerCase());
  switch (node.type) {
    case 'BASE_TABLE':
      addTable(node, found);
      return;
    case 'TABLE_FUNCTION':
      checkTableFunction(String((node.function as Node | undefined)?.function_name));
      return;
    case 'SHOW_REF':
      if (!node.query) throw new SluiceError('SQL_REFUSED', 'Of SHOW, only SHOW TABLES is taken.');
      return;
    case 'FUNCTION':
      checkFunction(String(node.function_name));
      return;
  }
}

function addTable(node: Node, found: Found): void {
  if (node.catalog_name)
    throw new SluiceError('SQL_REFUSED', 'Tables are named by schema and table; there is no other database.');
  if (node.at_clause) throw new SluiceError('SQL_REFUSED', 'Older snapshots (AT …) cannot be queried.');
  const reference = { schema: String(node.schema_name), table: String(node.table_name) };
  found.tables.set(JSON.stringify([reference.schema, reference.table]), reference);
}

/** Those that make rows of their arguments. All others read something. */
const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  'range',
  'generate_series',
  'unnest',
  'repeat',
  'repeat_row',
  'json_each',
  'json_tree',
]);

function checkTableFunction(name: string): void {
  if (!TABLE_FUNCTIONS.has(name.toLowerCase()))
    throw new SluiceError('SQL_REFUSED', `The function ${name} cannot be used as a table.`);
}

/** What tells of the process, or leaves a trace in it. The other functions of DuckDB compute from their arguments. */
const REFUSED_FUNCTIONS =
  /^(getenv|current_setting|getvariable|write_log|nextval|currval|pg_get_.*|json_execute_.*|read_.*|query|query_table|which_secret)$/;

function checkFunction(name: string): void {
  if (REFUSED_FUNCTIONS.test(name.toLowerCase()))
    throw new SluiceError('SQL_REFUSED', `The function ${name} cannot be used.`);
}

function isShowTables(statement: unknown): boolean {
  const from = ((statement as Node).node as Node | undefined)?.from_table as Node | undefined;
  if (from?.type !== 'SHOW_REF' || from.query) return false;
  return from.table_name === '"tables"' || from.table_name === '__show_tables_expanded';
}

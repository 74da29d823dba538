import type { Column, Identity, TableName, TableSchema } from '../../model/table.ts';
import type { DiscoveredTable, Selection } from '../source.ts';
import type { Session } from './connect.ts';
import { quoteIdent, quoteTable } from './quote.ts';
import { lakeType, type PgType } from './types.ts';

interface TableRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'r' | 'p';
  readonly identity: string;
  readonly rows: number | null;
  readonly primary_key: number[] | null;
  /** A primary key that is checked at the end of the transaction only. */
  readonly deferrable_key: boolean;
  readonly identity_key: number[] | null;
  readonly may_select: boolean;
  readonly may_use: boolean;
  readonly secured: boolean;
  readonly role: string;
}

interface ColumnRow {
  readonly table_oid: number;
  readonly number: number;
  readonly name: string;
  readonly type_id: number;
  readonly modifier: number;
  readonly required: boolean;
  readonly generated: string;
  readonly native: string;
}

interface LeafRow {
  readonly root: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly persistence: string;
  readonly identity: string;
  readonly identity_key: string[] | null;
  readonly may_select: boolean;
}

/** Ordinary and partitioned tables; a partition belongs to its root. Temporary, unlogged and extensions' tables are left out. */
const IS_TABLE = `c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
  AND n.nspname NOT IN ('information_schema', 'pg_catalog') AND n.nspname !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`;

/** $1, $2: schemas; $3, $4: schema and name of single tables; all empty: every table. */
const IS_SELECTED = `(n.nspname = ANY($1::text[]) OR (n.nspname, c.relname) IN
    (SELECT s, t FROM unnest($2::text[], $3::text[]) AS w(s, t))
    OR pg_catalog.cardinality($1::text[]) + pg_catalog.cardinality($2::text[]) = 0)`;

const TABLES = `SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
    c.relreplident::text AS identity,
    CASE c.relkind WHEN 'r' THEN nullif(c.reltuples, -1)
      ELSE (SELECT sum(nullif(leaf.reltuples, -1)) FROM pg_catalog.pg_partition_tree(c.oid) tree
              JOIN pg_catalog.pg_class leaf ON leaf.oid = tree.relid WHERE tree.isleaf) END::float8 AS rows,
    (SELECT (i.indkey::int2[])[0:i.indnkeyatts - 1]::int4[] FROM pg_catalog.pg_index i
      WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate AND i.indisvalid) AS primary_key,
    EXISTS (SELECT FROM pg_catalog.pg_index i
      WHERE i.indrelid = c.oid AND i.indisprimary AND NOT i.indimmediate) AS deferrable_key,
    (SELECT (i.indkey::int2[])[0:i.indnkeyatts - 1]::int4[] FROM pg_catalog.pg_index i
      WHERE i.indrelid = c.oid AND i.indisreplident AND i.indisvalid) AS identity_key,
    pg_catalog.has_table_privilege(c.oid, 'SELECT') AS may_select,
    pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS may_use,
    pg_catalog.row_security_active(c.oid) AS secured,
    current_user::text AS role
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE ${IS_TABLE} AND ${IS_SELECTED}
  ORDER BY n.nspname, c.relname`;

const COLUMNS = `SELECT a.attrelid AS table_oid, a.attnum::int4 AS number, a.attname::text AS name, a.atttypid AS type_id,
    a.atttypmod AS modifier, a.attnotnull AS required, a.attgenerated::text AS generated,
    pg_catalog.format_type(a.atttypid, a.atttypmod) AS native
  FROM pg_catalog.pg_attribute a WHERE a.attrelid = ANY($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY a.attrelid, a.attnum`;

const LEAVES = `SELECT root.oid AS root, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
    c.relpersistence::text AS persistence, c.relreplident::text AS identity,
    (SELECT pg_catalog.array_agg(a.attname::text) FROM pg_catalog.pg_index i
       JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY((i.indkey::int2[])[0:i.indnkeyatts - 1])
      WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
        AND CASE c.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END) AS identity_key,
    pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS may_select
  FROM unnest($1::oid[]) AS root(oid), pg_catalog.pg_partition_tree(root.oid) tree
  JOIN pg_catalog.pg_class c ON c.oid = tree.relid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE tree.isleaf AND c.relkind <> 'p' ORDER BY n.nspname, c.relname`;

const TYPES = `WITH RECURSIVE needed(oid) AS (
    SELECT unnest($1::oid[])
    UNION
    SELECT next.oid FROM needed JOIN pg_catalog.pg_type t ON t.oid = needed.oid,
      LATERAL (VALUES (t.typbasetype), (t.typelem)) AS next(oid) WHERE next.oid <> 0)
  SELECT t.oid, n.nspname::text AS schema, t.typname::text AS name, t.typtype::text AS kind,
    CASE WHEN e.typarray = t.oid THEN t.typelem ELSE 0 END AS element,
    t.typbasetype AS base, t.typtypmod AS "baseModifier", coalesce(e.typdelim, t.typdelim)::text AS delimiter
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
  WHERE t.oid IN (SELECT oid FROM needed)`;

export interface DiscoverOptions {
  /** Stored generated columns are in the log (PostgreSQL 18 with publish_generated_columns). Virtual ones never are. */
  readonly storedGenerated: boolean;
}

/** The selected tables, by schema and name. A named table that does not exist is not among them. */
export async function discoverTables(
  session: Session,
  selection: Selection,
  options: DiscoverOptions,
): Promise<readonly DiscoveredTable[]> {
  const tables = await session.rows<TableRow>(TABLES, [
    selection.schemas,
    selection.tables.map((name) => name.schema),
    selection.tables.map((name) => name.table),
  ]);
  if (tables.length === 0) return [];
  const columns = await session.rows<ColumnRow>(COLUMNS, [tables.map((table) => table.oid)]);
  const typeIds = [...new Set(columns.map((column) => column.type_id))];
  const types = new Map((await session.rows<PgType>(TYPES, [typeIds])).map((type) => [type.oid, type]));
  const roots = tables.filter((table) => table.kind === 'p').map((table) => table.oid);
  const leaves = roots.length === 0 ? [] : await session.rows<LeafRow>(LEAVES, [roots]);

  const columnsOf = groupBy(columns, (column) => column.table_oid);
  const leavesOf = groupBy(leaves, (leaf) => leaf.root);
  return tables.map((table) =>
    describeTable(table, columnsOf.get(table.oid) ?? [], leavesOf.get(table.oid) ?? [], types, options),
  );
}

function groupBy<Row>(rows: readonly Row[], key: (row: Row) => number): ReadonlyMap<number, Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group) group.push(row);
    else groups.set(key(row), [row]);
  }
  return groups;
}

function describeTable(
  table: TableRow,
  rows: readonly ColumnRow[],
  leaves: readonly LeafRow[],
  types: ReadonlyMap<number, PgType>,
  options: DiscoverOptions,
): DiscoveredTable {
  const kept = rows.filter(
    (row) => row.generated === '' || (row.generated === 's' && options.storedGenerated),
  );
  const columns = kept.map(
    (row): Column => ({
      name: row.name,
      sourceId: row.number,
      ...lakeType(row.type_id, row.modifier, types),
      nullable: !row.required,
      native: row.native,
    }),
  );
  const name = { schema: table.schema, table: table.name };
  const key = keyNumbers(table);
  const keyColumns = key?.map((number) => columns.findIndex((column) => column.sourceId === number)) ?? null;
  const identity: Identity =
    keyColumns === null || keyColumns.includes(-1) ? { kind: 'row' } : { kind: 'key', columns: keyColumns };
  const schema: TableSchema = { name, columns, identity };
  const missing = key?.filter((_, at) => keyColumns?.[at] === -1) ?? [];
  const refused =
    refusedBySelect(table, name, leaves) ??
    refusedByGenerated(
      name,
      missing.map((number) => rows.find((row) => row.number === number)?.name ?? ''),
    ) ??
    refusedByIdentity(table, schema) ??
    refusedByLeaves(schema, leaves);
  return { schema, objectId: table.oid.toString(), estimatedRows: table.rows, refused };
}

/**
 * The columns that every update and delete in the log is recognised by. A primary key that is checked only at the
 * end of a transaction is none: inside one, two rows may have the same key, and the order of changes says nothing.
 */
function keyNumbers(table: TableRow): readonly number[] | null {
  switch (table.identity) {
    case 'd':
    case 'f':
      return table.primary_key;
    case 'i':
      return table.identity_key;
    default:
      return null;
  }
}

type Refusal = DiscoveredTable['refused'];

function refusedBySelect(table: TableRow, name: TableName, leaves: readonly LeafRow[]): Refusal {
  const role = quoteIdent(table.role);
  const refuse = (message: string, remedy: string): Refusal => ({ code: 'TABLE_NO_SELECT', message, remedy });
  if (!table.may_use)
    return refuse(
      `${table.role} may not use schema ${table.schema}`,
      `Run GRANT USAGE ON SCHEMA ${quoteIdent(table.schema)} TO ${role};`,
    );
  if (!table.may_select)
    return refuse(
      `${table.role} may not read ${quoteTable(name)}`,
      `Run GRANT SELECT ON ${quoteTable(name)} TO ${role};`,
    );
  if (table.secured)
    return refuse(
      `row-level security hides rows of ${quoteTable(name)} from ${table.role}`,
      `Run ALTER ROLE ${role} BYPASSRLS; as a superuser.`,
    );
  const closed = leaves.filter((leaf) => !leaf.may_select && leaf.kind === 'r');
  if (closed.length === 0) return null;
  const list = closed.map((leaf) => quoteTable({ schema: leaf.schema, table: leaf.name })).join(', ');
  return refuse(
    `${table.role} may not read the partitions ${list} of ${quoteTable(name)}`,
    `Run GRANT SELECT ON ${list} TO ${role};`,
  );
}

function refusedByGenerated(name: TableName, missing: readonly string[]): Refusal {
  if (missing.length === 0) return null;
  return {
    code: 'TABLE_NO_IDENTITY',
    message: `the key of ${quoteTable(name)} has the generated column ${missing.join(', ')}, which the log does not carry`,
    remedy: `Run ALTER TABLE ${quoteTable(name)} REPLICA IDENTITY USING INDEX …; with a unique index of plain columns that are not null, then start the table again.`,
  };
}

function refusedByIdentity(table: TableRow, schema: TableSchema): Refusal {
  if (schema.identity.kind === 'key' || table.identity === 'f') return null;
  const name = quoteTable(schema.name);
  if (table.identity === 'd')
    return {
      code: 'TABLE_NO_KEY',
      message: table.deferrable_key
        ? `the primary key of ${name} is deferrable, so the log does not identify rows by it`
        : `${name} has no primary key`,
      remedy: `Add a primary key, or run ALTER TABLE ${name} REPLICA IDENTITY FULL; then start the table again.`,
    };
  return {
    code: 'TABLE_NO_IDENTITY',
    message:
      table.identity === 'i'
        ? `the index that was the replica identity of ${name} does not exist any more`
        : `${name} has REPLICA IDENTITY NOTHING`,
    remedy: `Run ALTER TABLE ${name} REPLICA IDENTITY ${table.primary_key ? 'DEFAULT' : 'FULL'}; then start the table again.`,
  };
}

/** What the log carries of an updated or deleted row is decided by each partition, not by the root. */
function refusedByLeaves(schema: TableSchema, leaves: readonly LeafRow[]): Refusal {
  const { identity, columns } = schema;
  const needed = identity.kind === 'key' ? identity.columns.map((at) => columns[at]!.name) : null;
  for (const leaf of leaves) {
    const name = quoteTable({ schema: leaf.schema, table: leaf.name });
    const refuse = (message: string, remedy: string): Refusal => ({
      code: 'TABLE_NO_IDENTITY',
      message: `partition ${name} of ${quoteTable(schema.name)} ${message}`,
      remedy,
    });
    if (leaf.kind !== 'r')
      return refuse(
        'is a foreign table, whose changes are not in the log',
        'Leave the table out of the task.',
      );
    if (leaf.persistence !== 'p')
      return refuse(
        'is unlogged, so its changes are not in the log',
        `Run ALTER TABLE ${name} SET LOGGED; then start the table again.`,
      );
    if (leaf.identity === 'f') continue;
    const has = new Set(leaf.identity_key ?? []);
    if (needed?.every((column) => has.has(column))) continue;
    return refuse(
      'does not identify its rows as the table does',
      `Run ALTER TABLE ${name} REPLICA IDENTITY ${needed && leaf.identity !== 'd' ? 'DEFAULT' : 'FULL'}; then start the table again.`,
    );
  }
  return null;
}

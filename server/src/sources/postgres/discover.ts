import type { Column, Identity, TableSchema, TypeParts } from '../../model/table.ts';
import type { DiscoveredTable, Selection } from '../source.ts';
import type { Session } from './connect.ts';
import { partitionTree } from './partition-tree.ts';
import {
  type Refusal,
  refusedByGenerated,
  refusedByIdentity,
  refusedByLeaves,
  refusedBySelect,
} from './refusal.ts';
import { readTypeParts } from './type-parts.ts';
import { lakeType, type PgType } from './types.ts';

export interface TableRow {
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
  /** The file of a table's rows, or its partitions' with their own; null where there is none. */
  readonly storage: string | null;
  readonly pieces: { id: string; storage: string; born: boolean }[] | null;
  readonly owner: string;
  readonly owned: boolean;
  readonly role: string;
}

interface ColumnRow {
  readonly table_oid: number;
  readonly number: number;
  readonly name: string;
  readonly type_id: number;
  readonly modifier: number;
  readonly version: string;
  /** Older rows have a default that was given when the column was added; a partitioned table's partitions know it. */
  readonly filled: boolean;
  readonly required: boolean;
  readonly generated: string;
  readonly native: string;
}

export interface LeafRow {
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
  AND NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`;

/** $1, $2: schemas; $3, $4: schema and name of single tables; all empty: every table. */
const IS_SELECTED = `(n.nspname = ANY($1::text[]) OR (n.nspname, c.relname) IN
    (SELECT s, t FROM unnest($2::text[], $3::text[]) AS w(s, t))
    OR cardinality($1::text[]) + cardinality($2::text[]) = 0)`;

/**
 * CREATE TABLE … PARTITION OF makes the table and its place in the parent in one statement: the system columns'
 * rows in pg_attribute, which nothing changes later, and the one in pg_inherits are of the same transaction and three
 * commands apart. A table that is attached later, in the same transaction too, is further away.
 */
const IS_BORN_INTO = 'i.xmin = first.xmin AND i.cmin::text::int8 - first.cmin::text::int8 BETWEEN 0 AND 3';

const TABLES = `SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
    c.relreplident::text AS identity,
    CASE c.relkind WHEN 'r' THEN nullif(c.reltuples, -1)
      ELSE (SELECT sum(nullif(leaf.reltuples, -1)) FROM ${partitionTree('c.oid')} tree
              JOIN pg_class leaf USING (oid) WHERE leaf.relkind <> 'p') END::float8 AS rows,
    (SELECT (i.indkey::int2[])[0:i.indnkeyatts - 1]::int4[] FROM pg_index i
      WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate AND i.indisvalid) AS primary_key,
    EXISTS (SELECT FROM pg_index i
      WHERE i.indrelid = c.oid AND i.indisprimary AND NOT i.indimmediate) AS deferrable_key,
    (SELECT (i.indkey::int2[])[0:i.indnkeyatts - 1]::int4[] FROM pg_index i
      WHERE i.indrelid = c.oid AND i.indisreplident AND i.indisvalid) AS identity_key,
    has_table_privilege(c.oid, 'SELECT') AS may_select,
    has_schema_privilege(n.oid, 'USAGE') AS may_use,
    row_security_active(c.oid) AS secured,
    CASE c.relkind WHEN 'r' THEN c.relfilenode::text
      ELSE (SELECT string_agg(leaf.oid || ':' || leaf.relfilenode, ' ' ORDER BY leaf.oid)
              FROM ${partitionTree('c.oid')} tree JOIN pg_class leaf USING (oid)
             WHERE leaf.relkind <> 'p') END AS storage,
    CASE c.relkind WHEN 'p' THEN (WITH RECURSIVE part(oid, born) AS (
        SELECT c.oid, true
        UNION ALL
        SELECT i.inhrelid, part.born AND ${IS_BORN_INTO} FROM part
          JOIN pg_inherits i ON i.inhparent = part.oid
          JOIN pg_attribute first ON first.attrelid = i.inhrelid AND first.attnum = -1)
      SELECT json_agg(json_build_object('id', leaf.oid::text, 'storage', leaf.relfilenode::text, 'born', part.born) ORDER BY leaf.oid)
        FROM part JOIN pg_class leaf ON leaf.oid = part.oid WHERE leaf.relkind = 'r') END AS pieces,
    pg_get_userbyid(c.relowner)::text AS owner, pg_has_role(c.relowner, 'USAGE') AS owned,
    current_user::text AS role
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE ${IS_TABLE} AND ${IS_SELECTED}
  ORDER BY n.nspname, c.relname`;

const COLUMNS = `SELECT a.attrelid AS table_oid, a.attnum::int4 AS number, a.attname::text AS name, a.atttypid AS type_id,
    a.atttypmod AS modifier, a.xmin::text AS version,
    a.atthasmissing OR (c.relkind = 'p' AND EXISTS (SELECT FROM ${partitionTree('c.oid')} tree
      JOIN pg_attribute leaf ON leaf.attrelid = tree.oid AND leaf.attname = a.attname AND leaf.atthasmissing)) AS filled,
     a.attnotnull AS required, a.attgenerated::text AS generated,
    format_type(a.atttypid, a.atttypmod) AS native
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  WHERE a.attrelid = ANY($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY a.attrelid, a.attnum`;

const LEAVES = `SELECT root.oid AS root, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
    c.relpersistence::text AS persistence, c.relreplident::text AS identity,
    (SELECT array_agg(a.attname::text) FROM pg_index i
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY((i.indkey::int2[])[0:i.indnkeyatts - 1])
      WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
        AND CASE c.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END) AS identity_key,
    has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AS may_select
  FROM unnest($1::oid[]) AS root(oid), LATERAL ${partitionTree('root.oid')} tree
  JOIN pg_class c ON c.oid = tree.oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind <> 'p' ORDER BY n.nspname, c.relname`;

const TYPES = `WITH RECURSIVE needed(oid) AS (
    SELECT unnest($1::oid[])
    UNION
    SELECT next.oid FROM needed JOIN pg_type t ON t.oid = needed.oid,
      LATERAL (VALUES (t.typbasetype), (t.typelem)) AS next(oid) WHERE next.oid <> 0)
  SELECT t.oid, n.nspname::text AS schema, t.typname::text AS name, t.typtype::text AS kind,
    CASE WHEN e.typarray = t.oid THEN t.typelem ELSE 0 END AS element,
    t.typbasetype AS base, t.typtypmod AS "baseModifier", coalesce(e.typdelim, t.typdelim)::text AS delimiter
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_type e ON e.oid = t.typelem
  WHERE t.oid IN (SELECT oid FROM needed)`;

/** A table with what only PostgreSQL's own check looks at. */
export interface PostgresTable extends DiscoveredTable {
  readonly refused: Refusal;
  readonly partitioned: boolean;
  readonly owner: string;
  /** The account may do what the owner may. */
  readonly owned: boolean;
  readonly role: string;
  readonly generatedLeftOut: readonly string[];
}

export interface DiscoverOptions {
  /** Stored generated columns are in the log (PostgreSQL 18 with publish_generated_columns). Virtual ones never are. */
  readonly storedGenerated: boolean;
}

/** The selected tables, by schema and name. A named table that does not exist is not among them. */
export async function discoverTables(
  session: Session,
  selection: Selection,
  options: DiscoverOptions,
): Promise<readonly PostgresTable[]> {
  // A definition and the file that was written for it belong together.
  await session.rows('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    return await readTables(session, selection, options);
  } finally {
    if (session.alive) await session.rows('ROLLBACK');
  }
}

async function readTables(
  session: Session,
  selection: Selection,
  options: DiscoverOptions,
): Promise<readonly PostgresTable[]> {
  const tables = await session.rows<TableRow>(TABLES, [
    selection.schemas,
    selection.tables.map((name) => name.schema),
    selection.tables.map((name) => name.table),
  ]);
  if (tables.length === 0) return [];
  const columns = await session.rows<ColumnRow>(COLUMNS, [tables.map((table) => table.oid)]);
  const typeIds = [...new Set(columns.map((column) => column.type_id))];
  const types = new Map((await session.rows<PgType>(TYPES, [typeIds])).map((type) => [type.oid, type]));
  const parts = await readTypeParts(session, typeIds);
  const roots = tables.filter((table) => table.kind === 'p').map((table) => table.oid);
  const leaves = roots.length === 0 ? [] : await session.rows<LeafRow>(LEAVES, [roots]);

  const columnsOf = groupBy(columns, (column) => column.table_oid);
  const leavesOf = groupBy(leaves, (leaf) => leaf.root);
  return tables.map((table) =>
    describeTable(
      table,
      columnsOf.get(table.oid) ?? [],
      leavesOf.get(table.oid) ?? [],
      { types, parts },
      options,
    ),
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
  { types, parts }: { types: ReadonlyMap<number, PgType>; parts: ReadonlyMap<number, TypeParts> },
  options: DiscoverOptions,
): PostgresTable {
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
      ...(parts.has(row.type_id) ? { parts: parts.get(row.type_id)! } : {}),
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
  return {
    schema,
    objectId: table.oid.toString(),
    logColumns: kept.map((row) => ({ name: row.name, typeId: row.type_id, typeModifier: row.modifier })),
    storage: table.storage ?? '',
    columnVersions: Object.fromEntries(kept.map((row) => [row.number, row.version])),
    pieces: table.pieces ?? [],
    filledColumns: kept.filter((row) => row.filled).map((row) => row.number),
    estimatedRows: table.rows,
    refused,
    partitioned: table.kind === 'p',
    owner: table.owner,
    owned: table.owned,
    role: table.role,
    generatedLeftOut: rows.filter((row) => !kept.includes(row)).map((row) => row.name),
  };
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

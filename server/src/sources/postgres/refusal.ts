import type { TableName, TableSchema } from '../../model/table.ts';
import type { DiscoveredTable } from '../source.ts';
import type { LeafRow, TableRow } from './discover.ts';
import { quoteIdent, quoteTable } from './quote.ts';

type Refused = NonNullable<DiscoveredTable['refused']>;

/** Why a table cannot be mirrored. `fix` is the statement of the remedy alone; null where no single one mends it. */
export type Refusal = (Refused & { readonly fix: string | null }) | null;

function refusal(code: Refused['code'], message: string, fix: string, hint = ''): Refusal {
  return { code, message, remedy: `Run ${fix}${hint} Then start the table again.`, fix };
}

export function refusedBySelect(table: TableRow, name: TableName, leaves: readonly LeafRow[]): Refusal {
  const role = quoteIdent(table.role);
  const refuse = (message: string, fix: string, hint?: string): Refusal =>
    refusal('TABLE_NO_SELECT', message, fix, hint);
  if (!table.may_use)
    return refuse(
      `${table.role} may not use schema ${table.schema}`,
      `GRANT USAGE ON SCHEMA ${quoteIdent(table.schema)} TO ${role};`,
    );
  if (!table.may_select)
    return refuse(
      `${table.role} may not read ${quoteTable(name)}`,
      `GRANT SELECT ON ${quoteTable(name)} TO ${role};`,
    );
  if (table.secured)
    return refuse(
      `row-level security hides rows of ${quoteTable(name)} from ${table.role}`,
      `ALTER ROLE ${role} BYPASSRLS;`,
      ' as a superuser.',
    );
  // Chunks are read from the partitions themselves, which have rights of their own.
  const closed = leaves.filter((leaf) => !leaf.may_select && leaf.kind === 'r');
  if (closed.length === 0) return null;
  const list = closed.map((leaf) => quoteTable({ schema: leaf.schema, table: leaf.name })).join(', ');
  return refuse(
    `${table.role} may not read the partitions ${list} of ${quoteTable(name)}`,
    `GRANT SELECT ON ${list} TO ${role};`,
  );
}

export function refusedByGenerated(name: TableName, missing: readonly string[]): Refusal {
  if (missing.length === 0) return null;
  return {
    code: 'TABLE_NO_IDENTITY',
    message: `the key of ${quoteTable(name)} has the generated column ${missing.join(', ')}, which the log does not carry`,
    remedy: `Make a unique index of plain columns that are NOT NULL and run ALTER TABLE ${quoteTable(name)} REPLICA IDENTITY USING INDEX with it. Then start the table again.`,
    fix: null,
  };
}

export function refusedByIdentity(table: TableRow, schema: TableSchema): Refusal {
  if (schema.columns.length === 0)
    return {
      code: 'TABLE_NO_KEY',
      message: `${quoteTable(schema.name)} has no columns that the log carries, so there is nothing to mirror`,
      remedy: 'Add a primary key. Then start the table again.',
      fix: null,
    };
  if (schema.identity.kind === 'key' || table.identity === 'f') return null;
  const name = quoteTable(schema.name);
  if (table.identity === 'd')
    return refusal(
      'TABLE_NO_KEY',
      table.deferrable_key
        ? `the primary key of ${name} is deferrable, so the log does not identify rows by it`
        : `${name} has no primary key`,
      `ALTER TABLE ${name} REPLICA IDENTITY FULL;`,
      table.deferrable_key ? '' : ' Or add a primary key.',
    );
  return refusal(
    'TABLE_NO_IDENTITY',
    table.identity === 'i'
      ? `the index that was the replica identity of ${name} does not exist any more`
      : `${name} has REPLICA IDENTITY NOTHING`,
    `ALTER TABLE ${name} REPLICA IDENTITY ${table.primary_key ? 'DEFAULT' : 'FULL'};`,
  );
}

/** What the log carries of an updated or deleted row is decided by each partition, not by the root. */
export function refusedByLeaves(schema: TableSchema, leaves: readonly LeafRow[]): Refusal {
  const { identity, columns } = schema;
  const needed = identity.kind === 'key' ? identity.columns.map((at) => columns[at]!.name) : null;
  for (const leaf of leaves) {
    const name = quoteTable({ schema: leaf.schema, table: leaf.name });
    const subject = `partition ${name} of ${quoteTable(schema.name)}`;
    if (leaf.kind !== 'r')
      return {
        code: 'TABLE_NO_IDENTITY',
        message: `${subject} is a foreign table, whose changes are not in the log`,
        remedy: 'Leave the table out of the task.',
        fix: null,
      };
    if (leaf.persistence !== 'p')
      return refusal(
        'TABLE_NO_IDENTITY',
        `${subject} is unlogged, so its changes are not in the log`,
        `ALTER TABLE ${name} SET LOGGED;`,
      );
    if (leaf.identity === 'f') continue;
    const has = new Set(leaf.identity_key ?? []);
    if (needed?.every((column) => has.has(column))) continue;
    return refusal(
      'TABLE_NO_IDENTITY',
      `${subject} does not identify its rows as the table does`,
      `ALTER TABLE ${name} REPLICA IDENTITY ${needed && leaf.identity !== 'd' ? 'DEFAULT' : 'FULL'};`,
    );
  }
  return null;
}

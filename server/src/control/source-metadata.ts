import type {
  CatalogEntry,
  CheckCdcRequest,
  CheckCdcResult,
  ObjectDetail,
  ObjectSummary,
  Sample,
  TestResult,
} from '@sluice/contract';
import { SluiceError } from '@sluice/contract';
import { typeText } from '../model/logical-type.ts';
import type { TableName } from '../model/table.ts';
import { sourceAdmin } from '../sources/registry.ts';
import type { Connection, DiscoveredTable, SourceAdmin } from '../sources/source.ts';
import { connectionOf } from '../store/connections.ts';
import type { Control } from './context.ts';
import { findNamed } from './references.ts';

/** What a data source's server says of itself; each call connects anew. */

async function reach(
  control: Control,
  ref: string,
  database: string | null,
): Promise<{ readonly admin: SourceAdmin; readonly connection: Connection }> {
  const row = await findNamed(control.db, 'data_sources', ref);
  return {
    admin: sourceAdmin(control.sources, row.ds_type),
    connection: connectionOf(row, control.sealer, database),
  };
}

export async function testDataSource(
  control: Control,
  ref: string,
  signal: AbortSignal,
): Promise<TestResult> {
  const { admin, connection } = await reach(control, ref, null);
  return admin.test(connection, signal);
}

export async function checkCdc(
  control: Control,
  ref: string,
  request: CheckCdcRequest,
  signal: AbortSignal,
): Promise<CheckCdcResult> {
  const { admin, connection } = await reach(control, ref, request.database ?? null);
  const { schemas, tables } = request;
  const selection =
    schemas === undefined && tables === undefined ? null : { schemas: schemas ?? [], tables: tables ?? [] };
  const findings = await admin.checkCdc(connection, { selection }, signal);
  return { passed: findings.every((finding) => finding.level !== 'error'), findings: [...findings] };
}

export async function listCatalogs(
  control: Control,
  ref: string,
  signal: AbortSignal,
): Promise<CatalogEntry[]> {
  const { admin, connection } = await reach(control, ref, null);
  return (await admin.catalogs(connection, signal)).map((name) => ({ name }));
}

export async function listObjects(
  control: Control,
  ref: string,
  catalog: string,
  signal: AbortSignal,
): Promise<ObjectSummary[]> {
  const { admin, connection } = await reach(control, ref, catalog);
  return (await admin.objects(connection, signal)).map(summary);
}

export async function describeObject(
  control: Control,
  ref: string,
  catalog: string,
  name: { readonly schema?: string | undefined; readonly table: string },
  signal: AbortSignal,
): Promise<ObjectDetail> {
  const { admin, connection } = await reach(control, ref, catalog);
  const found = pick(await admin.objects(connection, signal), name);
  const key = new Set(keyOf(found));
  return {
    ...summary(found),
    columns: found.schema.columns.map((column) => ({
      name: column.name,
      native: column.native,
      type: typeText(column.type),
      nullable: column.nullable,
      inKey: key.has(column.name),
    })),
  };
}

export async function sampleObject(
  control: Control,
  ref: string,
  catalog: string,
  name: { readonly schema?: string | undefined; readonly table: string },
  limit: number,
  signal: AbortSignal,
): Promise<Sample> {
  const { admin, connection } = await reach(control, ref, catalog);
  const table: TableName =
    name.schema !== undefined
      ? { schema: name.schema, table: name.table }
      : pick(await admin.objects(connection, signal), name).schema.name;
  const { columns, rows } = await admin.sample(connection, table, limit, signal);
  return { columns: [...columns], rows: rows.map((row) => [...row]) };
}

function pick(
  objects: readonly DiscoveredTable[],
  name: { readonly schema?: string | undefined; readonly table: string },
): DiscoveredTable {
  const matches = objects.filter(
    ({ schema }) =>
      schema.name.table === name.table && (name.schema === undefined || schema.name.schema === name.schema),
  );
  const [found, ...others] = matches;
  const text = JSON.stringify(name.schema === undefined ? name.table : `${name.schema}.${name.table}`);
  if (found === undefined) throw new SluiceError('NOT_FOUND', `There is no table ${text} in the database.`);
  if (others.length > 0)
    throw new SluiceError(
      'INVALID_REQUEST',
      `The table ${text} exists in ${matches.map(({ schema }) => schema.name.schema).join(', ')}.`,
      { remedy: 'Name the schema too: schema.table.' },
    );
  return found;
}

function keyOf({ schema }: DiscoveredTable): string[] {
  if (schema.identity.kind === 'row') return [];
  return schema.identity.columns.flatMap((index) => schema.columns[index]?.name ?? []);
}

function summary(found: DiscoveredTable): ObjectSummary {
  return {
    schema: found.schema.name.schema,
    table: found.schema.name.table,
    columns: found.schema.columns.length,
    key: keyOf(found),
    estimatedRows: found.estimatedRows,
    problem: found.refused,
  };
}

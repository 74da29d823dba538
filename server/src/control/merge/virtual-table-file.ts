import { type ShardName, SluiceError, VirtualTable, type VirtualTableFile } from '@sluice/contract';
import { parseDocument } from 'yaml';
import { csvRecords } from '../csv-records.ts';

/** A line a source table; columns in any order. `schema` may be left out, or empty, where a database has none. */
const COLUMNS = [
  'virtual_table',
  'target_schema',
  'target_table',
  'server',
  'database',
  'schema',
  'table',
] as const;
type Columns = (typeof COLUMNS)[number];

/**
 * The virtual tables of an uploaded file. CSV lists source tables, one a line. YAML has the form of the API's own
 * `virtualTables`, so that rules and extended fields can stand in it: a list, or an object with that list alone.
 * @throws SluiceError INVALID_REQUEST naming the line, or the field
 */
export function readVirtualTables(file: VirtualTableFile): readonly VirtualTable[] {
  return file.format === 'csv' ? fromCsv(file) : fromYaml(file);
}

function fromCsv(file: VirtualTableFile): readonly VirtualTable[] {
  const records = csvRecords(file.text);
  if ('badQuote' in records)
    throw invalid(`Line ${records.badQuote} of the file has a quote that is not closed, or not doubled.`);
  const [head, ...lines] = records;
  const column = columnsOf(head?.fields ?? []);
  const found = new Map<
    string,
    { readonly line: number; readonly table: VirtualTable; readonly tables: ShardName[] }
  >();
  for (const { line, fields } of lines) {
    if (fields.length !== head!.fields.length)
      throw invalid(
        `Line ${line} of the file has ${fields.length} fields, its first line ${head!.fields.length}.`,
      );
    const value = (name: Columns): string => fields[column.get(name) ?? -1]?.trim() ?? '';
    const empty = COLUMNS.find((name) => name !== 'schema' && value(name) === '');
    if (empty !== undefined) throw invalid(`Line ${line} of the file has no ${empty}.`);
    const target = { schema: value('target_schema'), table: value('target_table') };
    const name = value('virtual_table');
    const known = found.get(name);
    if (
      known !== undefined &&
      (known.table.target.schema !== target.schema || known.table.target.table !== target.table)
    )
      throw invalid(
        `Lines ${known.line} and ${line} of the file name two targets of the virtual table ${name}.`,
      );
    const schema = value('schema');
    const shard = {
      server: value('server'),
      database: value('database'),
      ...(schema === '' ? {} : { schema }),
      table: value('table'),
    };
    if (known !== undefined) known.tables.push(shard);
    else {
      const tables = [shard];
      const { extendedFields = [], extendedKey = false } = file;
      const table = { name, target, shards: { by: 'tables' as const, tables }, extendedFields, extendedKey };
      found.set(name, { line, table, tables });
    }
  }
  if (found.size === 0) throw invalid('The file names no source table.');
  return [...found.values()].map(({ table }) => table);
}

function columnsOf(names: readonly string[]): ReadonlyMap<Columns, number> {
  const column = new Map<Columns, number>();
  for (const [index, text] of names.entries()) {
    const name = COLUMNS.find((known) => known === text.trim().toLowerCase());
    if (name === undefined || column.has(name))
      throw invalid(
        name === undefined
          ? `The first line of the file has the column ${JSON.stringify(text)}, which is not known.`
          : `The first line of the file has the column ${name} twice.`,
      );
    column.set(name, index);
  }
  const missing = COLUMNS.filter((name) => name !== 'schema' && !column.has(name));
  if (missing.length > 0) throw invalid(`The first line of the file lacks the column ${missing.join(', ')}.`);
  return column;
}

function fromYaml(file: VirtualTableFile): readonly VirtualTable[] {
  const document = parseDocument(file.text, { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw invalid(`The file is no YAML: ${error.message.trim()}`);
  const given = plainOf(document);
  const list = Array.isArray(given) ? (given as unknown[]) : listIn(given);
  if (list === null)
    throw invalid('The file is neither a list of virtual tables nor an object with `virtualTables`.');
  return list.map((each, index) => {
    const merged = typeof each === 'object' && each !== null ? { ...ofAll(file), ...each } : each;
    const { success, data, error } = VirtualTable.safeParse(merged);
    if (success) return data;
    const said = error.issues.map(
      ({ path, message }) => `${path.length === 0 ? '' : `${path.join('.')}: `}${message}`,
    );
    throw invalid(`Virtual table ${index + 1} of the file: ${said.join('; ')}`);
  });
}

/** Aliases of aliases could make a small file huge. */
function plainOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw invalid(`The file is no YAML that can be read: ${(error as Error).message}`);
  }
}

function listIn(given: unknown): unknown[] | null {
  if (typeof given !== 'object' || given === null) return null;
  const { virtualTables, ...others } = given as { virtualTables?: unknown };
  return Array.isArray(virtualTables) && Object.keys(others).length === 0 ? virtualTables : null;
}

function ofAll({ extendedFields, extendedKey }: VirtualTableFile): Partial<VirtualTable> {
  return {
    ...(extendedFields === undefined ? {} : { extendedFields }),
    ...(extendedKey === undefined ? {} : { extendedKey }),
  };
}

function invalid(message: string): SluiceError {
  return new SluiceError('INVALID_REQUEST', message, {
    remedy: `Mend the file. CSV: a first line with the columns ${COLUMNS.join(', ')}, then a line a source table. YAML: a list of virtual tables as the API has them.`,
  });
}

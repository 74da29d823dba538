import { MirrorTable, SluiceError, type TableFile, type TableFileContent } from '@sluice/contract';
import { isMap, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';
import { tableKey, tableText } from '../model/table.ts';
import type { Control } from './context.ts';
import { csvRecords } from './csv-records.ts';
import { WITHOUT_SCHEMAS } from './merge/resolve.ts';
import { findNamed } from './references.ts';
import { listObjects } from './source-metadata.ts';
import { allOf, refusedAt, shaped } from './yaml-shape.ts';

/** A line a table; columns in any order. The target's may be left out, or empty: then the naming rules hold. */
const COLUMNS = ['schema', 'table', 'target_schema', 'target_table'] as const;
type Column = (typeof COLUMNS)[number];

interface Line {
  readonly line: number;
  readonly table: MirrorTable;
}

/**
 * The tables of an uploaded file, and those that the database does not have.
 * @throws SluiceError INVALID_REQUEST with every line that cannot be read, SOURCE_*
 */
export async function readTableFile(
  control: Control,
  ref: string,
  catalog: string,
  file: TableFile,
  signal: AbortSignal,
): Promise<TableFileContent> {
  const { ds_type } = await findNamed(control.db, 'data_sources', ref);
  const lines = tableLines(file, WITHOUT_SCHEMAS.has(ds_type) ? catalog : null);
  const known = new Set((await listObjects(control, ref, catalog, signal)).map(tableKey));
  return {
    tables: lines.map(({ table }) => table),
    missing: lines
      .filter(({ table }) => !known.has(tableKey(table)))
      .map(({ line, table: { schema, table } }) => ({ line, schema, table })),
  };
}

/**
 * The lines of a file of tables. `onlySchema`: of tables that name none, and of all where databases have no schemas.
 * @throws SluiceError INVALID_REQUEST with every line that cannot be read
 */
export function tableLines(file: TableFile, onlySchema: string | null): readonly Line[] {
  const troubles: string[] = [];
  const lines = file.format === 'csv' ? fromCsv(file.text, troubles) : fromYaml(file.text);
  const full: Line[] = [];
  const first = new Map<string, number>();
  for (const { line, table } of lines) {
    const schema = table.schema ?? onlySchema;
    if (schema === null)
      troubles.push(`line ${line}: ${table.table} has no schema; write it too, such as public`);
    else if (onlySchema !== null && schema !== onlySchema)
      troubles.push(
        `line ${line}: ${tableText({ schema, table: table.table })} is not of the database ${onlySchema}`,
      );
    else {
      const named = { ...table, schema };
      const before = first.get(tableKey(named));
      if (before !== undefined)
        troubles.push(`line ${line}: ${tableText(named)} is on line ${before} already`);
      else {
        first.set(tableKey(named), line);
        full.push({ line, table: named });
      }
    }
  }
  if (troubles.length > 0) throw invalid(allOf('The file cannot be read', inOrder(troubles)));
  if (full.length === 0) throw invalid('The file names no table.');
  return full;
}

type Unnamed = Omit<MirrorTable, 'schema'> & { readonly schema?: string | undefined };

function fromCsv(text: string, troubles: string[]): { readonly line: number; readonly table: Unnamed }[] {
  const records = csvRecords(text);
  if ('badQuote' in records)
    throw invalid(
      `The file cannot be read: line ${records.badQuote}: a quote is not closed, or not doubled.`,
    );
  const [head, ...lines] = records;
  const columns = (head?.fields ?? []).map((field) => field.trim().toLowerCase());
  const unknown = columns.filter((name) => !COLUMNS.includes(name as Column));
  const twice = columns.filter((name, index) => columns.indexOf(name) !== index);
  if (!columns.includes('table') || unknown.length > 0 || twice.length > 0)
    throw invalid(
      `The first line of the file names its columns, among ${COLUMNS.join(', ')}, and table has to be one; it is ${JSON.stringify(head?.fields.join(',') ?? '')}.`,
    );
  const found: { line: number; table: Unnamed }[] = [];
  for (const { line, fields } of lines) {
    if (fields.length !== columns.length) {
      troubles.push(`line ${line}: ${fields.length} fields, and the first line has ${columns.length}`);
      continue;
    }
    const value = (name: Column): string | undefined => fields[columns.indexOf(name)]?.trim() || undefined;
    const table = { schema: value('schema'), table: value('table') };
    const target = { schema: value('target_schema'), table: value('target_table') };
    const shape = FileTable.safeParse({
      ...table,
      ...(target.schema === undefined && target.table === undefined ? {} : { target }),
    });
    if (shape.success) found.push({ line, table: clean(shape.data) });
    else if (table.table === undefined) troubles.push(`line ${line}: no table`);
    else
      troubles.push(
        ...shape.error.issues.map(({ path, message }) => `line ${line}: ${path.join('_')}: ${message}`),
      );
  }
  return found;
}

const FileTable = MirrorTable.partial({ schema: true });

function fromYaml(text: string): { readonly line: number; readonly table: Unnamed }[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const said = [...document.errors, ...document.warnings];
  const refused = (troubles: Parameters<typeof refusedAt>[1]) =>
    refusedAt('The file cannot be read', troubles, lines, REMEDY);
  if (said.length > 0) throw refused(said.map(({ pos, message }) => ({ offset: pos[0], what: message })));
  const inside = isMap(document.contents)
    ? (document.get('tables', true) as Node | undefined)
    : document.contents;
  if (!isSeq(inside)) throw invalid('The file is neither a list of tables nor an object with `tables`.');
  // A union would say of each table that it is no object with `tables`.
  const result = isMap(document.contents)
    ? shaped(
        document,
        z.strictObject({ tables: z.array(FileTable) }).transform(({ tables }) => tables),
      )
    : shaped(document, z.array(FileTable));
  if ('troubles' in result) throw refused(result.troubles);
  return result.value.map((table, index) => ({
    line: lines.linePos((inside.items[index] as Node).range![0]).line,
    table: clean(table),
  }));
}

/** Without fields that are there and say nothing. */
function clean({ target, ...table }: z.output<typeof FileTable>): Unnamed {
  if (target === undefined) return table;
  const { schema, table: name } = target;
  return {
    ...table,
    target: { ...(schema === undefined ? {} : { schema }), ...(name === undefined ? {} : { table: name }) },
  };
}

const lineOf = (trouble: string): number => Number(/^line (\d+)/.exec(trouble)?.[1] ?? 0);
const inOrder = (troubles: readonly string[]): string[] =>
  [...troubles].sort((a, b) => lineOf(a) - lineOf(b));

const REMEDY = `Mend the file. CSV: a first line with the columns ${COLUMNS.join(', ')} (table alone has to be there), then a line a table. YAML: a list of { schema, table, target: { schema, table } }.`;
const invalid = (message: string): SluiceError =>
  new SluiceError('INVALID_REQUEST', message, { remedy: REMEDY });

import { type Call, parseTableName, SluiceError, type TableRef } from '@sluice/contract';

export function usage(message: string, remedy?: string): SluiceError {
  return new SluiceError('USAGE', message, remedy === undefined ? {} : { remedy });
}

/** An id where the text is digits only, else a name. */
export function reference(text: string): number | string {
  return /^\d{1,15}$/.test(text) ? Number(text) : text;
}

export function id(text: string, what: string): number {
  const value = reference(text);
  if (typeof value === 'number' && value > 0) return value;
  throw usage(`${JSON.stringify(text)} is no id of ${what}: ids are numbers.`);
}

/** `--limit`, `--port`, `--timeout`: refused where it is not a whole number within the bounds. */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw usage(`${name} cannot be ${JSON.stringify(text)}: a whole number from ${min} to ${max} is expected.`);
}

/** Splits at the commas that stand outside of double quotes: `a,"b,c".d` are two. */
export function splitList(text: string): string[] {
  const parts = text.match(/(?:"(?:[^"]|"")*"|[^,"])+/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

/** `key=value`, several times; a later one wins. */
export function parameters(texts: readonly string[]): Record<string, string> {
  const set: Record<string, string> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at <= 0) throw usage(`--set takes key=value, not ${JSON.stringify(text)}.`);
    set[text.slice(0, at).trim()] = text.slice(at + 1);
  }
  return set;
}

/** commander's way of an option that may be given several times. */
export function gather(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

export function tableName(text: string): { schema: string | null; table: string } {
  const name = parseTableName(text);
  if (name === null) {
    throw usage(
      `${JSON.stringify(text)} is no table's name.`,
      'Write schema.table; a part with a dot or a quote stands in double quotes: "odd.schema".orders.',
    );
  }
  return name;
}

/** The one table that a name without schema can mean, among those that there are. */
export function onlyTable(
  name: { readonly schema: string | null; readonly table: string },
  known: readonly TableRef[],
): TableRef {
  if (name.schema !== null) return { schema: name.schema, table: name.table };
  const matches = known.filter(({ table }) => table === name.table);
  const [first] = matches;
  if (first === undefined)
    throw new SluiceError('NOT_FOUND', `There is no table ${JSON.stringify(name.table)}.`);
  if (matches.length > 1) {
    const schemas = matches.map(({ schema }) => schema).join(', ');
    throw usage(
      `Several schemas have a table ${JSON.stringify(name.table)}: ${schemas}.`,
      'Write schema.table.',
    );
  }
  return { schema: first.schema, table: first.table };
}

/** A table of the lake by the name that was typed. */
export async function lakeTable(call: Call, text: string): Promise<TableRef> {
  const name = tableName(text);
  return onlyTable(name, name.schema === null ? await call('listLakeTables') : []);
}

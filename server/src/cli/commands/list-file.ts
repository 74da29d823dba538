import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { TableRef } from '@sluice/contract';
import { usage } from '../arguments.ts';

const FORMATS: Readonly<Record<string, 'csv' | 'yaml'>> = { '.csv': 'csv', '.yaml': 'yaml', '.yml': 'yaml' };

/** A file of tables or virtual tables, as it is uploaded. */
export async function listFile(
  path: string,
): Promise<{ readonly format: 'csv' | 'yaml'; readonly text: string }> {
  const format = FORMATS[extname(path).toLowerCase()];
  if (format === undefined)
    throw usage(`${path} is neither CSV nor YAML by its name.`, 'Call it .csv, .yaml or .yml.');
  return { format, text: await textFile(path) };
}

export async function textFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: Error) => {
    throw usage(`The file cannot be read: ${error.message}.`, 'Check its path.');
  });
}

/** Lines that a message names; more are counted. */
const NAMED = 30;

/** Said of lines whose table the source does not have. */
export function missingText(
  database: string,
  missing: readonly (TableRef & { readonly line: number })[],
): string {
  const named = missing
    .slice(0, NAMED)
    .map(({ line, schema, table }) => `line ${line}: there is no table ${schema}.${table}`);
  const more = missing.length - NAMED;
  if (more > 0) named.push(`and ${more} more`);
  return `The database ${database} lacks tables of the file:\n  ${named.join('\n  ')}`;
}

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sourceTableText, type TableVerdict, type Verification } from '@sluice/contract';
import type { TestLake } from './lake.ts';

const SLUICE = fileURLToPath(new URL('../../server/bin/sluice.js', import.meta.url));

/** Compares tables of a task with its source, all unless told, and answers when that has ended. */
export async function verify(
  lake: TestLake,
  task: string,
  tables: readonly string[] = [],
): Promise<Verification> {
  const api = await lake.api();
  const begun = await api.post<Verification>(`/tasks/${task}/verifications`, { tables });
  return api.get<Verification>(`/verifications/${begun.id}?timeout=120`);
}

/** @param name the table's, or its whole name */
export function verdictOf({ tables, error }: Verification, name: string): TableVerdict {
  const found = tables.find(({ source }) => [source.table, sourceTableText(source)].includes(name));
  if (found === undefined) throw new Error(`no verdict on ${name}: ${JSON.stringify({ error, tables })}`);
  return found;
}

/** `sluice verify --repair` of one table. @returns what was found after it */
export async function repaired(lake: TestLake, task: string, table: string): Promise<Verification> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    SLUICE,
    ...['verify', task, '--table', table, '--repair', '-y', '--data-dir', lake.dataDir],
  ]);
  return JSON.parse(stdout).data.after as Verification;
}

import { setTimeout as pause } from 'node:timers/promises';
import {
  type Call,
  comparisonText,
  SluiceError,
  sourceTableText,
  type TableVerdict,
  type Verification,
} from '@sluice/contract';
import type { Command } from 'commander';
import { gather } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { pick } from '../present.ts';
import { textTable } from '../text-table.ts';
import { confirm } from './task.ts';

const SLICE_SECONDS = 240;
const POLL_MS = 500;
const EXAMPLES = 20;

export function addVerifyCommand(program: Command, terminal: Terminal): void {
  addLeaf<{ readonly table?: readonly string[]; readonly repair?: boolean; readonly yes?: boolean }>(
    program,
    terminal,
    {
      usage: 'verify <task>',
      summary: 'Compare the tables of a running task with the source, row by row, while it goes on',
      options: (command) =>
        command
          .option(
            '--table <schema.table>',
            'only this table of the source, as task cdc tables calls it; several times',
            gather,
          )
          .option('--repair', 'bring the rows that differ over again, and compare once more')
          .option('-y, --yes', 'agree to the repair beforehand'),
      run: async ({ call, args: [ref = ''], options }) => {
        const found = await compared(call, ref, [...(options.table ?? [])]);
        if (options.repair !== true || found.equal !== false) return { data: found, view: report(found) };
        const wrong = found.tables.filter((table) => table.verdict === 'different');
        const lost = wrong.filter((table) => table.repair === null);
        if (lost.length > 0)
          throw new SluiceError(
            'CONFLICT',
            `${lost.map(nameOf).join(', ')} cannot be repaired row by row: too many rows differ, or they have no key that can be named.`,
            { remedy: 'Load these tables anew: sluice task cdc resync-table.' },
          );
        if (options.yes !== true)
          await confirm(terminal, `${report(found)}\nThe rows that differ are read again from the source.`);
        for (const table of wrong) await repair(call, ref, table);
        const after = await compared(call, ref, wrong.map(nameOf));
        return { data: { found, after }, view: `${report(found)}\nAfter the repair:\n${report(after)}` };
      },
    },
  );
}

const nameOf = ({ source }: Pick<TableVerdict, 'source'>): string => sourceTableText(source);

async function compared(call: Call, ref: string, tables: string[]): Promise<Verification> {
  let data = await call('startVerification', { params: { ref }, body: { tables } });
  while (data.state === 'running')
    data = await call('getVerification', { params: { id: data.id }, query: { timeout: SLICE_SECONDS } });
  if (data.error !== null)
    throw new SluiceError('CONFLICT', `The comparison failed: ${data.error.message} (${data.error.code})`, {
      remedy: data.error.remedy,
    });
  return data;
}

/** A backfill a filter, one after the other. @throws SluiceError where one is refused or stops the table */
async function repair(call: Call, ref: string, table: TableVerdict): Promise<void> {
  const lane = async () =>
    (await call('taskTables', { params: { ref } })).find((one) => nameOf(one) === nameOf(table));
  const before = await lane();
  if (before === undefined)
    throw new SluiceError('NOT_FOUND', `The task has no table ${nameOf(table)} any more.`);
  for (const where of table.repair ?? []) {
    const [result] = await call('orderTables', {
      params: { ref },
      body: { order: 'backfill', tables: [before.id], where, confirm: true },
    });
    // It answers when the run has begun with it.
    if (result?.outcome !== 'done')
      throw new SluiceError(
        'CONFLICT',
        `The repair of ${nameOf(table)} was not begun: ${result?.reason ?? 'the task does not run'}.`,
      );
    for (;;) {
      const now = await lane();
      if (now === undefined || now.error !== null || ['blocked', 'stopped', 'dropped'].includes(now.state))
        throw new SluiceError(
          'CONFLICT',
          `The repair of ${nameOf(table)} stopped: ${now?.error?.message ?? now?.state}.`,
        );
      if (now.state === 'live') break;
      await pause(POLL_MS);
    }
  }
}

/** What a person should see besides the rows: types and nulls where the sides are not alike, and how fresh the lake was. */
function figures(table: TableVerdict): string {
  const lines: string[] = [];
  const ops = Object.entries(table.ops).map(([op, rows]) => `${op} ${rows}`);
  if (ops.length > 0) lines.push(`_op: ${ops.join(', ')}`);
  if (table.followed !== null)
    lines.push(
      `a change of ${table.followed.committedAt} was visible after ${(table.followed.ms / 1000).toFixed(1)} s`,
    );
  for (const { column, sourceType, lakeType, mapping, sourceNulls, lakeNulls } of table.columns) {
    if (mapping !== 'exact')
      lines.push(
        lakeType === null
          ? `${column}: not in the lake`
          : `${column}: ${sourceType} is ${lakeType} (${mapping})`,
      );
    if (sourceNulls !== lakeNulls)
      lines.push(`${column}: null in ${sourceNulls} rows at the source, in ${lakeNulls} of the lake`);
  }
  return lines.map((line) => `${nameOf(table)}: ${line}\n`).join('');
}

/** A line a table, what is not alike, and the keys that differ. */
export function report({ tables }: Pick<Verification, 'tables'>): string {
  const lines = pick(tables, {
    table: nameOf,
    verdict: ({ verdict }) => verdict,
    source: ({ sourceRows }) => sourceRows,
    lake: ({ lakeRows }) => lakeRows,
    missing: ({ missing }) => missing,
    extra: ({ extra }) => extra,
    changed: ({ changed }) => changed,
    unsettled: ({ unsettled }) => unsettled,
    seconds: ({ seconds }) => seconds.toFixed(1),
    why: ({ reason }) => reason ?? '',
  });
  const table = typeof lines === 'string' ? lines : textTable(lines);
  const keys = tables.flatMap((one) =>
    one.examples
      .slice(0, EXAMPLES)
      .map(({ difference, key }) => `${difference}: ${nameOf(one)} ${JSON.stringify(key)}\n`),
  );
  return `${table}\n${tables.map(figures).join('')}${keys.join('')}${comparisonText(tables)}.\n`;
}

import type { Verification } from '@sluice/contract';
import type { Command } from 'commander';
import { gather } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { pick } from '../present.ts';
import { textTable } from '../text-table.ts';

const SLICE_SECONDS = 240;

export function addVerifyCommand(program: Command, terminal: Terminal): void {
  addLeaf<{ readonly table?: readonly string[] }>(program, terminal, {
    usage: 'verify <task>',
    summary: 'Compare the tables of a running task with the source, row by row, while it goes on',
    options: (command) =>
      command.option('--table <schema.table>', 'only this table of the source; several times', gather),
    run: async ({ call, args: [ref = ''], options }) => {
      const tables = [...(options.table ?? [])];
      let data = await call('startVerification', { params: { ref }, body: { tables } });
      while (data.state === 'running')
        data = await call('getVerification', { params: { id: data.id }, query: { timeout: SLICE_SECONDS } });
      return { data, view: report(data) };
    },
  });
}

/** A line a table, and the keys that differ. */
export function report({ tables, error, equal }: Verification): string {
  const lines = pick(tables, {
    table: ({ source }) => `${source.schema}.${source.table}`,
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
  const keys = tables.flatMap(({ source, examples }) =>
    examples.map(
      ({ difference, key }) => `${difference}: ${source.schema}.${source.table} ${JSON.stringify(key)}\n`,
    ),
  );
  const end =
    error !== null
      ? `✗ ${error.message} (${error.code})\n`
      : equal
        ? 'No table differs.\n'
        : 'Tables differ.\n';
  return `${table}\n${keys.join('')}${end}`;
}

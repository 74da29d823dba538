import { SluiceError, type SqlResult } from '@sluice/contract';
import type { Command } from 'commander';
import { lakeTable, wholeNumber } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { type Answer, pick } from '../present.ts';
import type { TextTable } from '../text-table.ts';

interface LimitOption {
  readonly limit: string;
}

export function addLakeCommands(program: Command, terminal: Terminal): void {
  addLeaf<LimitOption>(program, terminal, {
    usage: 'sql <statement>',
    summary: 'One read-only SELECT over the warehouse; - reads it from standard input',
    options: (command) => command.option('--limit <rows>', 'at most so many rows; 0 for all', '1000'),
    run: async ({ call, args: [statement = ''], options }) => {
      const sql = statement === '-' ? await terminal.readStdin() : statement;
      if (sql.trim() === '') throw new SluiceError('USAGE', 'There is no statement.');
      const limit = wholeNumber('--limit', options.limit, 0, 10_000_000);
      return rows(await call('sql', { body: { sql, limit } }), terminal, '--limit 0 shows all');
    },
  });

  const table = program.command('table').description('Tables of the warehouse');
  addLeaf(table, terminal, {
    usage: 'list',
    summary: 'All tables',
    run: async ({ call }) => {
      const data = await call('listLakeTables');
      const view = pick(data, {
        schema: (row) => row.schema,
        table: (row) => row.table,
        rows: (row) => row.rows,
        updated: (row) => row.updatedAt,
      });
      return { data, view };
    },
  });
  addLeaf(table, terminal, {
    usage: 'describe <table>',
    summary: 'A table with its columns',
    run: async ({ call, args: [name = ''] }) => {
      const data = await call('describeLakeTable', { query: await lakeTable(call, name) });
      const view = pick(data.columns, {
        id: (row) => row.id,
        column: (row) => row.name,
        type: (row) => row.type,
        null: (row) => (row.required ? 'no' : 'yes'),
        key: (row) => (row.key ? 'key' : ''),
      });
      return { data, view };
    },
  });
  addLeaf<LimitOption>(table, terminal, {
    usage: 'preview <table>',
    summary: 'Some rows of a table',
    options: (command) => command.option('--limit <rows>', 'at most so many rows', '20'),
    run: async ({ call, args: [name = ''], options }) => {
      const limit = wholeNumber('--limit', options.limit, 1, 10_000);
      return rows(
        await call('previewLakeTable', { query: { ...(await lakeTable(call, name)), limit } }),
        terminal,
      );
    },
  });
  addLeaf(table, terminal, {
    usage: 'stats <table>',
    summary: 'Rows, files and bytes of a table',
    run: async ({ call, args: [name = ''] }) => ({
      data: await call('lakeTableStats', { query: await lakeTable(call, name) }),
    }),
  });
  addLeaf(table, terminal, {
    usage: 'history <table>',
    summary: 'The snapshots of a table, newest first',
    run: async ({ call, args: [name = ''] }) => {
      const data = await call('lakeTableHistory', { query: await lakeTable(call, name) });
      const view = pick(data, {
        snapshot: (row) => row.snapshotId,
        sequence: (row) => row.sequenceNumber,
        committed: (row) => row.committedAt,
        operation: (row) => row.operation,
        added: (row) => row.summary['added-records'] ?? '',
        rows: (row) => row.rows ?? '',
      });
      return { data, view };
    },
  });
}

function rows(data: SqlResult, terminal: Terminal, hint?: string): Answer {
  if (data.truncated && hint !== undefined) {
    terminal.note(`(the first ${data.rows.length} rows; ${hint})\n`);
  }
  const view: TextTable = { columns: data.columns.map(({ name }) => name), rows: data.rows };
  return { data, view };
}

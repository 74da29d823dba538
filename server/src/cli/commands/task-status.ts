import {
  type Call,
  loadedText,
  RemoteError,
  SluiceError,
  sourceTableText,
  type WaitResult,
} from '@sluice/contract';
import { type Command, Option } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { pick } from '../present.ts';
import { addEvents } from './events.ts';
import { exceptionsText } from './exceptions-text.ts';
import { addTableOrders } from './task-orders.ts';

interface WaitOptions {
  readonly for: 'incremental' | 'caught-up';
  readonly timeout: string;
}

export function addTaskStatusCommands(group: Command, terminal: Terminal): void {
  addLeaf(group, terminal, {
    usage: 'status <task>',
    summary: 'How the task fares',
    run: async ({ call, args: [ref = ''] }) => ({ data: await call('taskStatus', { params: { ref } }) }),
  });

  addLeaf<WaitOptions>(group, terminal, {
    usage: 'wait <task>',
    summary: 'Wait until the task has reached a state',
    options: (command) =>
      command
        .addOption(
          new Option(
            '--for <state>',
            'incremental: the full load is done; caught-up: what the source holds at this moment is visible in the target',
          )
            .choices(['incremental', 'caught-up'])
            .makeOptionMandatory(),
        )
        .option('--timeout <seconds>', 'give up after so long', '300'),
    run: async ({ call, args: [ref = ''], options }) => {
      const timeout = wholeNumber('--timeout', options.timeout, 0, 604_800);
      return { data: await waitFor(call, ref, options.for, timeout) };
    },
  });

  addEvents(group, terminal, 'task', {
    ask: (call, ref, query) => call('taskEvents', { params: { ref }, query }),
    feed: (ref) => `/tasks/${encodeURIComponent(ref)}/events/live`,
  });

  const cdc = group.command('cdc').description('The tables of a task, one by one');
  addTableOrders(cdc, terminal);
  addLeaf(cdc, terminal, {
    usage: 'tables <task>',
    summary: 'A row a table: state, progress, rows, latest read position, latency',
    run: async ({ call, args: [ref = ''] }) => {
      const data = await call('taskTables', { params: { ref } });
      const view = pick(data, {
        id: (row) => row.id,
        // A merged table has many: they are told apart by where they come from.
        table: ({ source, target }) =>
          source.shard === undefined ? `${target.schema}.${target.table}` : sourceTableText(source),
        state: (row) => row.state,
        phase: (row) => row.phase,
        loaded: (row) => loadedText(row),
        applied: (row) => row.rowsApplied,
        'load %': (row) => (row.loadProgress === null ? null : Math.floor(row.loadProgress * 100)),
        'rows/s': (row) => row.loadRowsPerSecond,
        'time left': (row) =>
          row.loadSecondsLeft === null ? null : `about ${timeText(row.loadSecondsLeft)}`,
        'read position': (row) => row.readPosition,
        'latency ms': (row) => row.latencyMs,
        problem: (row) => row.error?.message ?? '',
      });
      return { data, view };
    },
  });
  addLeaf(cdc, terminal, {
    usage: 'latency <task> <table>',
    summary: 'How long the commits of a table took to become visible, of the last hour',
    run: async ({ call, args: [ref = '', name = ''] }) => {
      const tables = await call('taskTables', { params: { ref } });
      const table = tables.find(({ id, source }) => name === sourceTableText(source) || name === `${id}`);
      if (table === undefined)
        throw new SluiceError('NOT_FOUND', `The task ${ref} has no table ${name}.`, {
          remedy: 'sluice task cdc tables shows the tables of the task with their ids.',
        });
      return { data: await call('tableLatency', { params: { ref, id: table.id } }) };
    },
  });
  addLeaf(cdc, terminal, {
    usage: 'exceptions <task>',
    summary: 'Tables that something is wrong with: what, the columns of both sides, what mends it',
    run: async ({ call, args: [ref = ''] }) => {
      const data = await call('taskExceptions', { params: { ref } });
      return { data, view: exceptionsText(data) };
    },
  });
}

/** `45 s`, `12 min`, `3 h 5 min`: nobody knows it to the second. */
export function timeText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** One request waits this long at most, well within what a client waits for an answer's head (300 s). */
const SLICE_SECONDS = 240;

/**
 * @throws SluiceError TIMEOUT, or the task's own error when it has failed: then waiting is in vain
 */
export async function waitFor(
  call: Call,
  ref: string,
  state: WaitOptions['for'],
  timeoutSeconds: number,
): Promise<WaitResult> {
  const end = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const left = Math.max(0, (end - Date.now()) / 1000);
    const result = await call('waitTask', {
      params: { ref },
      query: { for: state, timeout: Math.min(left, SLICE_SECONDS) },
    });
    if (result.reached) return result;
    const { error } = result.status;
    if (result.status.state === 'failed' && error !== null) throw new RemoteError({ error });
    if (Date.now() >= end) {
      throw new SluiceError(
        'TIMEOUT',
        `Task ${result.status.name} is not ${state} after ${timeoutSeconds} s (state ${result.status.state}, phase ${result.status.phase ?? 'none'}).`,
      );
    }
    // An answer before the time was up and without the state: the task does not run, and may be started yet.
    await new Promise((resolve) => setTimeout(resolve, Math.min(1000, Math.max(0, end - Date.now()))));
  }
}

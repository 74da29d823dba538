import { setTimeout as pause } from 'node:timers/promises';
import {
  type Call,
  type EventFeedQuery,
  type EventQuery,
  type EventUpdate,
  SluiceError,
  type TimelineEvent,
} from '@sluice/contract';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { addLeaf, formatOf, type Terminal } from '../command.ts';
import type { Feed } from '../feed.ts';
import { type Format, pick } from '../present.ts';
import { cellText } from '../text-table.ts';

interface EventOptions {
  readonly limit: string;
  readonly table?: string;
  readonly kind?: string;
  readonly follow?: boolean;
}

/** `task events` and `datasource events`: what happened, newest last, as a log reads. */
export function addEvents(
  group: Command,
  terminal: Terminal,
  of: string,
  timeline: {
    readonly ask: (call: Call, ref: string, query: EventQuery) => Promise<readonly TimelineEvent[]>;
    /** Where the server tells what happens. */
    readonly feed: (ref: string) => string;
  },
): void {
  addLeaf<EventOptions>(group, terminal, {
    usage: `events <${of}>`,
    summary: `What happened to the ${of}, and who did it`,
    options: (command) =>
      command
        .option('--limit <n>', 'the last so many', '100')
        .option('--table <schema.table>', 'of this table only')
        .option('--kind <kind>', 'of this kind only, or of all that begin so: table.')
        .option('--follow', 'go on with what happens, until Ctrl-C; a line an event'),
    run: async ({ call, feed, args: [ref = ''], options }) => {
      const filter: EventFeedQuery = {
        ...(options.table === undefined ? {} : { table: options.table }),
        ...(options.kind === undefined ? {} : { kind: options.kind }),
      };
      const signal = options.follow === true ? terminal.interrupted() : null;
      const limit = wholeNumber('--limit', options.limit, 1, 1000);
      const data = await timeline.ask(call, ref, { limit, ...filter });
      if (signal !== null) {
        const format = formatOf(options.format, terminal.stdoutIsTerminal);
        const tell = (event: TimelineEvent) => terminal.write(eventLine(event, format));
        for (const event of [...data].reverse()) tell(event);
        await follow(feed, timeline.feed(ref), { ...filter, after: data[0]?.id ?? 0 }, tell, signal);
        return null;
      }
      const view = pick([...data].reverse(), {
        at: (row) => row.at,
        by: (row) => row.by,
        kind: (row) => row.kind,
        table: (row) => row.table ?? '',
        what: (row) => row.text,
      });
      return { data, view };
    },
  });
}

/** The timeline of everything: of all tasks, data sources, channels and of the server. */
export function addServerEvents(program: Command, terminal: Terminal): void {
  addLeaf<Pick<EventOptions, 'limit' | 'kind'>>(program, terminal, {
    usage: 'events',
    summary: 'What happened to all tasks and data sources, and who did it',
    options: (command) =>
      command
        .option('--limit <n>', 'the last so many', '100')
        .option('--kind <kind>', 'of this kind only, or of all that begin so: task.'),
    run: async ({ call, options }) => {
      const data = await call('listEvents', {
        query: {
          limit: wholeNumber('--limit', options.limit, 1, 1000),
          ...(options.kind === undefined ? {} : { kind: options.kind }),
        },
      });
      const view = pick([...data].reverse(), {
        at: (row) => row.at,
        by: (row) => row.by,
        kind: (row) => row.kind,
        of: (row) => row.task ?? row.dataSource ?? '',
        table: (row) => row.table ?? '',
        what: (row) => row.text,
      });
      return { data, view };
    },
  });
}

const AGAIN_MS = 500;

/**
 * Tells events until the signal aborts. A feed that was cut is taken up again where it broke off.
 * @throws SluiceError SERVER_UNREACHABLE, when the server is gone
 */
async function follow(
  feed: Feed,
  path: string,
  query: EventFeedQuery & { readonly after: number },
  tell: (event: TimelineEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  let { after } = query;
  let connected = false;
  while (!signal.aborted) {
    let heard = false;
    try {
      for await (const message of feed(`${path}?${queryText({ ...query, after })}`, signal)) {
        heard = true;
        for (const event of (message as EventUpdate).events) {
          tell(event);
          after = event.id;
        }
      }
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      if (!heard) throw connected ? serverEnded(error) : error;
    }
    connected ||= heard;
    await pause(AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
}

function isUnreachable(error: unknown): error is SluiceError {
  return error instanceof SluiceError && error.code === 'SERVER_UNREACHABLE';
}

function serverEnded(error: SluiceError): SluiceError {
  return new SluiceError(error.code, `The server has ended, and nothing more is told. ${error.message}`, {
    remedy: 'When it runs again, follow it with the same command.',
    cause: error,
  });
}

function queryText(query: EventFeedQuery): string {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) text.set(name, String(value));
  return text.toString();
}

/** Lines one by one know nothing of each other's width. */
function eventLine(event: TimelineEvent, format: Format): string {
  if (format === 'json') return `${JSON.stringify(event)}\n`;
  const cells = [event.at, event.by, event.kind, ...(event.table === null ? [] : [event.table]), event.text];
  return `${cells.map((cell) => cellText(cell, Number.POSITIVE_INFINITY)).join('  ')}\n`;
}

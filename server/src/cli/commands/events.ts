import type { Call, EventQuery, TimelineEvent } from '@sluice/contract';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { pick } from '../present.ts';

interface EventOptions {
  readonly limit: string;
  readonly table?: string;
  readonly kind?: string;
}

/** `task events` and `datasource events`: what happened, newest last, as a log reads. */
export function addEvents(
  group: Command,
  terminal: Terminal,
  of: string,
  ask: (call: Call, ref: string, query: EventQuery) => Promise<readonly TimelineEvent[]>,
): void {
  addLeaf<EventOptions>(group, terminal, {
    usage: `events <${of}>`,
    summary: `What happened to the ${of}, and who did it`,
    options: (command) =>
      command
        .option('--limit <n>', 'the last so many', '100')
        .option('--table <schema.table>', 'of this table only')
        .option('--kind <kind>', 'of this kind only, or of all that begin so: table.'),
    run: async ({ call, args: [ref = ''], options: { limit, table, kind } }) => {
      const data = await ask(call, ref, {
        limit: wholeNumber('--limit', limit, 1, 1000),
        ...(table === undefined ? {} : { table }),
        ...(kind === undefined ? {} : { kind }),
      });
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

import { sourceTableText, TABLE_ORDER_RULES, TABLE_ORDERS } from '@sluice/contract';
import type { Command } from 'commander';
import { splitList } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { pick } from '../present.ts';
import { confirmed } from './task.ts';

interface OrderOptions {
  readonly yes?: boolean;
  readonly where?: string;
}

/** `task cdc pause-table` and the like: what is ordered for single tables while the others flow. */
export function addTableOrders(group: Command, terminal: Terminal): void {
  for (const order of TABLE_ORDERS) {
    const { summary, asks } = TABLE_ORDER_RULES[order];
    addLeaf<OrderOptions>(group, terminal, {
      usage: `${order}-table <task> <tables...>`,
      summary,
      options: (command) => {
        if (order === 'backfill')
          command.requiredOption('--where <filter>', 'which rows, such as "created_at >= \'2026-01-01\'"');
        return asks ? command.option('-y, --yes', 'do it without asking') : command;
      },
      run: async ({ call, args: [ref = '', names = ''], options }) => {
        const tables = splitList(names).map((name) => (/^\d+$/.test(name) ? Number(name) : name));
        const where = options.where === undefined ? {} : { where: options.where };
        const data = await confirmed(terminal, options.yes === true || !asks, (confirm) =>
          call('orderTables', { params: { ref }, body: { order, tables, confirm, ...where } }),
        );
        const view = pick(data, {
          id: (row) => row.id,
          table: (row) => sourceTableText(row.source),
          outcome: (row) => row.outcome,
          state: (row) => row.state,
          reason: (row) => row.reason ?? '',
        });
        return { data, view };
      },
    });
  }
}

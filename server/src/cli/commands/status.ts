import type { Command } from 'commander';
import { addLeaf, type Terminal } from '../command.ts';
import { pick } from '../present.ts';

export function addStatusCommands(program: Command, terminal: Terminal): void {
  addLeaf(program, terminal, {
    usage: 'status',
    summary: 'The server itself',
    run: async ({ call }) => ({ data: await call('status') }),
  });
  const group = program.command('vcluster').description('Pools of workers');
  addLeaf(group, terminal, {
    usage: 'list',
    summary: 'All VClusters',
    run: async ({ call }) => {
      const data = await call('listVClusters');
      return {
        data,
        view: pick(data, { id: (row) => row.id, name: (row) => row.name, type: (row) => row.type }),
      };
    },
  });
}

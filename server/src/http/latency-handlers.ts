import { SluiceError } from '@sluice/contract';
import type { Control } from '../control/context.ts';
import { findNamed } from '../control/references.ts';
import type { TableLatencies } from '../control/table-latencies.ts';
import type { Handlers } from './handlers.ts';

export type LatencyRoute = 'tableLatency';

export function latencyHandlers(control: Control, latencies: TableLatencies): Handlers<LatencyRoute> {
  return {
    tableLatency: async ({ params: { ref, id } }) => {
      const task = await findNamed(control.db, 'tasks', ref);
      const lane = await control.db
        .selectFrom('lanes')
        .select('id')
        .where('id', '=', id)
        .where('task_id', '=', task.id)
        .executeTakeFirst();
      if (lane === undefined)
        throw new SluiceError('NOT_FOUND', `The task ${task.name} has no table ${id}.`, {
          remedy: 'sluice task cdc tables shows the tables of the task with their ids.',
        });
      return latencies.of(lane.id);
    },
  };
}

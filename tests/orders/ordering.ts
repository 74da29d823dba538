import type { TableOrder, TableOrderResult, TaskTable } from '@sluice/contract';
import type { TestLake } from '../support/lake.ts';

/** Orders something for tables, by their names at the source. */
export async function order(
  lake: TestLake,
  task: string,
  what: TableOrder,
  tables: readonly (string | number)[],
  more: { readonly where?: string } = {},
): Promise<readonly TableOrderResult[]> {
  const api = await lake.api();
  return api.post<TableOrderResult[]>(`/tasks/${task}/tables/orders`, {
    order: what,
    tables,
    confirm: true,
    ...more,
  });
}

export async function tableOf(lake: TestLake, task: string, name: string): Promise<TaskTable> {
  const table = (await lake.tables(task)).find((one) => one.source.table === name);
  if (table === undefined) throw new Error(`the task ${task} has no table ${name}`);
  return table;
}

import type { TableOrder, TableOrderResult, TaskTable, TimelineEvent } from '@sluice/contract';
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

/** Which tables were loaded anew, asked for by whom, and why, as the timeline tells it. */
export async function reloads(lake: TestLake, task: string): Promise<readonly string[]> {
  const api = await lake.api();
  const events = await api.get<TimelineEvent[]>(`/tasks/${task}/events?after=0&kind=table.reload&limit=1000`);
  return events.map(({ by, table, text }) => `${by} ${table} ${text}`);
}

import { sourceTableText, type TaskTable } from '@sluice/contract';
import { tableLook } from './state.ts';

export const SHOWS = [
  ['', 'All'],
  ['trouble', 'On the blocklist'],
  ['way', 'On the way'],
  ['live', 'Live'],
  ['rest', 'Paused, stopped'],
] as const;
export type Show = (typeof SHOWS)[number][0];

export function kindOf({ state }: Pick<TaskTable, 'state'>): Exclude<Show, ''> {
  const { tone } = tableLook(state);
  return tone === 'bad' ? 'trouble' : tone === 'busy' ? 'way' : tone === 'good' ? 'live' : 'rest';
}

export const nameOf = (source: TaskTable['source']): string => sourceTableText(source);

const RANK: Readonly<Record<string, number>> = { trouble: 0, rest: 1, way: 2, live: 3 };
export type Sort = 'name' | 'state' | 'latency' | 'rows';

/** The tables to show, in order. Equal ones stand by name, so that lines do not jump while numbers move. */
export function chosenTables(
  tables: readonly TaskTable[],
  { text, show, sort }: { readonly text: string; readonly show: string; readonly sort: Sort },
): TaskTable[] {
  const wanted = text.toLowerCase();
  const number: Record<Sort, (table: TaskTable) => number> = {
    name: () => 0,
    state: (table) => RANK[kindOf(table)] ?? 9,
    latency: (table) => -(table.latencyMs ?? -1),
    rows: (table) => -(table.rowsLoaded + table.rowsApplied),
  };
  return tables
    .filter(
      (table) =>
        (show === '' || kindOf(table) === show) &&
        (wanted === '' ||
          nameOf(table.source).toLowerCase().includes(wanted) ||
          nameOf(table.target).toLowerCase().includes(wanted)),
    )
    .map((table) => ({ table, rank: number[sort](table), name: nameOf(table.source) }))
    .sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ table }) => table);
}

import type { TableSchema } from '../model/table.ts';
import type { AskedSource, Position } from '../sources/source.ts';
import type { Lane } from './lane.ts';

/**
 * The visible tables that would not come out right from a place of somebody's choice, each with the reason: they are
 * loaded anew. All others go on with what they have.
 * @param saved the position that the tables are at
 */
export async function unfitFrom(
  from: Position,
  saved: Position | null,
  lanes: Iterable<Lane>,
  {
    source,
    loads,
    signal,
  }: { readonly source: AskedSource; readonly loads: boolean; readonly signal: AbortSignal },
): Promise<ReadonlyMap<Lane, string>> {
  const unfit = new Map<Lane, string>();
  const live = [...lanes].filter((lane) => lane.state === 'live');
  if (live.length === 0) return unfit;
  // Rows without a key would come a second time. Where nothing is loaded, that is for the person who chose to know.
  if (loads && saved !== null && goesBack(source, from, saved))
    for (const lane of live)
      if (lane.kept.schema.identity.kind === 'row')
        unfit.set(lane, 'the start goes back, and its rows have no key to be recognised by');
  if (source.ddl === 'catalog') return unfit;
  const redefined = await source.redefined(from, signal);
  const tables = await source.discover({ schemas: [], tables: live.map((lane) => lane.source) }, signal);
  const now = new Map(tables.map((table) => [table.objectId, table.schema]));
  for (const lane of live) {
    const schema = now.get(lane.objectId);
    if (redefined(lane.source)) unfit.set(lane, 'it is defined anew behind the position that was chosen');
    // Of what lies before the position nothing is read: only the catalog tells that it was defined anew there.
    else if (schema !== undefined && definition(schema) !== definition(lane.kept.schema))
      unfit.set(lane, 'it was defined anew before the position that was chosen');
  }
  return unfit;
}

/** Places that cannot be compared may lie anywhere. */
function goesBack(source: AskedSource, from: Position, saved: Position): boolean {
  try {
    return source.compare(from, saved) < 0;
  } catch {
    return true;
  }
}

/** Ids of columns that came later are of the engine's own making. */
function definition({ columns, identity }: TableSchema): string {
  const key = identity.kind === 'row' ? null : identity.columns.map((index) => columns[index]?.name);
  return JSON.stringify([columns.map(({ name, native }) => [name, native]), key]);
}

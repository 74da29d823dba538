import { SluiceError } from '@sluice/contract';
import type { CascadeRule } from '../model/cascade.ts';
import { follows } from '../model/lane-state.ts';
import { type TableSchema, tableKey, tableText } from '../model/table.ts';
import type { CascadePart, ChangePart, Target } from '../targets/target.ts';
import type { Lane } from './lane.ts';

/**
 * Where the source obeys foreign keys unseen, what becomes of a table's rows is told from the lines of the tables that
 * they refer to. So those tables have to be mirrored by the same task, and have to be live before the referring table
 * is loaded: every one of their lines from then on is known.
 */
export type LanesByObject = ReadonlyMap<string, Lane>;

/** A foreign key of one lane's table that refers to another lane's (or to its own). */
export interface Reference {
  readonly child: Lane;
  readonly rule: CascadeRule;
}

const rulesOf = (schema: TableSchema): readonly CascadeRule[] => schema.cascades ?? [];
const isOwn = (rule: CascadeRule, schema: TableSchema): boolean =>
  tableKey(rule.parent) === tableKey(schema.name);

/** The lanes that a table's rows depend on unseen; without itself. */
function unseenParents(schema: TableSchema, lanes: LanesByObject): readonly (Lane | undefined)[] {
  return rulesOf(schema)
    .filter((rule) => !rule.logged && !isOwn(rule, schema))
    .map((rule) => lanes.get(tableKey(rule.parent)));
}

/** Why a table that depends on others unseen cannot be mirrored now; null: it can, or depends on none. */
export function cascadeTrouble(schema: TableSchema, lanes: LanesByObject): SluiceError | null {
  const name = tableText(schema.name);
  for (const rule of rulesOf(schema)) {
    if (rule.logged) continue;
    const parent = isOwn(rule, schema) ? schema : lanes.get(tableKey(rule.parent))?.kept.schema;
    const because = `The foreign key ${rule.name} changes rows of ${name} by itself, which the server does not log`;
    if (parent === undefined)
      return trouble(
        `${because}; it could be told from ${tableText(rule.parent)}, which the task does not mirror.`,
        `Add ${tableText(rule.parent)} to the task; or, where nothing relies on the rule, set the parameter unlogged_cascades to ignore.`,
      );
    const lane = isOwn(rule, schema) ? null : lanes.get(tableKey(rule.parent))!;
    if (lane !== null && (!follows(lane.state) || lane.state === 'stalled'))
      return trouble(
        `${because}; it could be told from ${tableText(rule.parent)}, which is stopped${lane.trouble === null ? '' : ` (${lane.trouble})`}.`,
        `Mend ${tableText(rule.parent)} first: this table follows by itself.`,
      );
    if (referencedIds(rule, parent) === null)
      return trouble(
        `${because}; nor can it be told, for it refers to other columns than the key of ${tableText(rule.parent)}.`,
        `Let the foreign key ${rule.name} refer to the primary key; or, where nothing relies on the rule, set the parameter unlogged_cascades to ignore.`,
      );
  }
  if (reachesItself(schema, lanes))
    return trouble(
      `Foreign keys that the server obeys without logging it lead from ${name} back to itself over other tables.`,
      'Break the circle; or, where nothing relies on the rules, set the parameter unlogged_cascades to ignore.',
    );
  return null;
}

function trouble(message: string, remedy: string): SluiceError {
  return new SluiceError('TABLE_CASCADE', message, { remedy });
}

function reachesItself(schema: TableSchema, lanes: LanesByObject): boolean {
  const own = tableKey(schema.name);
  const seen = new Set<Lane | undefined>();
  const queue = [...unseenParents(schema, lanes)];
  while (queue.length > 0) {
    const lane = queue.pop();
    if (lane === undefined || seen.has(lane)) continue;
    seen.add(lane);
    if (lane.objectId === own) return true;
    queue.push(...unseenParents(lane.kept.schema, lanes));
  }
  return false;
}

/** The columns of the parent (sourceId) that a rule refers to; null where they are not what its rows are recognised by. */
export function referencedIds(rule: CascadeRule, parent: TableSchema): readonly number[] | null {
  if (parent.identity.kind !== 'key' || parent.identity.columns.length !== rule.referenced.length)
    return null;
  const key = parent.identity.columns.map((index) => parent.columns[index]!);
  const ids = rule.referenced.map((name) => key.find((column) => column.name === name)?.sourceId);
  return ids.includes(undefined) ? null : (ids as number[]);
}

/** Whether a table has to wait until others are live, or, if it keeps lines already, to begin anew. */
export function lacksParents(lane: Lane, lanes: LanesByObject): boolean {
  return unseenParents(lane.kept.schema, lanes).some((parent) => parent?.state !== 'live');
}

/** Whether a lane keeps lines, so that what foreign keys did unseen has to be among them. */
export function keepsLines(lane: Lane): boolean {
  return follows(lane.state) && (lane.state !== 'pending' || lane.armedAt !== null);
}

/** Foreign keys that refer to a lane's table. */
export function referencesTo(parent: Lane, lanes: Iterable<Lane>): readonly Reference[] {
  const references: Reference[] = [];
  for (const child of lanes)
    for (const rule of rulesOf(child.kept.schema))
      if (tableKey(rule.parent) === parent.objectId) references.push({ child, rule });
  return references;
}

/** Whether a lane's table refers to one of these others, or to one that does. */
export function dependsOn(lane: Lane, others: ReadonlySet<Lane>, lanes: LanesByObject): boolean {
  const seen = new Set<Lane>([lane]);
  const queue = [lane];
  for (let one = queue.pop(); one !== undefined; one = queue.pop())
    for (const rule of rulesOf(one.kept.schema)) {
      const parent = lanes.get(tableKey(rule.parent));
      if (parent === undefined || seen.has(parent)) continue;
      if (others.has(parent)) return true;
      seen.add(parent);
      queue.push(parent);
    }
  return false;
}

/** Foreign keys of a lane's table that refer to the table itself. */
export function ownReferences(lane: Lane): readonly Reference[] {
  return rulesOf(lane.kept.schema)
    .filter((rule) => tableKey(rule.parent) === lane.objectId)
    .map((rule) => ({ child: lane, rule }));
}

/** The lines that a table gets for those of a table that it refers to; null: none. */
export async function linesFor(
  target: Pick<Target<unknown>, 'cascadeLines'>,
  parent: Lane,
  told: readonly ChangePart[],
  { child, rule }: Reference,
  file: string,
  signal: AbortSignal,
): Promise<CascadePart | null> {
  if (!keepsLines(child) || !told.some((part) => part.unseen)) return null;
  const referenced = referencedIds(rule, parent.kept.schema);
  if (referenced === null || rule.untold !== null)
    throw new SluiceError(
      'TABLE_CASCADE',
      `The foreign key ${rule.name} of ${tableText(child.source)} may have changed its rows unseen, which cannot be told.`,
    );
  const { columns } = child.kept.schema;
  return target.cascadeLines({ told, referenced, rule, columns, fromOrd: child.cascadesFrom, file }, signal);
}

import { SluiceError } from '@sluice/contract';
import { appliesNone } from '../model/lane-state.ts';
import { type PolicyVerdict, type SchemaPolicy, verdictOf } from '../model/schema-policy.ts';
import { type Column, type TableSchema, tableText, withColumns } from '../model/table.ts';
import { type Evolution, evolve, type ObservedTable } from './evolution.ts';
import type { KeptSchema, Lane } from './lane.ts';
import type { RunContext } from './run-context.ts';

/** What a change of a table's schema comes to under the task's policy. */
export type Judged =
  | Evolution
  /** The target keeps its columns, and goes on. */
  | { readonly kind: 'held' }
  /** `loads`: nothing but a load could bring the table to the new schema, whatever is kept of its changes. */
  | { readonly kind: 'refused'; readonly text: string; readonly loads: boolean };

const TAKEN_OVER = 'columns that were ignored are taken over';

export function judge(
  policy: SchemaPolicy,
  before: ObservedTable & Pick<KeptSchema, 'target' | 'targetLacks'>,
  after: ObservedTable,
  keepsValues: (before: Column, after: Column) => boolean,
): Judged {
  const target = before.target ?? before.schema;
  const verdict = verdictOf(policy, target, after.schema);
  const lacks = before.targetLacks === true && policy !== 'ignore' && differ(target, after.schema);
  if (verdict.kind === 'refused') {
    const loads = lacks || evolve(before, after, keepsValues).kind === 'reload';
    return { kind: 'refused', text: verdict.text, loads };
  }
  if (lacks) return { kind: 'reload', reason: TAKEN_OVER };
  if (policy !== 'ignore') return evolve(before, after, keepsValues);
  const evolution = evolve(within(before, target), within(after, target), keepsValues);
  return evolution.kind !== 'reload' && verdict.kind === 'held' ? { kind: 'held' } : evolution;
}

function differ(target: TableSchema, source: TableSchema): boolean {
  return verdictOf('stop', target, source).kind !== 'follows';
}

/** The table without columns that the target does not have; those of the key it has. */
function within(table: ObservedTable, target: TableSchema): ObservedTable {
  const { schema } = table;
  const has = new Set(target.columns.map(({ sourceId }) => sourceId));
  const columns = schema.columns.filter(({ sourceId }) => has.has(sourceId));
  return { ...table, schema: withColumns(schema, columns) };
}

/** Whether a load is to come, or under way: what the table has become by then is judged when it begins. */
export function awaitsLoad({ state }: Lane): boolean {
  return state === 'pending' || state === 'loading';
}

/** A table that somebody has loaded takes the columns which its source has then; the policy is for one that goes on. */
export function policyFor({ work, merges }: Pick<RunContext, 'work' | 'merges'>, lane: Lane): SchemaPolicy {
  const goesOn = !awaitsLoad(lane) && (hasRows(lane) || lane.kept.target !== undefined);
  return merges === null && goesOn ? work.parameters.schemaEvolution : 'follow';
}

/** Whether what is visible is what its changes are applied to. */
function hasRows({ state, load }: Lane): boolean {
  return (
    state === 'live' ||
    state === 'backfilling' ||
    state === 'lapsed' ||
    state === 'blocked' ||
    appliesNone(state) ||
    load?.fromVisible !== undefined
  );
}

export function changedTrouble(lane: Lane, text: string, policy: SchemaPolicy): SluiceError {
  return new SluiceError(
    'TABLE_SCHEMA_CHANGED',
    `${text} (${tableText(lane.source)}), which schema_evolution = ${policy} does not let it follow. What is visible stays.`,
  );
}

type Policing = Pick<RunContext, 'work' | 'merges' | 'source'>;

/** What the policy of now says of a table whose target has other columns than its source; null: it has the same. */
export function verdictNow(context: Policing, { kept }: Lane): PolicyVerdict | null {
  if (kept.target === undefined || context.merges !== null) return null;
  return verdictOf(context.work.parameters.schemaEvolution, kept.target, kept.schema);
}

/**
 * Why the table cannot go on with the columns of the lines that are kept, or with those that its source's catalog has
 * now (`found`); null: nothing is against it.
 */
export function stillRefused(context: Policing, lane: Lane, found?: TableSchema): SluiceError | null {
  const verdict =
    found === undefined ? verdictNow(context, lane) : (heldOf(context, lane, found)?.verdict ?? null);
  return verdict?.kind === 'refused'
    ? changedTrouble(lane, verdict.text, context.work.parameters.schemaEvolution)
    : null;
}

interface HeldOf {
  readonly verdict: PolicyVerdict;
  /** The target's columns under the numbers that those of `found` have. */
  readonly target: TableSchema;
}

/** What the policy says of `found`, which need not number columns as the lane does. */
function heldOf({ work, merges, source }: Policing, { kept }: Lane, found: TableSchema): HeldOf | null {
  if (kept.target === undefined || merges !== null) return null;
  const target = source.ddl === 'log' ? byName(kept.target, found) : kept.target;
  return { verdict: verdictOf(work.parameters.schemaEvolution, target, found), target };
}

/** The target's columns under the numbers of columns of the same names. */
export function byName(target: TableSchema, found: TableSchema): TableSchema {
  const numbers = new Map(found.columns.map(({ name, sourceId }) => [name, sourceId]));
  return {
    ...target,
    columns: target.columns.map((column, n) => ({
      ...column,
      sourceId: numbers.get(column.name) ?? -1 - n,
    })),
  };
}

/**
 * Which columns a full load gives the target. One that nobody has ordered obeys the policy: `kept.target` is what the
 * target has until then.
 * @throws SluiceError TABLE_SCHEMA_CHANGED
 */
export function targetOfLoad(
  context: Policing,
  lane: Lane,
  found: TableSchema,
): Pick<KeptSchema, 'target' | 'targetLacks'> {
  const held = heldOf(context, lane, found);
  if (held === null) return {};
  const policy = context.work.parameters.schemaEvolution;
  if (held.verdict.kind === 'refused') throw changedTrouble(lane, held.verdict.text, policy);
  if (held.verdict.kind === 'held') return { target: held.target, targetLacks: true };
  return policy === 'follow' ? {} : { target: found };
}

/** What the target has while its table waits for a load that nobody has ordered. */
export function targetUntilLoad(lane: Lane): Pick<KeptSchema, 'target' | 'targetLacks'> {
  const { target, targetLacks, schema } = lane.kept;
  if (target !== undefined) return targetLacks === true ? { target, targetLacks } : { target };
  return hasRows(lane) ? { target: schema } : {};
}

/** Whether only a load brings the target what it has left out. */
export function takesOver({ work }: Policing, { kept }: Lane): string | null {
  if (kept.targetLacks !== true || work.parameters.schemaEvolution === 'ignore') return null;
  return differ(kept.target ?? kept.schema, kept.schema) ? TAKEN_OVER : null;
}

/** The schema alone, for a target that has the same columns. */
export function ofSource({ target: _, targetLacks: __, ...kept }: KeptSchema): KeptSchema {
  return kept;
}

/** The schema `kept` for a target that stays as it is. */
export function heldTo(before: KeptSchema, kept: KeptSchema, lacks: boolean): KeptSchema {
  return {
    ...kept,
    target: before.target ?? before.schema,
    ...(lacks || before.targetLacks === true ? { targetLacks: true } : {}),
  };
}

import type { SluiceError } from '@sluice/contract';
import type { TableSchema } from '../model/table.ts';
import type { DiscoveredTable, LogRelation } from '../sources/source.ts';
import { sameShape } from './evolution.ts';
import { describes, type KeptSchema, type Lane, signatureOf } from './lane.ts';
import type { RunContext } from './run-context.ts';
import {
  awaitsLoad,
  changedTrouble,
  heldTo,
  judge,
  ofSource,
  policyFor,
  targetUntilLoad,
} from './schema-verdict.ts';

/** What a lane does about the schema that its next lines were written under. */
export type Follow =
  | { readonly kind: 'same' }
  /** The lane's kept schema is the new one now; `version` is to be saved. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'reload'; readonly reason: string; readonly kept: KeptSchema | null }
  | Refused;

/** The policy does not let the target follow. `loads`: only a load could bring it to the new schema. */
export interface Refused {
  readonly kind: 'refused';
  readonly error: SluiceError;
  readonly loads: boolean;
  readonly kept: KeptSchema;
}

/**
 * Finds out what the log's description of a table means for its lane. The log has names and types only; which
 * column was renamed and what a default filled in stand in the source's catalog, as of now. Where that no longer
 * says the same as the log does (the table changed again meanwhile), the table is loaded anew.
 */
export async function followRelation(
  context: RunContext,
  lane: Lane,
  relation: LogRelation,
): Promise<Follow> {
  const signature = signatureOf(relation);
  if (lane.kept.signature === signature) return { kind: 'same' };
  if (lane.kept.signature === null && describes(lane.kept, relation) && sameKey(lane.kept.schema, relation)) {
    // The first description since the catalog was read, and of what it said then; by now it may say otherwise.
    lane.kept = { ...lane.kept, signature };
    return { kind: 'changed' };
  }
  if (relation.table !== null) return followTable(context, lane, relation.table, signature);
  const found = await context.source.discover({ schemas: [], tables: [relation.name] }, context.signal);
  const now = found.find((table) => table.objectId === lane.objectId);
  if (now === undefined || !describes(now, relation))
    return {
      kind: 'reload',
      reason: 'its schema changed again before the change was read',
      kept: now === undefined ? null : keptOf(now, null),
    };
  return followTable(context, lane, now, signature);
}

/** The same for what the source's catalog says at a place in the log that a mark has shown, or the log itself does. */
export function followTable(
  context: RunContext,
  lane: Lane,
  now: DiscoveredTable,
  signature: string | null,
): Follow {
  const { source } = context;
  const kept = keptOf(now, signature);
  const policy = policyFor(context, lane);
  const waits = awaitsLoad(lane);
  const before = { ...(waits ? ofSource(lane.kept) : lane.kept), filledColumns: [] };
  const judged = judge(policy, before, now, source.keepsValues);
  switch (judged.kind) {
    case 'held':
      if (!sameShape(lane.kept.schema, now.schema)) lane.schemaVersion++;
      lane.kept = heldTo(lane.kept, kept, true);
      return { kind: 'changed' };
    case 'refused':
      if (!judged.loads && lane.kept.target !== undefined && sameShape(lane.kept.schema, now.schema)) {
        // It has come to a halt there already.
        lane.kept = heldTo(lane.kept, kept, false);
        return { kind: 'changed' };
      }
      return {
        kind: 'refused',
        error: changedTrouble(lane, judged.text, policy),
        loads: judged.loads,
        kept: heldTo(lane.kept, kept, false),
      };
    case 'same':
      if (source.ddl === 'log' && !sameShape(lane.kept.schema, now.schema)) {
        // The next attempt reads the log by it.
        lane.kept = lane.kept.target === undefined ? kept : heldTo(lane.kept, kept, false);
        lane.schemaVersion++;
        return { kind: 'changed' };
      }
      // The storage that counts is the one of the last change; a VACUUM FULL between two changes nothing.
      lane.kept = { ...lane.kept, signature: signature ?? lane.kept.signature };
      return { kind: 'changed' };
    case 'follow':
      if (looksAlike(lane.kept, kept))
        return { kind: 'reload', reason: 'a column took the place and name of one that was dropped', kept };
      lane.kept = waits ? { ...kept, ...targetUntilLoad(lane) } : kept;
      lane.schemaVersion++;
      return { kind: 'changed' };
    case 'reload':
      return { kind: 'reload', reason: judged.reason, kept };
  }
}

/**
 * Other columns of which the log says the same: what was written to the new one before its catalog was read went to the
 * old one, which is dropped. A log that describes no columns tells of the DDL itself.
 */
function looksAlike(before: KeptSchema, now: KeptSchema): boolean {
  const ids = ({ schema }: KeptSchema): string => schema.columns.map(({ sourceId }) => sourceId).join();
  return (
    now.logColumns.length > 0 &&
    JSON.stringify(before.logColumns) === JSON.stringify(now.logColumns) &&
    ids(before) !== ids(now)
  );
}

export function keptOf(table: DiscoveredTable, signature: string | null): KeptSchema {
  const { schema, storage, columnVersions, pieces, logColumns } = table;
  return { schema, storage, columnVersions, pieces, logColumns, signature };
}

/** Under FULL the log does not tell a key, so nothing contradicts the one that is known. */
function sameKey(schema: TableSchema, relation: LogRelation): boolean {
  if (relation.identity === 'full') return true;
  const inLog = relation.columns.filter((column) => column.inKey).map((column) => column.name);
  const key =
    schema.identity.kind === 'key' ? schema.identity.columns.map((index) => schema.columns[index]!.name) : [];
  return key.length === inLog.length && inLog.every((name) => key.includes(name));
}

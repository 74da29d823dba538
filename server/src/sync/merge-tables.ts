import { type MergeSpec, SluiceError, type VirtualTable } from '@sluice/contract';
import { isOnItsWay, type LaneState } from '../model/lane-state.ts';
import { followShards } from '../model/merge/follow-shards.ts';
import { mergeShards } from '../model/merge/merge-shards.ts';
import {
  columnOf,
  keyOf,
  type MergedTable,
  type Refusal,
  type ShardSchema,
} from '../model/merge/merged-table.ts';
import { refusalText } from '../model/merge/refusal-text.ts';
import { shardKey, shardText } from '../model/merge/shard.ts';
import { numbered, shardConstants, targetSchema } from '../model/merge/target-schema.ts';
import { type Column, type TableName, type TableSchema, tableKey } from '../model/table.ts';
import { shardOf } from '../sources/composite/member-label.ts';
import { type MatchedTable, virtualTables } from '../sources/composite/virtual-table-match.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import type { KeyedMerge, MergedStep, Target } from '../targets/target.ts';
import type { Lane } from './lane.ts';
import { forgetMergeState, type MergeState, readMergeState, saveMergeState } from './merge-store.ts';
import type { RunStore } from './run-store.ts';

/** What a shard's lines and rows become in the merged table. */
export interface ShardView {
  readonly schema: TableSchema;
  /** The extended fields' values (ChangeBatch.constants). */
  readonly constants: ReadonlyMap<number, string>;
  /** Columns that lines of the shard were written under, by the merged table's numbers. */
  columns(written: readonly Column[]): readonly Column[];
  /** Of each column of the shard's own key, its place in the merged key. */
  readonly keyPlaces: readonly number[];
}

/**
 * The merged tables of a run. How their schemas follow those of the shards (model/merge/follow-shards.ts) is recorded
 * here before any line is written under it; what is written a second time after a crash finds it followed already.
 */
export class MergeTables {
  readonly #tables: readonly MatchedTable[];
  readonly #states = new Map<string, MergeState>();
  readonly #store: RunStore;
  readonly #target: Target<MetastoreDb>;
  readonly #taskId: number;
  /** Schemas follow one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(spec: MergeSpec, store: RunStore, target: Target<MetastoreDb>, taskId: number) {
    this.#tables = virtualTables(spec);
    this.#store = store;
    this.#target = target;
    this.#taskId = taskId;
  }

  async load(): Promise<void> {
    for (const { table: spec } of this.#tables)
      this.#states.set(tableKey(spec.target), await readMergeState(this.#store.db, spec.target));
  }

  /** Whether the lane's rows that are there say otherwise where they come from than another version wants it said. */
  saysOtherwise({ target }: Pick<Lane, 'target'>): boolean {
    const found = this.#tables.find(({ table }) => isOf(target, table.target));
    return found !== undefined && extendedOtherwise(found.table, this.#stateOf(found.table));
  }

  /** Begins the tables of such lanes anew. The lanes wait for their loads already: a crash between the two says it again. */
  async beginAnew(): Promise<void> {
    for (const { table: spec } of this.#tables) {
      if (!extendedOtherwise(spec, this.#stateOf(spec))) continue;
      await this.#store.write((transaction) => forgetMergeState(transaction, spec.target));
      this.#states.set(tableKey(spec.target), await readMergeState(this.#store.db, spec.target));
    }
  }

  /** Where a source table's rows go; null: it belongs to no merged table. */
  targetOf(source: TableName): TableName | null {
    const shard = shardOf(source);
    const found = this.#tables.find(({ match }) => match.has(shard));
    if (found === undefined) return null;
    const { schema, table } = found.table.target;
    return { schema, table, shard: shardText(shard) };
  }

  /**
   * Takes shards in together, so that the merged schema is right for all of them before the first row is loaded.
   * @returns those that cannot be merged with the rest, and why
   */
  async takeIn(
    tables: readonly { readonly source: TableName; readonly schema: TableSchema }[],
  ): Promise<ReadonlyMap<TableSchema, SluiceError>> {
    const refused = new Map<TableSchema, SluiceError>();
    for (const { table: spec } of this.#tables) {
      const own = tables.filter(({ source }) => isOf(this.targetOf(source), spec.target));
      if (own.length === 0) continue;
      await this.#serially(async () => {
        const fresh = own.map(({ source, schema }) => ({ shard: shardOf(source), schema }));
        const together = await this.#follow(spec, fresh, true);
        if (together === 'same' || together === 'followed') return;
        // One after the other: those that fit are not held up by one that does not.
        for (const [index, shard] of fresh.entries()) {
          const outcome = await this.#follow(spec, [shard], true);
          if (outcome instanceof SluiceError) refused.set(own[index]!.schema, outcome);
        }
      });
    }
    return refused;
  }

  /**
   * The shard's columns are others now. `anew`: all its rows are about to be loaded.
   * @returns why the shard has to be loaded anew; null: it need not
   * @throws SluiceError TABLE_SCHEMA where it no longer goes with the other shards
   */
  async follow(lane: Lane, schema: TableSchema, anew: boolean): Promise<string | null> {
    const spec = this.#tableOf(lane);
    const outcome = await this.#serially(() =>
      this.#follow(spec, [{ shard: shardOf(lane.source), schema }], anew),
    );
    if (outcome instanceof SluiceError) throw outcome;
    return outcome === 'rows' ? 'its values stand under other columns of the merged table now' : null;
  }

  view(lane: Lane): ShardView {
    const spec = this.#tableOf(lane);
    const state = this.#stateOf(spec);
    const table = merged(state);
    const schema = targetSchema(spec.target, table, state.ids, state.shards);
    const shard = shardOf(lane.source);
    const own = lane.kept.schema;
    const names = new Map(own.columns.map((column) => [column.sourceId, column.name]));
    const key = keyOf({ shard, schema: own });
    const mergedKey =
      schema.identity.kind === 'key'
        ? schema.identity.columns.map((index) => schema.columns[index]!.name)
        : [];
    return {
      schema,
      constants: shardConstants(table, state.ids, shard),
      // By what the column is called now: lines that wait were written under an earlier name.
      columns: (written) =>
        written.map((column, index) => ({
          ...column,
          sourceId: state.ids.ids.get(names.get(column.sourceId) ?? '') ?? -1 - index,
        })),
      keyPlaces: key.map((name) => mergedKey.indexOf(name)),
    };
  }

  /**
   * The merged tables that a commit brings up to date: those that show their lines, and those all of whose shards have
   * caught up by it. `after`: a lane's state after the commit.
   */
  dueAfter(lanes: Iterable<Lane>, after: (lane: Lane) => LaneState, position: string): readonly MergedStep[] {
    const all = [...lanes];
    return this.#tables.flatMap(({ table: spec }) => {
      const states = all.filter((lane) => isOf(lane.target, spec.target)).map(after);
      const complete = states.includes('live') && !states.some(isOnItsWay);
      return this.#stateOf(spec).shown || complete ? [{ table: spec.target, position }] : [];
    });
  }

  /** Those of the merged tables in which keys of different shards must differ: nothing in their key says where a row is from. */
  keyed(): readonly KeyedMerge[] {
    return this.#tables.flatMap(({ table: spec }) => {
      const state = this.#stateOf(spec);
      if (spec.extendedKey || state.table === null) return [];
      const { columns, identity } = targetSchema(spec.target, state.table, state.ids, state.shards);
      if (identity.kind !== 'key') return [];
      return [{ table: spec.target, key: identity.columns.map((index) => columns[index]!.sourceId) }];
    });
  }

  /** In the commit's transaction. */
  async record(transaction: MetastoreDb, steps: readonly MergedStep[]): Promise<void> {
    for (const { table } of steps) {
      const state = this.#states.get(tableKey(table))!;
      if (!state.shown) await saveMergeState(transaction, this.#taskId, table, { ...state, shown: true });
    }
  }

  recorded(steps: readonly MergedStep[]): void {
    for (const { table } of steps) {
      const key = tableKey(table);
      this.#states.set(key, { ...this.#states.get(key)!, shown: true });
    }
  }

  /** `rows`: the shard's rows that are there stand under columns that are no longer theirs; nothing was changed. */
  async #follow(
    spec: VirtualTable,
    shards: readonly ShardSchema[],
    anew: boolean,
  ): Promise<'same' | 'followed' | 'rows' | SluiceError> {
    const state = this.#stateOf(spec);
    const changed = shards.filter((shard) => !isKnown(state, shard));
    if (changed.length === 0) return 'same';
    const after = [
      ...state.shards.filter(({ shard }) => !changed.some((one) => shardKey(one.shard) === shardKey(shard))),
      ...changed,
    ];
    if (state.table === null) {
      const merge = mergeShards(after, spec);
      if (merge.kind === 'refused') return refusal(spec, merge.refusals);
      await this.#become(spec, { ...state, table: merge.table, shards: after }, new Map());
      return 'followed';
    }
    const followed = followShards({ table: state.table, shards: state.shards }, after, spec);
    if (followed.kind === 'refused') return refusal(spec, followed.refusals);
    if (followed.anew !== null)
      return new SluiceError(
        'TABLE_SCHEMA',
        followed.anew === 'key'
          ? `pk column different: the shards of ${spec.name} would have to be recognised by other columns than their rows are now.`
          : `invalid modify column: the rows of ${spec.name} that are there cannot become what all its shards have in common now.`,
        {
          remedy:
            'Take the change back at the source, or make it in every shard; then start the task stateless: all shards are loaded anew.',
        },
      );
    if (followed.rows.length > 0 && !anew) return 'rows';
    const renamed = new Map(
      followed.edits.flatMap((edit) => (edit.kind === 'rename' ? [[edit.from, edit.to] as const] : [])),
    );
    await this.#become(spec, { ...state, table: followed.table, shards: after }, renamed);
    return 'followed';
  }

  async #become(
    { target }: VirtualTable,
    next: MergeState,
    renamed: ReadonlyMap<string, string>,
  ): Promise<void> {
    const table = merged(next);
    const begins = this.#states.get(tableKey(target))?.table === null;
    const ids = numbered(next.ids, table, renamed);
    const state = { ...next, ids };
    const schema = targetSchema(target, table, ids, state.shards);
    // Until the table shows the lines they are empty, so a column may become anything.
    const staged = await this.#target.stageRoot(target, schema, { replace: begins });
    await this.#target.commit(
      [{ table: { ...target, shard: '' }, staged, kind: 'advance' }],
      async (transaction) => {
        await this.#store.fence(transaction);
        await saveMergeState(transaction, this.#taskId, target, state);
      },
    );
    this.#states.set(tableKey(target), state);
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => {});
    return done;
  }

  #tableOf(lane: Lane): VirtualTable {
    const found = this.#tables.find(({ table }) => isOf(lane.target, table.target));
    if (found === undefined) throw new Error(`${tableKey(lane.target)} is of no merged table`);
    return found.table;
  }

  #stateOf({ target }: VirtualTable): MergeState {
    return this.#states.get(tableKey(target))!;
  }
}

/** Whether the merged table was made with other extended fields. */
function extendedOtherwise(spec: VirtualTable, { table, shards }: MergeState): boolean {
  if (table === null) return false;
  if (JSON.stringify(table.extended) !== JSON.stringify(spec.extendedFields)) return true;
  const [first] = shards;
  const { key } = mergeShards(first === undefined ? [] : [first], spec).table;
  return first !== undefined && key.length !== table.key.length;
}

function merged({ table }: MergeState): MergedTable {
  if (table === null) throw new Error('nothing was merged yet');
  return table;
}

const isOf = (line: TableName | null, target: TableName): boolean =>
  line !== null && line.schema === target.schema && line.table === target.table;

/** Whether a shard is what the merged table was made of. */
function isKnown(state: MergeState, { shard, schema }: ShardSchema): boolean {
  const known = state.shards.find((one) => shardKey(one.shard) === shardKey(shard));
  return (
    known !== undefined &&
    known.schema.columns.length === schema.columns.length &&
    schema.columns.every((column) => {
      const was = columnOf(known, column.name);
      return was !== undefined && JSON.stringify(was) === JSON.stringify(column);
    }) &&
    keyOf(known).join('\0') === keyOf({ shard, schema }).join('\0')
  );
}

function refusal({ name }: VirtualTable, refusals: readonly Refusal[]): SluiceError {
  const [first] = refusals;
  const { message, remedy } = refusalText(first!);
  const more = refusals.length > 1 ? ` And ${refusals.length - 1} more.` : '';
  return new SluiceError('TABLE_SCHEMA', `${first!.kind}: ${name}: ${message}${more}`, { remedy });
}

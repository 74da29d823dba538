import type { SluiceError } from '@sluice/contract';
import type { SchemaPolicy } from '../model/schema-policy.ts';
import type { Column } from '../model/table.ts';
import type { DiscoveredTable, LogRelation, Position, TableEvent } from '../sources/source.ts';
import { type KeptSchema, type Lane, lifeOf, signatureOf } from './lane.ts';
import { keptOf } from './schema-follow.ts';
import { changedTrouble, heldTo, judge } from './schema-verdict.ts';

/** The policy does not let the target become what the log says, and only a load could make it so. */
export interface RefusedEvent {
  readonly kind: 'refused';
  readonly objectId: string;
  readonly error: SluiceError;
  readonly kept: KeptSchema;
}

/** An event of the log for one lane, between the lines before and behind it. */
export interface LaneEventOf {
  readonly event: TableEvent | RefusedEvent;
  /** The end of its transaction. */
  readonly end: Position;
}

/**
 * DDL that the log tells, from the moment it is read to the commit that carries it: what a lane's schema is at the
 * place that is read, and which lanes take no more lines until that commit has said what becomes of them.
 */
export class TableEvents {
  readonly #keepsValues: (before: Column, after: Column) => boolean;
  readonly #policyOf: (lane: Lane) => SchemaPolicy;
  /** The newest schema that was read, and of which life of the lane it is. */
  readonly #newest = new Map<Lane, { readonly life: string; readonly kept: KeptSchema }>();
  readonly #shut = new Map<Lane, number>();
  #open: { readonly lane: Lane; readonly event: LaneEventOf['event'] }[] = [];
  #waiting = new Map<Lane, LaneEventOf[]>();
  #unsettled = 0;

  constructor(
    keepsValues: (before: Column, after: Column) => boolean,
    policyOf: (lane: Lane) => SchemaPolicy = () => 'follow',
  ) {
    this.#keepsValues = keepsValues;
    this.#policyOf = policyOf;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Whether events were read that no commit has carried yet. */
  get unsettled(): boolean {
    return this.#unsettled > 0;
  }

  /** Whether the lane takes lines now. */
  takes(lane: Lane): boolean {
    return !this.#shut.has(lane);
  }

  /** The lane's schema at the place that is read. */
  schemaOf(lane: Lane): KeptSchema {
    const newest = this.#newest.get(lane);
    return newest !== undefined && newest.life === lifeOf(lane) ? newest.kept : lane.kept;
  }

  /** An event of a lane that keeps lines now. */
  add(lane: Lane, event: TableEvent): void {
    const known = event.kind === 'schema' ? this.#follow(lane, event.relation, event) : event;
    if (known.kind !== 'schema' && known.kind !== 'renamed')
      this.#shut.set(lane, (this.#shut.get(lane) ?? 0) + 1);
    this.#open.push({ lane, event: known });
    this.#unsettled++;
  }

  /** Each step of a schema is judged by itself: the last of them alone would not tell what values went through. */
  #follow(lane: Lane, relation: LogRelation, event: TableEvent): LaneEventOf['event'] {
    const table = relation.table;
    const gap = (reason: string): TableEvent => ({ kind: 'gap', objectId: relation.objectId, reason });
    if (table === null) return gap('the log does not tell its schema');
    const before = this.schemaOf(lane);
    const policy = this.#policyOf(lane);
    const judged = judge(policy, { ...before, filledColumns: [] }, table, this.#keepsValues);
    const kept = keptOf(table, signatureOf(relation));
    // What is read of the source now would be under another schema.
    const loading = ['pending', 'loading', 'backfilling'].includes(lane.state);
    if (judged.kind === 'refused' && (judged.loads || loading)) {
      const error = changedTrouble(lane, judged.text, policy);
      return { kind: 'refused', objectId: relation.objectId, error, kept };
    }
    if (loading) return gap('it changed while it was loaded');
    if (judged.kind === 'reload') return gap(judged.reason);
    const held = judged.kind === 'held' || judged.kind === 'refused';
    const newest = held ? heldTo(before, kept, judged.kind === 'held') : kept;
    this.#newest.set(lane, { life: lifeOf(lane), kept: newest });
    return event;
  }

  /** The transaction of the events since the last one ends here. */
  commit(end: Position): void {
    for (const { lane, event } of this.#open.splice(0)) {
      const before = this.#waiting.get(lane);
      if (before === undefined) this.#waiting.set(lane, [{ event, end }]);
      else before.push({ event, end });
    }
  }

  seal(): ReadonlyMap<Lane, readonly LaneEventOf[]> {
    const sealed = this.#waiting;
    this.#waiting = new Map();
    return sealed;
  }

  /** A commit has carried these events, and its lanes are what they made of them. */
  settled(sealed: ReadonlyMap<Lane, readonly LaneEventOf[]>): void {
    for (const [lane, events] of sealed) {
      this.#unsettled -= events.length;
      const closing = events.filter(
        ({ event }) => event.kind !== 'schema' && event.kind !== 'renamed',
      ).length;
      const left = (this.#shut.get(lane) ?? 0) - closing;
      if (left > 0) this.#shut.set(lane, left);
      else this.#shut.delete(lane);
    }
  }
}

/** What a lane's events come to, in the end. */
export type Outcome =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'schema'; readonly table: DiscoveredTable; readonly signature: string }
  | { readonly kind: 'gap'; readonly reason: string }
  | { readonly kind: 'dropped' }
  | RefusedEvent
  | Extract<TableEvent, { kind: 'trouble' }>;

/**
 * The first event that closes the lane decides: nothing of it was kept behind that. `loadedUpTo`: chunks of its load
 * may have been read up to here, under whatever schema the table had then.
 */
export function outcomeOf(
  events: readonly LaneEventOf[],
  lane: Lane,
  compare: (a: Position, b: Position) => number,
): Outcome {
  const loadedUpTo = lane.load?.consistentFrom ?? null;
  let last: Outcome = { kind: 'nothing' };
  for (const { event, end } of events)
    switch (event.kind) {
      case 'gap':
        return { kind: 'gap', reason: event.reason };
      case 'dropped':
        return { kind: 'dropped' };
      case 'trouble':
      case 'refused':
        return event;
      case 'schema':
        if (lane.state === 'loading' || (loadedUpTo !== null && compare(end, loadedUpTo) <= 0))
          return { kind: 'gap', reason: 'it changed while it was loaded' };
        last = { kind: 'schema', table: event.relation.table!, signature: signatureOf(event.relation) };
        break;
      case 'made':
      case 'renamed':
        break;
    }
  return last;
}

/** The name that the last rename gave. */
export function renameOf(events: readonly LaneEventOf[]): Extract<TableEvent, { kind: 'renamed' }> | null {
  const last = events.findLast(({ event }) => event.kind === 'renamed')?.event;
  return last?.kind === 'renamed' ? last : null;
}

import { setMaxListeners } from 'node:events';
import { SluiceError } from '@sluice/contract';
import type { Column, TableName, TableSchema } from '../../model/table.ts';
import type {
  AskedSource,
  DiscoveredTable,
  MemberSinks,
  Position,
  Selection,
  Source,
  TableSnapshot,
} from '../source.ts';
import { comparePositions, joinPositions, splitPositions } from './composite-position.ts';
import { sinkOf } from './member-sink.ts';
import { belonging, memberTable, plainName, taggedId, taggedName, taggedTable } from './names.ts';

/**
 * Several sources as one, for a sharded-table merge. Each member keeps its own log, connection and place; a position is
 * the places of all of them, and what is known by name is known with its member's label (TableName.shard).
 *
 * A member that is away cannot be reached now: its place stays, nothing is asked of it, and it has no tables.
 */
export class CompositeSource implements AskedSource, AsyncDisposable {
  readonly ddl: Source['ddl'];
  readonly #members: ReadonlyMap<string, Source>;
  readonly #first: Source;
  readonly away: ReadonlyMap<string, SluiceError>;

  /**
   * @param members by label, at least one
   * @param away members that cannot be reached, and why
   * @throws SluiceError INVALID_REQUEST where they are of two kinds
   */
  constructor(members: ReadonlyMap<string, Source>, away: ReadonlyMap<string, SluiceError> = new Map()) {
    const [first] = members.values();
    if (first === undefined) throw new Error('a merge without a member');
    for (const member of members.values())
      if (member.ddl !== first.ddl)
        throw new SluiceError(
          'INVALID_REQUEST',
          'One merge reads PostgreSQL, or MySQL and MariaDB, but not both.',
          { remedy: 'Make a task for each.' },
        );
    this.#members = members;
    this.away = away;
    this.#first = first;
    this.ddl = first.ddl;
  }

  isAway({ shard }: TableName): boolean {
    return this.away.has(shard ?? '');
  }

  serverOf(table: TableName): string {
    return this.#of(table).serverOf(plainName(table));
  }

  // Functions that are handed on by themselves.
  readonly keepsValues = (before: Column, after: Column): boolean => this.#first.keepsValues(before, after);

  readonly compare = (a: Position, b: Position): -1 | 0 | 1 =>
    comparePositions(a, b, (x, y) => this.#first.compare(x, y));

  async discover({ schemas, tables }: Selection, signal: AbortSignal): Promise<readonly DiscoveredTable[]> {
    const found = await this.#each(async (label, source) => {
      const own = belonging(tables, label);
      if (tables.length > 0 && own.length === 0) return [];
      const seen = await source.discover({ schemas, tables: own }, signal);
      return seen.map((table) => taggedTable(label, table));
    });
    return found.flat();
  }

  async publish(tables: readonly TableName[], signal: AbortSignal): ReturnType<Source['publish']> {
    const refused = await this.#each(async (label, source) => {
      const own = await source.publish(belonging(tables, label), signal);
      return own.map(({ name, message }) => ({ name: taggedName(label, name), message }));
    });
    return refused.flat();
  }

  async published(signal: AbortSignal): Promise<ReadonlySet<string> | 'all'> {
    const all = await this.#each(async (label, source) => {
      const ids = await source.published(signal);
      return ids === 'all' ? ids : [...ids].map((id) => taggedId(label, id));
    });
    // Members of one kind answer alike.
    return all.some((ids) => ids === 'all') ? 'all' : new Set(all.flat());
  }

  async attach(from: Position | null, signal: AbortSignal): Promise<Position> {
    const places = from === null ? new Map<string, Position>() : splitPositions(from);
    const attached = await this.#places((label, source) => source.attach(places.get(label) ?? null, signal));
    return joinPositions(new Map([...[...places].filter(([label]) => this.away.has(label)), ...attached]));
  }

  async redefined(from: Position, signal: AbortSignal): Promise<(table: TableName) => boolean> {
    const places = splitPositions(from);
    const asked = new Map(
      await this.#each(async (label, source) => {
        const place = places.get(label);
        return [label, place === undefined ? () => true : await source.redefined(place, signal)] as const;
      }),
    );
    return (table) => asked.get(table.shard ?? '')?.(plainName(table)) ?? true;
  }

  async head(signal: AbortSignal): Promise<Position> {
    return joinPositions(await this.#places((_, source) => source.head(signal)));
  }

  async remaining(from: Position, signal: AbortSignal): ReturnType<Source['remaining']> {
    const places = splitPositions(from);
    const ends = new Map<string, Position>();
    let bytes: number | null = 0;
    await this.#each(async (label, source) => {
      const place = places.get(label);
      if (place === undefined) return;
      const left = await source.remaining(place, signal);
      ends.set(label, left.end);
      bytes = bytes === null || left.bytes === null ? null : bytes + left.bytes;
    });
    return { end: joinPositions(ends), bytes };
  }

  async mark(text: string, signal: AbortSignal): Promise<void> {
    await this.#each((_, source) => source.mark(text, signal));
  }

  /** What is asked of positions of a single member. */
  get ofOneLog(): Pick<Source, 'compare' | 'keepsValues'> {
    return this.#first;
  }

  /** Members whose log is read. */
  get labels(): readonly string[] {
    return [...this.#members.keys()];
  }

  /** As Source.stream, each member's log into a sink of its own. */
  async stream(from: Position, sinks: MemberSinks, signal: AbortSignal): Promise<void> {
    const places = splitPositions(from);
    // One that fails ends the others.
    const end = new AbortController();
    const all = AbortSignal.any([signal, end.signal]);
    setMaxListeners(0, all);
    let failed: { readonly error: unknown } | null = null;
    await this.#each(async (label, source) => {
      try {
        await source.stream(places.get(label)!, sinkOf(label, sinks.member(label)), all);
      } catch (error) {
        if (!all.aborted) failed = { error: named(label, error) };
        end.abort(error);
      }
    });
    if (failed !== null) throw (failed as { readonly error: unknown }).error;
  }

  acknowledge(position: Position): void {
    for (const [label, place] of splitPositions(position)) this.#members.get(label)?.acknowledge(place);
  }

  snapshot(table: TableSchema, signal: AbortSignal): Promise<TableSnapshot> {
    return this.#of(table.name).snapshot(memberTable(table), signal);
  }

  fetchRows(
    table: TableName,
    columns: readonly Column[],
    key: readonly string[],
    keys: readonly (readonly string[])[],
    signal: AbortSignal,
  ): Promise<Buffer> {
    return this.#of(table).fetchRows(plainName(table), columns, key, keys, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#each((_, source) => source[Symbol.asyncDispose]());
  }

  #of({ shard }: TableName): Source {
    const source = this.#members.get(shard ?? '');
    const away = this.away.get(shard ?? '');
    if (away !== undefined) throw away;
    if (source === undefined)
      throw new SluiceError('TABLE_DROPPED', `${shard ?? 'A server'} is no longer part of the merge.`);
    return source;
  }

  #each<T>(work: (label: string, source: Source) => T | PromiseLike<T>): Promise<Awaited<T>[]> {
    return Promise.all(
      [...this.#members].map(async ([label, source]) => {
        try {
          return await work(label, source);
        } catch (error) {
          throw named(label, error);
        }
      }),
    );
  }

  async #places(
    work: (label: string, source: Source) => Promise<Position>,
  ): Promise<ReadonlyMap<string, Position>> {
    return new Map(await this.#each(async (label, source) => [label, await work(label, source)] as const));
  }
}

/** Says which of the members it is that has a trouble. */
export function named(label: string, error: unknown): unknown {
  if (!(error instanceof SluiceError)) return error;
  return new SluiceError(error.code, `${label}: ${error.message}`, { remedy: error.remedy, cause: error });
}

import { type TableName, tableKey } from '../../model/table.ts';
import type { Selection } from '../source.ts';
import { comparePlaces, type FilePlace } from './log-place.ts';

/** Tables that are remembered one by one. */
const REMEMBERED = 10_000;

/** A table, or a whole schema that was dropped. */
export type Met = TableName | { readonly schema: string; readonly table: null };

/** Where the reader met DDL: tells whether what a catalog said is still so at the reader's place. */
export class DdlPlaces {
  /** The last one at the end. */
  readonly #last = new Map<string, { readonly name: Met; readonly place: FilePlace }>();
  /** What the catalog may not show yet, though the log does (ddl-visible.ts). */
  readonly #unseen = new Map<string, Met>();
  /** Of those that are forgotten. */
  #floor: FilePlace | null = null;

  met(name: Met, place: FilePlace): void {
    const key = keyOf(name);
    // One of its own each time, which tells whether it was met again.
    this.#unseen.set(key, { ...name });
    this.#last.delete(key);
    this.#last.set(key, { name, place });
    if (this.#last.size <= REMEMBERED) return;
    for (const [oldest, { place: forgotten }] of this.#last) {
      this.#last.delete(oldest);
      this.#floor = forgotten;
      break;
    }
  }

  /** Whether DDL of what is selected lies behind the place, as far as was read. */
  since(place: FilePlace, selection: Selection): boolean {
    const later = (other: FilePlace): boolean => comparePlaces(other, place) > 0;
    if (this.#floor !== null && later(this.#floor)) return true;
    const selects = selector(selection);
    for (const one of this.#last.values()) if (later(one.place) && selects(one.name)) return true;
    return false;
  }

  /** No more can be remembered: what the catalog shows by now has to be told (`seen`). */
  get full(): boolean {
    return this.#unseen.size >= REMEMBERED;
  }

  /** The oldest first. */
  unseen(selection: Selection): readonly Met[] {
    return [...this.#unseen.values()].filter(selector(selection));
  }

  /** The catalog shows what `unseen` told of it. */
  seen(name: Met): void {
    const key = keyOf(name);
    if (this.#unseen.get(key) === name) this.#unseen.delete(key);
  }

  /** It could not be looked for: others come first. */
  postpone(name: Met): void {
    const key = keyOf(name);
    if (this.#unseen.get(key) !== name) return;
    this.#unseen.delete(key);
    this.#unseen.set(key, name);
  }
}

function keyOf(name: Met): string {
  return name.table === null ? name.schema : tableKey(name);
}

/** Schemas and tables alike; neither: everything. */
function selector(selection: Selection): (name: Met) => boolean {
  const tables = new Set(selection.tables.map(tableKey));
  const ofTables = new Set(selection.tables.map(({ schema }) => schema));
  const schemas = new Set(selection.schemas);
  if (tables.size + schemas.size === 0) return () => true;
  return (name) =>
    schemas.has(name.schema) ||
    (name.table === null ? ofTables.has(name.schema) : tables.has(tableKey(name)));
}

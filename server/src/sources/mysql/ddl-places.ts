import { type TableName, tableKey } from '../../model/table.ts';
import type { Selection } from '../source.ts';
import { comparePlaces, type FilePlace } from './log-place.ts';

/** Tables whose last DDL is remembered one by one. */
const REMEMBERED = 10_000;

/** A table, or a whole schema that was dropped. */
type Met = TableName | { readonly schema: string; readonly table: null };

/** Where the reader met DDL: tells whether what a catalog said is still so at the reader's place. */
export class DdlPlaces {
  /** The last one at the end. */
  readonly #last = new Map<string, { readonly name: Met; readonly place: FilePlace }>();
  /** What the catalog may not show yet, though the log does (ddlVisible). */
  readonly #unseen = new Map<string, Met>();
  /** Of those that are forgotten. */
  #floor: FilePlace | null = null;

  met(name: Met, place: FilePlace): void {
    const key = name.table === null ? name.schema : tableKey(name);
    this.#unseen.set(key, name);
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

  /** What is selected and was met since it was last taken. */
  takeUnseen(selection: Selection): readonly Met[] {
    const taken = this.unseen(selection);
    for (const [key, name] of this.#unseen) if (taken.includes(name)) this.#unseen.delete(key);
    return taken;
  }

  unseen(selection: Selection): readonly Met[] {
    return [...this.#unseen.values()].filter(selector(selection));
  }
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

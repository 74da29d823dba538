import { type TableName, tableKey } from '../../model/table.ts';
import type { Selection } from '../source.ts';
import { comparePlaces, type FilePlace } from './log-place.ts';

/** Tables whose last DDL is remembered one by one. */
const REMEMBERED = 10_000;

/** Where the reader met DDL: tells whether what a catalog said is still so at the reader's place. */
export class DdlPlaces {
  /** By table, or by schema where a whole one was dropped; the last one at the end. */
  readonly #last = new Map<
    string,
    { readonly schema: string; readonly table: string | null; place: FilePlace }
  >();
  /** Of those that are forgotten. */
  #floor: FilePlace | null = null;

  met(name: TableName | { readonly schema: string; readonly table: null }, place: FilePlace): void {
    const key = name.table === null ? name.schema : tableKey({ schema: name.schema, table: name.table });
    this.#last.delete(key);
    this.#last.set(key, { schema: name.schema, table: name.table, place });
    if (this.#last.size <= REMEMBERED) return;
    const [[oldest, { place: forgotten }]] = this.#last as unknown as [[string, { place: FilePlace }]];
    this.#last.delete(oldest);
    this.#floor = forgotten;
  }

  /** Whether DDL of what is selected lies behind the place, as far as was read. */
  since(place: FilePlace, selection: Selection): boolean {
    const later = (other: FilePlace): boolean => comparePlaces(other, place) > 0;
    if (this.#floor !== null && later(this.#floor)) return true;
    const tables = new Set(selection.tables.map(tableKey));
    const schemas = new Set([...selection.schemas, ...selection.tables.map(({ schema }) => schema)]);
    for (const one of this.#last.values()) {
      if (!later(one.place)) continue;
      if (schemas.size === 0) return true;
      if (!schemas.has(one.schema)) continue;
      if (one.table === null || tables.size === 0) return true;
      if (selection.schemas.includes(one.schema)) return true;
      if (tables.has(tableKey({ schema: one.schema, table: one.table }))) return true;
    }
    return false;
  }
}

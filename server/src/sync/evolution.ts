import { sameType, widens } from '../model/logical-type.ts';
import type { Column, TableSchema } from '../model/table.ts';
import type { TablePiece } from '../sources/source.ts';

/** What the log or the source's catalog says of a table now, beside what the lane was made for. */
export interface ObservedTable {
  readonly schema: TableSchema;
  /** Names the table's storage: another one means that the source rewrote the rows (PostgreSQL: relfilenode). */
  readonly storage: string;
  /** Columns (sourceId) whose older rows have a value that no row of the log told (ADD COLUMN … DEFAULT). */
  readonly filledColumns: readonly number[];
  /** As in DiscoveredTable. */
  readonly columnVersions: Readonly<Record<number, string>>;
  readonly pieces: readonly TablePiece[];
}

export type Evolution =
  | { readonly kind: 'same' }
  /** The table goes on under the new schema; rows that are there are right as they are. */
  | { readonly kind: 'follow' }
  /** Rows that are there may have other values now, which the log does not tell. */
  | { readonly kind: 'reload'; readonly reason: string };

/**
 * Decides how a table follows a change of its schema. The log says nothing of rows that a DDL statement changed by
 * itself (a default filled in, USING of a type change), so these are loaded anew, beside the visible ones.
 */
export function evolve(
  before: ObservedTable,
  after: ObservedTable,
  keepsValues: (before: Column, after: Column) => boolean,
): Evolution {
  if (!sameIdentity(before.schema, after.schema)) return reload('its key changed');
  if (unseenRules(before.schema) !== unseenRules(after.schema)) return reload('its foreign keys changed');
  const piece = pieceTrouble(before.pieces, after.pieces);
  if (piece !== null) return reload(piece);
  const old = new Map(before.schema.columns.map((column) => [column.sourceId, column]));
  const rewritten = before.storage !== after.storage;
  let changed = before.schema.columns.length !== after.schema.columns.length;
  for (const [index, column] of after.schema.columns.entries()) {
    const was = old.get(column.sourceId);
    if (was === undefined) {
      if (after.filledColumns.includes(column.sourceId))
        return reload(`the new column ${column.name} has a default in older rows`);
      if (rewritten) return reload(`the table was rewritten when the column ${column.name} was added`);
      changed = true;
      continue;
    }
    if (!sameType(was.type, column.type) || was.text.form !== column.text.form) {
      if (rewritten || !widens(was.type, column.type) || !keepsValues(was, column))
        return reload(`the column ${column.name} became ${column.native}`);
      changed = true;
    } else if (rewritten && versionOf(before, column) !== versionOf(after, column))
      return reload(
        `the table was rewritten, and the column ${column.name} was defined anew (${column.native})`,
      );
    else if (defined(was) !== defined(column) && !keepsValues(was, column))
      return reload(`the column ${column.name} became ${column.native}`);
    if (!keepsParts(was, column))
      return reload(`the type of the column ${column.name} (${column.native}) was changed`);
    if (knowsMore(was, column)) changed = true;
    if (was.name !== column.name || before.schema.columns[index]?.sourceId !== column.sourceId)
      changed = true;
  }
  return changed ? { kind: 'follow' } : { kind: 'same' };
}

const defined = ({ native, nullable }: Column): string => `${native} ${nullable}`;

/** What is known of the type is so still. */
function keepsParts({ parts: was = {} }: Column, { parts: now = {} }: Column): boolean {
  return Object.entries(was).every(([part, text]) => now[part] === text);
}

function knowsMore({ parts: was = {} }: Column, { parts: now = {} }: Column): boolean {
  return Object.keys(now).some((part) => !(part in was));
}

/** Foreign keys that the source obeys without telling. */
function unseenRules(schema: TableSchema): string {
  return JSON.stringify(schema.cascades?.filter((rule) => !rule.logged) ?? []);
}

const reload = (reason: string): Evolution => ({ kind: 'reload', reason });

const versionOf = (table: ObservedTable, column: Column): string | undefined =>
  table.columnVersions[column.sourceId];

/** Rows that came or went with a part of the table. VACUUM FULL of a part looks like its TRUNCATE. */
function pieceTrouble(before: readonly TablePiece[], after: readonly TablePiece[]): string | null {
  const old = new Map(before.map((piece) => [piece.id, piece]));
  for (const piece of after) {
    const was = old.get(piece.id);
    if (was === undefined && !piece.born) return 'a part was attached to it';
    if (was !== undefined && was.storage !== piece.storage) return 'a part of it was rewritten or emptied';
    old.delete(piece.id);
  }
  return old.size > 0 ? 'a part of it was detached or dropped' : null;
}

/** Whether rows are recognised by the same columns. */
export function sameIdentity(a: TableSchema, b: TableSchema): boolean {
  const key = (schema: TableSchema): string =>
    schema.identity.kind === 'row'
      ? 'row'
      : schema.identity.columns.map((index) => schema.columns[index]!.sourceId).join();
  return key(a) === key(b);
}

/** Whether two observations differ in anything that `evolve` could act on. */
export function sameShape(a: TableSchema, b: TableSchema): boolean {
  return shape(a) === shape(b);
}

function shape(schema: TableSchema): string {
  const column = ({ name, sourceId, native, nullable: _, parts: __, ...rest }: Column): unknown => [
    name,
    sourceId,
    native,
    rest,
  ];
  return JSON.stringify([schema.columns.map(column), schema.identity, schema.cascades ?? []]);
}

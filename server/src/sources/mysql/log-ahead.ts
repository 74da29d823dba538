import { type TableName, tableKey } from '../../model/table.ts';
import type { Dump } from './binlog/dump.ts';
import { EVENT } from './binlog/event-types.ts';
import { classify, type Statement } from './ddl/classify.ts';
import { leavesColumns } from './ddl-outcomes.ts';
import { comparePlaces, type FilePlace } from './log-place.ts';
import { parseQuery, type QueryEvent } from './query-event.ts';
import type { Flavour } from './server-info.ts';

/** Tables and databases that a statement may have changed the description of, and the end of the statement. */
interface Concerned {
  readonly place: FilePlace;
  readonly tables: ReadonlySet<string>;
  readonly schemas: ReadonlySet<string>;
}

/**
 * DDL that the reader has not come to yet. The catalog knows of it already, so that it does not tell what a table is
 * at the reader's place. No stretch of the log is scanned twice.
 */
export class LogAhead {
  readonly #open: (from: FilePlace, signal: AbortSignal) => Promise<Dump>;
  readonly #flavour: Flavour;
  readonly #fold: (name: TableName) => TableName;
  #concerned: Concerned[] = [];
  #scannedTo: FilePlace | null = null;

  /** `open`: a dump that ends where the log does. `fold`: names as the server compares them. */
  constructor(
    flavour: Flavour,
    fold: (name: TableName) => TableName,
    open: (from: FilePlace, signal: AbortSignal) => Promise<Dump>,
  ) {
    this.#flavour = flavour;
    this.#fold = fold;
    this.#open = open;
  }

  /** Whether a statement between the two places changes what the catalog says of the table, or may do so. */
  async changes(name: TableName, from: FilePlace, to: FilePlace, signal: AbortSignal): Promise<boolean> {
    this.#concerned = this.#concerned.filter(({ place }) => comparePlaces(place, from) > 0);
    const begin =
      this.#scannedTo !== null && comparePlaces(this.#scannedTo, from) > 0 ? this.#scannedTo : from;
    if (comparePlaces(begin, to) < 0) await this.#scan(begin, to, signal);
    return this.#concerned.some(
      ({ place, tables, schemas }) =>
        comparePlaces(place, to) <= 0 && (tables.has(tableKey(name)) || schemas.has(name.schema)),
    );
  }

  async #scan(from: FilePlace, to: FilePlace, signal: AbortSignal): Promise<void> {
    await using dump = await this.#open(from, signal);
    this.#concerned.push(...(await concernedIn(dump, to, this.#flavour, this.#fold)));
    this.#scannedTo = to;
  }
}

/**
 * Reads up to a place.
 * @param dump ends where the log does
 */
async function concernedIn(
  dump: Dump,
  to: FilePlace,
  flavour: Flavour,
  fold: (name: TableName) => TableName,
): Promise<readonly Concerned[]> {
  const found: Concerned[] = [];
  for (;;) {
    const next = dump.next();
    if (!(typeof next === 'boolean' ? next : await next)) break;
    const { file, nextPos: offset } = dump;
    if (dump.type === EVENT.QUERY && dump.end - dump.start > 0) {
      const query = parseQuery(dump.bytes, dump.start, dump.end);
      const concerned = ofStatement(query, flavour, fold);
      if (concerned !== null) found.push({ place: { file, offset }, ...concerned });
    }
    if (comparePlaces({ file, offset }, to) >= 0) break;
  }
  return found;
}

/** Tells of each table whether a statement in the log up to a place changes what the catalog says of it, or may do so. */
export async function redefinedIn(
  dump: Dump,
  to: FilePlace,
  flavour: Flavour,
  fold: (name: TableName) => TableName,
): Promise<(name: TableName) => boolean> {
  const found = await concernedIn(dump, to, flavour, fold);
  return (name) =>
    found.some(({ tables, schemas }) => tables.has(tableKey(name)) || schemas.has(name.schema));
}

function ofStatement(
  query: QueryEvent,
  flavour: Flavour,
  fold: (name: TableName) => TableName,
): Omit<Concerned, 'place'> | null {
  if (query.sql === 'BEGIN' || query.sql === 'COMMIT') return null;
  return concernedBy(classify(query.sql, { ...query, flavour }), fold);
}

/** Tables whose description a statement may change; null: none. */
function concernedBy(
  statement: Statement,
  fold: (name: TableName) => TableName,
): Omit<Concerned, 'place'> | null {
  const tables = new Set<string>();
  const schemas = new Set<string>();
  const add = (name: TableName): void => void tables.add(tableKey(fold(name)));
  if (statement.kind === 'unknown') for (const name of statement.mentions) add(name);
  if (statement.kind === 'tables')
    for (const effect of statement.effects)
      switch (effect.kind) {
        case 'altered':
          if (!leavesColumns(effect.columns)) add(effect.table);
          break;
        case 'created':
        case 'dropped':
        case 'rows-changed':
          add(effect.table);
          break;
        case 'renamed':
          add(effect.from);
          add(effect.to);
          break;
        case 'schema-dropped':
          schemas.add(fold({ schema: effect.schema, table: '' }).schema);
          break;
        case 'truncated':
          break;
      }
  return tables.size + schemas.size > 0 ? { tables, schemas } : null;
}

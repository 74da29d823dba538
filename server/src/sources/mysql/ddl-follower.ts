import { SluiceError } from '@sluice/contract';
import { type TableName, tableKey, tableText } from '../../model/table.ts';
import type { ChangeSink, DiscoveredTable } from '../source.ts';
import { computedFrom } from './computed.ts';
import type { Statement } from './ddl/classify.ts';
import { leavesExisting } from './ddl/if-not-exists.ts';
import { leavesColumns, outcomesOf, type TableOutcome } from './ddl-outcomes.ts';
import type { DdlPlaces } from './ddl-places.ts';
import type { LogAhead } from './log-ahead.ts';
import type { FilePlace } from './log-place.ts';
import type { QueryEvent } from './query-event.ts';
import { schemaAfter } from './schema-at.ts';
import type { Flavour } from './server-info.ts';
import type { TableModels } from './table-models.ts';

/** The server's catalog, which is ahead of the log that is read. */
export interface Catalog {
  /** null: there is no such table now. */
  describe(name: TableName, signal: AbortSignal): Promise<DiscoveredTable | null>;
  head(signal: AbortSignal): Promise<FilePlace>;
  /** Takes out what the catalog shows by now. */
  makeRoom(places: DdlPlaces, signal: AbortSignal): Promise<void>;
}

type Followed = Extract<Statement, { kind: 'tables' | 'dml' | 'unknown' }>;

export interface DdlFollowerOptions {
  readonly flavour: Flavour;
  readonly sink: ChangeSink;
  readonly tables: TableModels;
  readonly catalog: Catalog;
  readonly ahead: LogAhead;
  readonly places: DdlPlaces;
  /** Names as the server compares them. */
  readonly fold: (name: TableName) => TableName;
  /** All tables (objectId) that may be followed. */
  readonly followed: () => Iterable<string>;
  /** Is called before the sink gets anything of a transaction. */
  readonly begin: () => void;
  readonly signal: AbortSignal;
}

/** Tells the sink what statements of the log mean for its tables. */
export class DdlFollower {
  readonly #options: DdlFollowerOptions;
  /**
   * Schemas that were dropped, with the tables (objectId) that were made in them since: the first that is made of a
   * name is another one, whatever IF NOT EXISTS says.
   */
  readonly #droppedSchemas = new Map<string, Set<string>>();

  constructor(options: DdlFollowerOptions) {
    this.#options = options;
  }

  /** `end`: the place behind the statement. */
  async apply(statement: Followed, query: QueryEvent, end: FilePlace): Promise<void> {
    await this.#apply(statement, query, end);
    const { places, catalog, signal } = this.#options;
    // Whatever is made, of all tables of the server, for as long as the log is read.
    if (places.full) await catalog.makeRoom(places, signal);
  }

  async #apply(statement: Followed, query: QueryEvent, end: FilePlace): Promise<void> {
    switch (statement.kind) {
      case 'tables':
        for (const outcome of outcomesOf(statement.effects)) await this.#outcome(outcome, query, end);
        return;
      case 'dml':
        this.#statementFormat(statement.tables, query);
        return;
      case 'unknown':
        for (const name of statement.mentions) {
          const table = this.#met(name, end);
          this.#gap(table, `of a statement that is not understood: ${excerpt(query.sql)}`);
        }
        return;
    }
  }

  async #outcome(outcome: TableOutcome, query: QueryEvent, end: FilePlace): Promise<void> {
    const { sink, tables } = this.#options;
    switch (outcome.kind) {
      case 'truncated':
        return this.#truncate(this.#met(outcome.table, end));
      case 'dropped':
        this.#tell({ kind: 'dropped', objectId: tableKey(this.#met(outcome.table, end)) });
        return;
      case 'made': {
        const table = this.#met(outcome.table, end);
        const objectId = tableKey(table);
        const madeSince = this.#droppedSchemas.get(table.schema);
        const first = madeSince !== undefined && !madeSince.has(objectId);
        madeSince?.add(objectId);
        // Its rows came without a trace if there was one before that we were not told the end of.
        if (sink.known(objectId) !== null) {
          const { flavour } = this.#options;
          if (first || !leavesExisting(query.sql, { ...query, flavour }))
            this.#gap(table, 'it was made anew');
        } else this.#tell({ kind: 'made', objectId });
        return;
      }
      case 'schema-dropped':
        return this.#dropSchema(outcome.schema, end);
      case 'gap':
        this.#gap(this.#met(outcome.table, end), outcome.reason);
        return;
      case 'renamed': {
        const from = this.#met(outcome.from, end);
        const to = this.#met(outcome.to, end);
        // One that we were not told the end of, or a view.
        if (sink.known(tableKey(to)) !== null) {
          this.#tell({ kind: 'dropped', objectId: tableKey(from) });
          this.#gap(to, 'another table was given its name');
        } else this.#tell({ kind: 'renamed', objectId: tableKey(from), to: tableKey(to), name: to });
        return;
      }
      case 'altered': {
        const now = this.#options.fold(outcome.now);
        if (leavesColumns(outcome.columns) && tableKey(this.#options.fold(outcome.table)) === tableKey(now))
          return;
        const table = this.#met(outcome.table, end);
        const known = sink.known(tableKey(table));
        if (known === null) return this.#gap(table, 'it was altered');
        const after = await this.#schemaAfter(outcome, table, now, end);
        // What was known may have become another life of the table meanwhile.
        const still = sink.known(tableKey(table));
        if (still === null || still.life !== known.life) return this.#gap(table, 'it was altered');
        if (after.kind === 'gap') return this.#gap(table, after.reason);
        const computed = computedFrom(after.schema.columns, outcome.columns.modified);
        if (computed !== null)
          return this.#gap(table, `its column ${computed} is computed from one that was defined anew`);
        if (JSON.stringify(after.schema) === JSON.stringify(known.schema)) return;
        const relation = tables.relationOf(tableKey(table), after.schema, known.life, after.filled);
        this.#tell({ kind: 'schema', relation });
        return;
      }
    }
  }

  async #schemaAfter(
    { columns }: Extract<TableOutcome, { kind: 'altered' }>,
    table: TableName,
    now: TableName,
    end: FilePlace,
  ): Promise<ReturnType<typeof schemaAfter>> {
    const { sink, catalog, ahead, signal } = this.#options;
    const before = sink.known(tableKey(table))!.schema;
    const found = await catalog.describe(now, signal);
    const changed = { kind: 'gap', reason: 'its schema changed again before the change was read' } as const;
    if (found === null) return changed;
    const head = await catalog.head(signal);
    if (await ahead.changes(now, end, head, signal)) return changed;
    return schemaAfter(before, columns, found);
  }

  #truncate(table: TableName): void {
    const { sink, tables, begin } = this.#options;
    const model = tables.model(tableKey(table));
    if (model === null) {
      this.#gap(table, 'it was truncated');
      return;
    }
    begin();
    if (sink.relation(model.relation) !== null) sink.truncate(tableKey(table));
  }

  #dropSchema(name: string, end: FilePlace): void {
    const { schema } = this.#options.fold({ schema: name, table: '' });
    this.#options.places.met({ schema, table: null }, end);
    this.#droppedSchemas.set(schema, new Set());
    for (const objectId of [...this.#options.followed()])
      if (schemaOf(objectId) === schema) this.#tell({ kind: 'dropped', objectId });
  }

  /** Rows that the log does not tell. */
  #statementFormat(names: readonly TableName[] | null, query: QueryEvent): void {
    const followed = new Set(this.#options.followed());
    const objects = names === null ? [...followed] : names.map((name) => tableKey(this.#options.fold(name)));
    for (const objectId of objects)
      this.#tell({
        kind: 'trouble',
        objectId,
        error: new SluiceError(
          'BINLOG_STATEMENT',
          `${nameText(objectId)} was changed by a statement that the log has as text, without its rows: ${excerpt(query.sql)}`,
        ),
      });
  }

  #met(name: TableName, end: FilePlace): TableName {
    const table = this.#options.fold(name);
    this.#options.places.met(table, end);
    return table;
  }

  #gap(table: TableName, reason: string): void {
    this.#tell({ kind: 'gap', objectId: tableKey(table), reason });
  }

  #tell(event: Parameters<ChangeSink['ddl']>[0]): void {
    this.#options.begin();
    this.#options.sink.ddl(event);
  }
}

/** An objectId is a tableKey. */
function schemaOf(objectId: string): string | null {
  const [schema] = JSON.parse(objectId) as [string, string];
  return schema;
}

function nameText(objectId: string): string {
  const [schema, table] = JSON.parse(objectId) as [string, string];
  return tableText({ schema, table });
}

function excerpt(sql: string): string {
  return sql.length > 120 ? `${sql.slice(0, 120)}…` : sql;
}

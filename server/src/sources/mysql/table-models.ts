import { SluiceError } from '@sluice/contract';
import { type TableSchema, tableKey, tableText } from '../../model/table.ts';
import type { ChangeSink, LogRelation, RowWriter } from '../source.ts';
import { type NativeType, parseNative } from './native-type.ts';
import { agrees } from './rows/agreement.ts';
import type { Charsets } from './rows/charset.ts';
import { compileRows, RowsLost, type RowsReader } from './rows/rows-reader.ts';
import { parseTableMap, readTableId, type TableMap } from './rows/table-map.ts';
import { discoveredTable } from './schema-at.ts';
import { isGenerated } from './types.ts';

/** The number under which a statement's end is told where it changed no row. */
const NO_TABLE = 0xffffff;
/** Table ids that are remembered; a server gives another one each time it opens a table anew. */
const REMEMBERED = 4096;
const ID_BYTES = 6;
/** What the server adds to a versioned table, always as its last columns; the catalog does not show them. */
const PERIOD: readonly NativeType[] = [
  { kind: 'timestamp', digits: 6 },
  { kind: 'timestamp', digits: 6 },
];
const PERIOD_NAMES = ['row_start', 'row_end'] as const;
const NAME_AT = 8;

/** A table's schema at the reader's place, and what follows from it. */
interface Model {
  readonly life: string;
  readonly schema: TableSchema;
  readonly relation: LogRelation;
  readonly natives: readonly NativeType[];
  readonly names: readonly string[];
  readonly charsets: readonly string[];
  readonly generated: readonly number[];
  /** Compiled, by the table map and the key. */
  readonly readers: Map<string, RowsReader>;
}

/** What a table map says, and what it means now. */
interface MappedTable {
  readonly tableId: number;
  /** The event's body. */
  readonly bytes: Buffer;
  readonly objectId: string;
  readonly schema: string;
  readonly table: string;
  map: TableMap | null;
  /** The group that the server has told it in. */
  group: number;
  /** ChangeSink.epoch when `reader` and `writer` were made; null: the rows are of no interest. */
  epoch: number;
  reader: RowsReader | null;
  writer: RowWriter | null;
}

export interface TableModelsOptions {
  readonly sink: ChangeSink;
  readonly charsets: Charsets;
  /** Makes the character sets known, asking the server where need be. */
  readonly loadCharsets: (names: readonly string[]) => Promise<void>;
  /** MariaDB: images lack the virtual columns (from 11.8 on the stored ones too, and of FULL images), whether or not they changed. */
  readonly leavesOutGenerated: boolean;
  /** Is called before the sink gets anything of a transaction. */
  readonly begin: () => void;
}

/**
 * The tables of the log: from the table maps, the schemas that the sink knows and the rows of events to lines. Rows
 * of tables that nobody follows are skipped undecoded.
 */
export class TableModels {
  readonly #options: TableModelsOptions;
  readonly #sink: ChangeSink;
  readonly #begin: () => void;
  readonly #loaded = new Set<string>();
  readonly #mapped = new Map<number, MappedTable>();
  readonly #models = new Map<string, Model>();
  /** Columns that ALTERs have filled within a life of the table. */
  readonly #filled = new Map<string, readonly number[]>();
  readonly #disagreed = new Map<string, { readonly life: string; readonly said: string }>();
  #last: MappedTable | null = null;
  #group = 0;
  /** Tables (objectId) whose rows the sink was given in this group. */
  readonly touched = new Set<string>();

  constructor(options: TableModelsOptions) {
    this.#options = options;
    this.#sink = options.sink;
    this.#begin = options.begin;
  }

  beginGroup(): void {
    this.#group++;
    if (this.touched.size > 0) this.touched.clear();
    if (this.#mapped.size <= REMEMBERED) return;
    this.#mapped.clear();
    this.#last = null;
  }

  /** A TABLE_MAP event's body. */
  tableMap(bytes: Buffer, start: number, end: number): void {
    const tableId = readTableId(bytes, start);
    const known = this.#last?.tableId === tableId ? this.#last : this.#mapped.get(tableId);
    if (known !== undefined && known.bytes.compare(bytes, start, end) === 0) {
      known.group = this.#group;
      this.#last = known;
      return;
    }
    const body = Buffer.from(bytes.subarray(start, end));
    const schemaEnd = NAME_AT + 1 + body[NAME_AT]!;
    const tableEnd = schemaEnd + 2 + body[schemaEnd + 1]!;
    if (tableEnd > body.length) throw protocolError('a table map of an unknown form');
    const schema = body.toString('utf8', NAME_AT + 1, schemaEnd);
    const table = body.toString('utf8', schemaEnd + 2, tableEnd);
    const mapped: MappedTable = {
      tableId,
      bytes: body,
      objectId: tableKey({ schema, table }),
      schema,
      table,
      map: null,
      group: this.#group,
      epoch: -1,
      reader: null,
      writer: null,
    };
    this.#mapped.set(tableId, mapped);
    this.#last = mapped;
  }

  /** The body of an event of rows. */
  rows(type: number, bytes: Buffer, start: number, end: number): void | Promise<void> {
    const tableId = readTableId(bytes, start);
    const mapped = this.#last?.tableId === tableId ? this.#last : this.#mapped.get(tableId);
    if (mapped === undefined || mapped.group !== this.#group) {
      if (tableId === NO_TABLE) return;
      throw protocolError(`rows of table ${tableId}, which was not described before`);
    }
    if (mapped.epoch !== this.#sink.epoch) {
      const preparing = this.#prepare(mapped);
      if (preparing !== undefined)
        return preparing.then(() => {
          this.#write(mapped, type, bytes, start, end);
        });
    }
    this.#write(mapped, type, bytes, start, end);
  }

  #write(mapped: MappedTable, type: number, bytes: Buffer, start: number, end: number): void {
    const { reader, writer } = mapped;
    if (reader === null || writer === null) return;
    this.#begin();
    this.touched.add(mapped.objectId);
    try {
      reader.event(bytes, start, end, type, writer);
    } catch (error) {
      this.#failed(mapped.objectId, error);
    }
  }

  /** Makes what the rows need, asks the sink for its writer; a promise where the server has to be asked first. */
  #prepare(mapped: MappedTable): Promise<void> | undefined {
    mapped.epoch = this.#sink.epoch;
    mapped.reader = null;
    mapped.writer = null;
    const model = this.model(mapped.objectId);
    if (model === null) return;
    mapped.map ??= parseTableMap(mapped.bytes, 0, mapped.bytes.length);
    const natives = model.schema.versioned ? [...model.natives, ...PERIOD] : model.natives;
    const names = model.schema.versioned ? [...model.names, ...PERIOD_NAMES] : model.names;
    const trouble = agrees(mapped.map, natives, names);
    if (trouble !== null) {
      this.#disagrees(mapped, model, trouble);
      return;
    }
    const unknown = model.charsets.filter((name) => !this.#loaded.has(name));
    if (unknown.length > 0)
      return this.#load(unknown).then(() => {
        return this.#prepare(mapped);
      });
    this.#begin();
    const writer = this.#sink.relation(model.relation);
    if (writer === null) return;
    const key = `${writer.key.join()} ${mapped.bytes.toString('latin1', ID_BYTES)}`;
    let reader = model.readers.get(key);
    if (reader === undefined) {
      try {
        reader = compileRows(
          mapped.map,
          natives,
          this.#options.charsets,
          writer.key,
          this.#options.leavesOutGenerated ? model.generated : [],
          model.schema.versioned,
        );
      } catch (error) {
        this.#failed(mapped.objectId, error);
        return;
      }
      model.readers.set(key, reader);
    }
    mapped.reader = reader;
    mapped.writer = writer;
  }

  async #load(names: readonly string[]): Promise<void> {
    await this.#options.loadCharsets(names);
    for (const name of names) this.#loaded.add(name);
  }

  /** What the sink knows of a table, and what follows; null: nobody follows it. */
  model(objectId: string): Model | null {
    const known = this.#sink.known(objectId);
    if (known === null) {
      this.#models.delete(objectId);
      return null;
    }
    const before = this.#models.get(objectId);
    if (before !== undefined && before.life === known.life && before.schema === known.schema) return before;
    const natives = this.#nativesOf(objectId, known.schema);
    if (natives === null) return null;
    const model: Model = {
      ...known,
      relation: this.relationOf(objectId, known.schema, known.life),
      natives,
      charsets: natives.flatMap((native) => ('charset' in native ? [native.charset] : [])),
      names: known.schema.columns.map((column) => column.name),
      generated: known.schema.columns.flatMap(({ native }, index) => (isGenerated(native) ? [index] : [])),
      readers: new Map(),
    };
    this.#models.set(objectId, model);
    return model;
  }

  #nativesOf(objectId: string, schema: TableSchema): readonly NativeType[] | null {
    try {
      return schema.columns.map((column) => parseNative(column.native));
    } catch (error) {
      this.#failed(objectId, error);
      return null;
    }
  }

  /** The relation of a schema that the table has within a life; `filled`: columns that an ALTER has just filled. */
  relationOf(
    objectId: string,
    schema: TableSchema,
    life: string,
    filled: readonly number[] = [],
  ): LogRelation {
    const all = [...(this.#filled.get(life) ?? []), ...filled];
    if (filled.length > 0) this.#filled.set(life, all);
    const key = schema.identity.kind === 'key' ? schema.identity.columns : [];
    return {
      objectId,
      name: schema.name,
      identity: schema.identity.kind === 'key' ? 'default' : 'full',
      columns: schema.columns.map(({ name }, index) => ({
        name,
        typeId: 0,
        typeModifier: 0,
        inKey: key.includes(index),
      })),
      table: discoveredTable(objectId, schema, all),
    };
  }

  /** The next load takes the schema from the catalog again; where that has said the same before, no load will help. */
  #disagrees(mapped: MappedTable, model: Model, trouble: string): void {
    const said = `${mapped.bytes.toString('latin1', ID_BYTES)} ${model.schema.columns.map((column) => column.native).join()}`;
    const before = this.#disagreed.get(mapped.objectId);
    this.#disagreed.set(mapped.objectId, { life: model.life, said });
    if (before === undefined || before.said !== said || before.life === model.life) {
      this.gap(mapped.objectId, `the log describes it otherwise: ${trouble}`);
      return;
    }
    this.#begin();
    this.#sink.ddl({
      kind: 'trouble',
      objectId: mapped.objectId,
      error: new SluiceError(
        'TABLE_SCHEMA',
        `The log describes ${tableText(model.schema.name)} otherwise than the catalog, which a new load did not change: ${trouble}.`,
      ),
    });
  }

  /** The table has to be loaded anew. */
  gap(objectId: string, reason: string): void {
    this.#begin();
    this.#sink.ddl({ kind: 'gap', objectId, reason });
  }

  /** Rows of this group that the sink was given do not count, and it cannot give them back. */
  takeBack(): void {
    for (const objectId of this.touched)
      this.gap(objectId, 'changes of it were rolled back behind others of the same transaction');
    this.touched.clear();
  }

  /** A table's trouble stays that table's. */
  #failed(objectId: string, error: unknown): void {
    if (error instanceof RowsLost) {
      this.gap(objectId, error.message);
      return;
    }
    if (!(error instanceof SluiceError) || error.rule.scope !== 'table') throw error;
    this.#begin();
    this.#sink.ddl({ kind: 'trouble', objectId, error });
  }
}

function protocolError(what: string): SluiceError {
  return new SluiceError('SOURCE_PROTOCOL', `the server sent ${what}`);
}

import { SluiceError } from '@sluice/contract';
import type { LiveFile } from '../../lakehouse/data-file.ts';
import type { Engine, EngineConnection } from '../../lakehouse/duckdb/engine.ts';
import { type ScanColumn, scanSql } from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteText } from '../../lakehouse/duckdb/sql-text.ts';
import { duckType, duckTypeOfLogical } from '../../lakehouse/duckdb/types.ts';
import { toLogical } from '../../lakehouse/iceberg-type.ts';
import type { TableMetadata } from '../../lakehouse/metadata.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { currentSchema } from '../../lakehouse/table-metadata.ts';
import type { LogicalType } from '../../model/logical-type.ts';
import type { Column, TableSchema } from '../../model/table.ts';
import { readLines, STRICT } from './change-lines.ts';
import { columnMapOf } from './column-map.ts';
import { textOfKey } from './key-text.ts';
import { inPieces } from './line-pieces.ts';
import { type ReadingRules, textExpression } from './text-expression.ts';

/**
 * Rows of one side: what a row is known by, k0 …, and h, a digest of all values. Rows without a key are known by that
 * digest, k0, and equal ones are counted. The first two, which have all rows, also have n0 …, a bit for each column that
 * may be null (NULLS_IN_ONE of them in each), and `lake` has o, the letter of what last made the row.
 */
const SIDES = ['source', 'lake', 'before', 'now', 'after'] as const;
export type Side = (typeof SIDES)[number];
const WHOLE: readonly Side[] = ['source', 'lake'];
const NULLS_IN_ONE = 32;

export interface DigestedTable {
  /** The source's, under the numbers that the lake's table knows its columns by. */
  readonly schema: TableSchema;
  /** Texts that all rows have in the lake in columns which are not the source's, by number. */
  readonly constants: ReadonlyMap<number, string>;
}

/** A state of the lake's table: its files, and their columns. */
export interface DigestedState {
  readonly metadata: TableMetadata;
  readonly files: readonly LiveFile[];
}

/**
 * The rows of one table as its source and as the lake have them, as digests by key. Both sides are values of the same
 * types, the source's by the expressions that made the lake's (textExpression), so that equal rows have equal digests.
 * Its tables are the engine's: one at a time.
 */
export class RowDigests implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #connection: EngineConnection;
  readonly #storage: Storage;
  readonly #columns: readonly Column[];
  readonly #constants: ReadonlyMap<number, string>;
  /** Indexes of the columns of the key; null: rows are told apart by all of their values. */
  readonly #key: readonly number[] | null;
  /** The columns of a side that a row is known by. */
  readonly #keys: readonly string[];
  readonly #rules: ReadingRules;
  readonly #signal: AbortSignal;
  /** Indexes of the columns that may be null. */
  readonly #nullable: readonly number[];

  private constructor(
    engine: Engine,
    connection: EngineConnection,
    storage: Storage,
    { schema, constants }: DigestedTable,
    rules: ReadingRules,
    signal: AbortSignal,
  ) {
    this.#engine = engine;
    this.#connection = connection;
    this.#storage = storage;
    this.#columns = schema.columns;
    this.#constants = constants;
    this.#key = schema.identity.kind === 'key' ? schema.identity.columns : null;
    this.#keys = this.#key === null ? ['k0'] : this.#key.map((_, n) => `k${n}`);
    this.#rules = rules;
    this.#signal = signal;
    this.#nullable = schema.columns.flatMap(({ nullable }, index) => (nullable ? [index] : []));
  }

  static async open(
    engine: Engine,
    storage: Storage,
    table: DigestedTable,
    rules: ReadingRules,
    signal: AbortSignal,
  ): Promise<RowDigests> {
    const digests = new RowDigests(engine, await engine.connect(), storage, table, rules, signal);
    try {
      // The order of the rows tells nothing, and keeping it holds memory back.
      await digests.#connection.run('SET GLOBAL preserve_insertion_order = false', signal);
      await digests.#empty(...SIDES);
      return digests;
    } catch (error) {
      await digests[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Takes CSV lines of the source's columns in. */
  async addLines(side: Side, file: string, longestLine: number): Promise<void> {
    const values = this.#columns.map((column, index) => {
      const rules = this.#key?.includes(index) ? STRICT : this.#rules;
      return `${textExpression(column.type, column.text, `f${index}`, rules)} AS v${index}`;
    });
    await inPieces(file, longestLine, async (pieces) => {
      for (const piece of pieces)
        await this.#add(
          side,
          `(SELECT ${values.join(', ')} FROM ${readLines([piece], this.#columns.length, longestLine)})`,
        );
    });
  }

  /** The same of typed rows (Source.copyTyped). */
  async addTyped(side: Side, file: string, typed: readonly boolean[]): Promise<void> {
    const values = this.#columns.map((column, index) => {
      const rules = this.#key?.includes(index) ? STRICT : this.#rules;
      const value = typed[index] ? `f${index}` : textExpression(column.type, column.text, `f${index}`, rules);
      return `${value} AS v${index}`;
    });
    await this.#add(side, `(SELECT ${values.join(', ')} FROM read_parquet(${quoteText(file)}))`);
  }

  /**
   * Takes the rows of a state of the lake's table in; `only`: those whose keys are on another side.
   * @throws SluiceError TABLE_SCHEMA where the table has not the source's columns
   */
  async addLake(side: Side, { metadata, files }: DigestedState, only: 'candidates' | null): Promise<void> {
    const map = columnMapOf(metadata);
    const fields = new Map(currentSchema(metadata).fields.map((field) => [field.id, field]));
    const scanned = (number: number, name: string, what: string): ScanColumn => {
      const field = fields.get(map?.columns.get(number) ?? -1);
      if (field === undefined)
        throw new SluiceError('TABLE_SCHEMA', `The table of the lake has no column for ${what} yet.`);
      return { id: field.id, name, type: field.type };
    };
    const values = this.#columns.map(({ sourceId, name }, index) => scanned(sourceId, `v${index}`, name));
    const constants = [...this.#constants].map(([number, text], n) => ({
      column: scanned(number, `e${n}`, `the extended field of ${text}`),
      text,
    }));
    const op = fields.get(map?.op ?? -1);
    if (op === undefined) throw new SluiceError('TABLE_SCHEMA', 'The table of the lake has no column _op.');
    const own = side === 'lake' ? [{ id: op.id, name: 'o', type: op.type }] : [];
    const rows = scanSql(this.#storage, files, [...values, ...constants.map(({ column }) => column), ...own]);
    const wrong = constants.map(({ column, text }) => `${column.name} IS DISTINCT FROM ${quoteText(text)}`);
    // A column of the lake may be wider than the source's is now; a value that does not fit is another one then.
    const narrowed: string[] = [];
    for (const [index, { type }] of this.#columns.entries()) {
      const wanted = duckTypeOfLogical(type);
      const has = duckType(values[index]!.type);
      if (has === wanted) continue;
      const narrow = `TRY_CAST(v${index} AS ${wanted})`;
      narrowed.push(`${narrow} AS v${index}`);
      wrong.push(`CAST(${narrow} AS ${has}) IS DISTINCT FROM v${index}`);
    }
    const all = narrowed.length === 0 ? '*' : `* REPLACE (${narrowed.join(', ')})`;
    const doubt = `(${wrong.length === 0 ? 'false' : wrong.join(' OR ')}) AS wrong`;
    const filter =
      only === null || this.#key === null
        ? ''
        : ` SEMI JOIN ${only} ON ${this.#key.map((index, n) => `v${index} = ${only}.k${n}`).join(' AND ')}`;
    await this.#add(side, `(SELECT ${all}, ${doubt} FROM ${rows}${filter})`);
  }

  async #add(side: Side, rows: string): Promise<void> {
    // Rows without a key cannot be asked for; all of them come, and those that are looked for stay.
    const asked = this.#key === null && !WHOLE.includes(side);
    const all = this.#digestOf(side, rows);
    const kept = asked ? `SELECT * FROM (${all}) SEMI JOIN candidates USING (${this.#keys.join(', ')})` : all;
    await this.#aside((connection) => connection.run(`INSERT INTO ${side} ${kept}`, this.#signal));
  }

  #digestOf(side: Side, rows: string): string {
    const values = this.#columns.map((_, index) => `v${index}`);
    const signs = this.#columns.flatMap(({ type }, index) => signOfZero(type, `v${index}`) ?? []);
    const all = [...values, ...signs].join(', ');
    const ofLake = side === 'lake' || side === 'now';
    const digest = ofLake ? `xor(hash(${all}), wrong::UBIGINT)` : `hash(${all})`;
    const fields =
      this.#key === null
        ? [`${digest} AS k0`]
        : [...this.#key.map((index, n) => `v${index} AS k${n}`), `${digest} AS h`];
    if (WHOLE.includes(side))
      for (const [n, word] of this.#nullWords().entries()) {
        const bits = word.map((index, bit) => `((v${index} IS NULL)::UINTEGER << ${bit})`);
        fields.push(`(${bits.join(' | ')})::UINTEGER AS n${n}`);
      }
    // A byte; a text would be as much as key and digest together.
    if (side === 'lake') fields.push('TRY_CAST(ascii(o) AS UTINYINT) AS o');
    return `SELECT ${fields.join(', ')} FROM ${rows}`;
  }

  /** A relation with one row for each key of a side, under the side's name. */
  #byKey(side: Side): string {
    return this.#key === null ? `(SELECT k0, count(*) AS h FROM ${side} GROUP BY k0) AS ${side}` : side;
  }

  #nullWords(): readonly (readonly number[])[] {
    const words: number[][] = [];
    for (let at = 0; at < this.#nullable.length; at += NULLS_IN_ONE)
      words.push(this.#nullable.slice(at, at + NULLS_IN_ONE));
    return words;
  }

  /** By column: how many of a side's rows have null there. */
  async nulls(side: 'source' | 'lake'): Promise<readonly number[]> {
    const counts = this.#columns.map(() => 0);
    const words = this.#nullWords();
    if (words.length === 0) return counts;
    const bits = words.flatMap((word, n) =>
      word.map((index, bit) => `count(*) FILTER (WHERE (n${n} >> ${bit}) & 1 = 1) AS c${index}`),
    );
    const [row] = await this.#connection.rows(`SELECT ${bits.join(', ')} FROM ${side}`, this.#signal);
    return counts.map((_, index) => Number(row?.[`c${index}`] ?? 0));
  }

  /** The types of the source's columns in the lake; null where it has not got one. */
  lakeTypes({ metadata }: DigestedState): readonly (LogicalType | null)[] {
    const map = columnMapOf(metadata);
    const fields = new Map(currentSchema(metadata).fields.map((field) => [field.id, field]));
    return this.#columns.map(({ sourceId }) => {
      const field = fields.get(map?.columns.get(sourceId) ?? -1);
      return field === undefined ? null : toLogical(field.type);
    });
  }

  /** How many of the lake's rows were last made by what: `_op`. */
  async ops(): Promise<Readonly<Record<string, number>>> {
    const rows = await this.#connection.rows(
      'SELECT chr(o) AS o, count(*) AS n FROM lake GROUP BY ALL ORDER BY o',
      this.#signal,
    );
    return Object.fromEntries(rows.map(({ o, n }) => [String(o), Number(n)]));
  }

  /** On a connection of its own, so that chunks are taken in beside each other. */
  async #aside(work: (connection: EngineConnection) => Promise<void>): Promise<void> {
    const connection = this.#free.pop() ?? (await this.#engine.connect());
    try {
      await work(connection);
    } finally {
      this.#free.push(connection);
    }
  }
  readonly #free: EngineConnection[] = [];

  /** Makes sides of no rows, whatever was in them. */
  async #empty(...sides: readonly Side[]): Promise<void> {
    const values = this.#columns.map(
      (column, index) =>
        `${textExpression(column.type, column.text, 'CAST(NULL AS VARCHAR)', STRICT)} AS v${index}`,
    );
    const none = `(SELECT ${[...values, 'false AS wrong', "'' AS o"].join(', ')} WHERE false)`;
    for (const side of sides)
      await this.#connection.run(
        `CREATE OR REPLACE TABLE ${side} AS ${this.#digestOf(side, none)}`,
        this.#signal,
      );
  }

  async count(side: Side): Promise<number> {
    const [row] = await this.#connection.rows(`SELECT count(*) AS n FROM ${side}`, this.#signal);
    return Number(row?.n ?? 0);
  }

  forget(...sides: Side[]): Promise<void> {
    return this.#empty(...sides);
  }

  /** Makes `candidates` of the keys that two sides have differently. @returns how many */
  async compare(a: Side, b: Side): Promise<number> {
    const keys = this.#keys.join(', ');
    const texts = this.#keys.map((key, n) => {
      const column = this.#columns[this.#key?.[n] ?? -1];
      return `${column === undefined ? `CAST(${key} AS VARCHAR)` : textOfKey(column, key)} AS t${n}`;
    });
    await this.#connection.run(
      `CREATE OR REPLACE TABLE candidates AS SELECT ${keys}, ${texts.join(', ')} FROM ` +
        `(SELECT ${keys}, ${a}.h AS x, ${b}.h AS y FROM ${this.#byKey(a)} FULL JOIN ${this.#byKey(b)} USING (${keys})) ` +
        'WHERE x IS DISTINCT FROM y',
      this.#signal,
    );
    return this.#candidates();
  }

  async #candidates(): Promise<number> {
    const [row] = await this.#connection.rows('SELECT count(*) AS n FROM candidates', this.#signal);
    return Number(row?.n ?? 0);
  }

  /** Some of the candidates, as the texts by which the source is asked for them. */
  async candidateTexts(limit: number, offset: number): Promise<readonly (readonly string[])[]> {
    const texts = this.#keys.map((_, n) => `t${n}`).join(', ');
    const rows = await this.#connection.rows(
      `SELECT ${texts} FROM candidates ORDER BY ${texts} LIMIT ${limit} OFFSET ${offset}`,
      this.#signal,
    );
    return rows.map((row) => this.#keys.map((_, n) => String(row[`t${n}`])));
  }

  /** Keeps the first so many candidates. */
  async cutCandidates(limit: number): Promise<void> {
    const texts = this.#keys.map((_, n) => `t${n}`).join(', ');
    await this.#connection.run(
      `CREATE OR REPLACE TABLE candidates AS SELECT * FROM candidates ORDER BY ${texts} LIMIT ${limit}`,
      this.#signal,
    );
  }

  /** What the sides before, now (the lake) and after say of each candidate. */
  async looks(): Promise<
    readonly {
      readonly key: readonly string[];
      readonly before: string | null;
      readonly lake: string | null;
      readonly after: string | null;
    }[]
  > {
    const texts = this.#keys.map((_, n) => `t${n}`).join(', ');
    const rows = await this.#connection.rows(
      `SELECT ${texts}, CAST(before.h AS VARCHAR) AS seen_before, CAST(now.h AS VARCHAR) AS seen, CAST(after.h AS VARCHAR) AS seen_after FROM candidates c ` +
        (['before', 'now', 'after'] as const)
          .map(
            (side) =>
              `LEFT JOIN ${this.#byKey(side)} ON ${this.#keys.map((key) => `c.${key} = ${side}.${key}`).join(' AND ')}`,
          )
          .join(' ') +
        ` ORDER BY ${texts}`,
      this.#signal,
    );
    const seen = (value: unknown): string | null =>
      value === null || value === undefined ? null : String(value);
    return rows.map((row) => ({
      key: this.#keys.map((_, n) => String(row[`t${n}`])),
      before: seen(row.seen_before),
      lake: seen(row.seen),
      after: seen(row.seen_after),
    }));
  }

  /** Leaves only these candidates, by their texts. */
  async keepCandidates(keys: readonly (readonly string[])[]): Promise<void> {
    const texts = this.#keys.map((_, n) => `t${n}`);
    const values = keys.map((key) => `(${key.map(quoteText).join(', ')})`).join(', ');
    const kept = keys.length === 0 ? 'false' : `(${texts.join(', ')}) IN (VALUES ${values})`;
    await this.#connection.run(
      `CREATE OR REPLACE TABLE candidates AS SELECT * FROM candidates WHERE ${kept}`,
      this.#signal,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const table of [...SIDES, 'candidates'])
      await this.#connection.run(`DROP TABLE IF EXISTS ${table}`).catch(() => {});
    for (const connection of this.#free) connection.close();
    this.#connection.close();
  }
}

/** hash() takes -0 for 0: what tells them apart, null for types that have no -0. NaNs, whatever their sign, are one value. */
function signOfZero(type: LogicalType, value: string): string | null {
  switch (type.kind) {
    case 'float':
    case 'double':
      return `(${value} = 0 AND signbit(${value}))`;
    case 'list': {
      const sign = signOfZero(type.element, 'x');
      return sign === null ? null : `list_transform(${value}, lambda x: ${sign})`;
    }
    default:
      return null;
  }
}

import type { TestMysqlDatabase } from '../../../../../../tests/support/mysql.ts';
import { type ColumnEffects, classify, type Statement, type StatementContext } from '../classify.ts';

/** What a column holds behind statements: of which one before (its name then), NULL in every row, or not known. */
type Origin = { readonly of: string } | 'null' | 'any';

interface Expected {
  /** Its name before; null: it was made by the statement. */
  readonly was: string | null;
  /** By lower-case name; null: not known. */
  columns: Map<string, Origin> | null;
  rows: 'same' | 'none' | 'any';
}

interface Actual {
  readonly columns: readonly string[];
  /** Values as hex text, in the columns' order. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/**
 * Runs DDL on a server and holds what `classify` makes of the log against what the server did: which tables there are,
 * their columns, and the rows of those that no effect speaks of, all but the columns that were defined anew.
 */
export class ServerSteps {
  readonly #database: TestMysqlDatabase;
  readonly #context: StatementContext;
  #before: Map<string, Actual> | null = null;

  constructor(database: TestMysqlDatabase, dialect: { readonly ansi: boolean }) {
    this.#database = database;
    this.#context = {
      schema: database.name,
      flavour: database.flavour,
      ansiQuotes: dialect.ansi,
      noBackslashEscapes: dialect.ansi,
    };
  }

  /** DML and statements that are not looked at. */
  async prepare(...statements: readonly string[]): Promise<void> {
    for (const sql of statements) await this.#database.query(sql);
    this.#before = null;
  }

  /** @returns what is wrong; null: nothing. @throws what the server says of the statement */
  async check(sql: string): Promise<string | null> {
    const before = this.#before ?? (await this.#tables());
    const place = await this.#place();
    await this.#database.query(sql);
    const logged = await this.#logged(place);
    this.#before = await this.#tables();
    const expected = expectedBehind(
      before,
      [...before.keys()],
      logged.map((one) => classify(one, this.#context)),
    );
    if (typeof expected === 'string') return `${expected}: ${logged.join('; ')}`;
    const wrong = difference(before, expected, this.#before);
    return wrong === null ? null : `${wrong}: ${logged.join('; ')}`;
  }

  async #place(): Promise<{ readonly file: string; readonly offset: number }> {
    const sql = this.#database.flavour === 'mysql' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
    const [row] = await this.#database.rows(sql);
    return { file: row![0]!, offset: Number(row![1]) };
  }

  async #logged({ file, offset }: { readonly file: string; readonly offset: number }): Promise<string[]> {
    const events = await this.#database.rows(`SHOW BINLOG EVENTS IN '${file}' FROM ${offset}`);
    // The name is quoted as the session's sql_mode wants it; other tests write to the same log.
    const use = new RegExp(`^use ["\`]${this.#database.name}["\`]; `);
    return events
      .filter((event) => event[2] === 'Query' && use.test(event[5]!))
      .map((event) => event[5]!.replace(use, ''));
  }

  async #tables(): Promise<Map<string, Actual>> {
    const found = new Map<string, string[]>();
    for (const [table, column] of await this.#database.rows(
      `SELECT c.TABLE_NAME, c.COLUMN_NAME FROM information_schema.COLUMNS c JOIN information_schema.TABLES t
       ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
       WHERE c.TABLE_SCHEMA = DATABASE() ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION`,
    ))
      found.set(table!, [...(found.get(table!) ?? []), column!]);
    const tables = new Map<string, Actual>();
    for (const [table, columns] of found) {
      const list = columns.map((name) => `\`${name.replaceAll('`', '``')}\``).join(', ');
      const rows = await this.#database.query(`SELECT ${list} FROM \`${table.replaceAll('`', '``')}\``);
      tables.set(table, {
        columns,
        rows: rows.map((row) => row.map((value) => value?.toString('hex') ?? null)),
      });
    }
    return tables;
  }
}

/** @returns a text where a statement was not understood */
function expectedBehind(
  before: ReadonlyMap<string, Actual>,
  names: readonly string[],
  statements: readonly Statement[],
): Map<string, Expected> | string {
  const tables = new Map<string, Expected>(
    names.map((name) => [
      name,
      {
        was: name,
        rows: 'same',
        columns: new Map(before.get(name)!.columns.map((column) => [column.toLowerCase(), { of: column }])),
      },
    ]),
  );
  for (const statement of statements) {
    if (statement.kind === 'unknown' || statement.kind === 'dml') return statement.kind;
    if (statement.kind !== 'tables') continue;
    for (const effect of statement.effects)
      switch (effect.kind) {
        case 'created':
          tables.set(effect.table.table, { was: null, rows: 'any', columns: null });
          break;
        case 'dropped':
          tables.delete(effect.table.table);
          break;
        case 'schema-dropped':
          tables.clear();
          break;
        case 'renamed': {
          const moved = tables.get(effect.from.table);
          if (moved === undefined) return `no table ${effect.from.table}`;
          tables.delete(effect.from.table);
          tables.set(effect.to.table, moved);
          break;
        }
        case 'truncated':
        case 'rows-changed': {
          const table = tables.get(effect.table.table);
          if (table) table.rows = effect.kind === 'truncated' ? 'none' : 'any';
          break;
        }
        case 'altered': {
          const table = tables.get(effect.table.table);
          if (table === undefined) return `no table ${effect.table.table}`;
          if (table.columns !== null) table.columns = alter(table.columns, effect.columns);
          break;
        }
      }
  }
  return tables;
}

function alter(columns: ReadonlyMap<string, Origin>, effects: ColumnEffects): Map<string, Origin> {
  const gone = new Set(effects.dropped.map((name) => name.toLowerCase()));
  const renamed = new Map(effects.renamed.map(({ from, to }) => [from.toLowerCase(), to.toLowerCase()]));
  const now = new Map<string, Origin>();
  for (const [name, origin] of columns) if (!gone.has(name)) now.set(renamed.get(name) ?? name, origin);
  for (const { name, filled } of effects.added)
    if (!now.has(name.toLowerCase())) now.set(name.toLowerCase(), filled ? 'any' : 'null');
  // MariaDB: MODIFY IF EXISTS of none.
  for (const name of effects.modified) if (now.has(name.toLowerCase())) now.set(name.toLowerCase(), 'any');
  return now;
}

function difference(
  before: ReadonlyMap<string, Actual>,
  expected: ReadonlyMap<string, Expected>,
  actual: ReadonlyMap<string, Actual>,
): string | null {
  const [wanted, found] = [[...expected.keys()].sort().join(), [...actual.keys()].sort().join()];
  if (wanted !== found) return `tables ${found}, not ${wanted}`;
  for (const [name, { was, columns, rows }] of expected) {
    const now = actual.get(name)!;
    if (rows === 'none' && now.rows.length > 0) return `${name} has rows`;
    if (columns === null) continue;
    const names = now.columns.map((column) => column.toLowerCase());
    const [want, have] = [[...columns.keys()].sort().join(), [...names].sort().join()];
    if (want !== have) return `columns of ${name}: ${have}, not ${want}`;
    if (rows !== 'same' || was === null) continue;
    const source = before.get(was)!;
    const told = names.flatMap((column, index) => (columns.get(column) === 'any' ? [] : [index]));
    const left = now.rows.map((row) => told.map((index) => row[index] ?? 'NULL').join());
    const right = source.rows.map((row) =>
      told
        .map((index) => {
          const origin = columns.get(names[index]!)!;
          return (typeof origin === 'string' ? null : row[source.columns.indexOf(origin.of)]) ?? 'NULL';
        })
        .join(),
    );
    if (left.sort().join(' ') !== right.sort().join(' '))
      return `rows of ${name}: ${left.join(' ')}, not ${right.join(' ')}`;
  }
  return null;
}

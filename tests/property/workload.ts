import type { ColumnValue } from './columns.ts';
import type { EventLog } from './event-log.ts';
import type { Random } from './random.ts';
import { KEYS, type TestTable } from './tables.ts';

/** A connection to one of the databases, and what they say each in its own way. */
export interface WorkloadClient {
  /** One statement, whose values stand at the `?`s. @returns how many rows it changed */
  run(sql: string, values?: readonly ColumnValue[]): Promise<number>;
  quote(name: string): string;
  /** An INSERT that does nothing where the key is taken. `what`: everything behind INSERT INTO. */
  insertUnlessThere(what: string): string;
  /** Empties tables, and goes on in a transaction that has the savepoint `s` where there was one. */
  truncate(tables: readonly string[]): Promise<void>;
  /** Behind UPDATE … SET … or DELETE FROM …: some rows of a table without key (quoted). */
  some(table: string, offset: number, count: number): string;
  /** Behind SELECT … FROM: the same. */
  someOf(table: string, offset: number, count: number): string;
  /** Whether an error is part of the workload: another writer was in the way. `taken`: a key was. */
  judge(error: unknown): 'taken' | 'in the way' | null;
  /** Something that a session may do between two transactions and that must not matter. @returns what it did */
  between(random: Random): Promise<string | null>;
}

/** One writer: random transactions, one after the other, over a connection of its own, until it is told to stop. */
export class Writer {
  readonly #client: WorkloadClient;
  readonly #tables: readonly TestTable[];
  readonly #random: Random;
  readonly #log: EventLog;
  readonly #name: string;
  #stopped = true;
  #running: Promise<void> = Promise.resolve();
  committed = 0;
  /** What ended it before its time. */
  failure: unknown = null;

  constructor(options: {
    readonly client: WorkloadClient;
    readonly tables: readonly TestTable[];
    readonly random: Random;
    readonly log: EventLog;
    readonly name: string;
  }) {
    this.#client = options.client;
    this.#tables = options.tables;
    this.#random = options.random;
    this.#log = options.log;
    this.#name = options.name;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#running = this.#loop();
    this.#running.catch((error: unknown) => {
      this.failure = error;
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      await this.transaction();
      const odd = await this.#client.between(this.#random);
      if (odd !== null) this.#log.add(`${this.#name}: ${odd}`);
      // Room for the runner on two cores.
      await new Promise((resolve) => setTimeout(resolve, this.#random.below(15)));
    }
  }

  async transaction(): Promise<void> {
    const random = this.#random;
    const steps = random.once(12) ? 0 : random.between(1, random.once(8) ? 30 : 5);
    const done: string[] = [];
    try {
      await this.#client.run('BEGIN');
      for (let step = 0; step < steps; step++) {
        const saved = random.once(6);
        if (saved) await this.#client.run('SAVEPOINT s');
        const what = await this.#change(random.pick(this.#tables));
        done.push(saved && random.once(2) ? `(${what})` : what);
        if (done.at(-1)?.startsWith('(')) await this.#client.run('ROLLBACK TO SAVEPOINT s');
      }
      const end = random.once(8) ? 'ROLLBACK' : 'COMMIT';
      await this.#client.run(end);
      if (end === 'COMMIT') this.committed++;
      this.#log.add(`${this.#name} ${end}: ${done.join('; ')}`);
    } catch (error) {
      // The other writer was in the way (a key taken, a deadlock): that is part of the workload.
      if (this.#client.judge(error) === null) throw error;
      await this.#client.run('ROLLBACK');
      this.#log.add(`${this.#name} failed (${(error as Error).message}): ${done.join('; ')}`);
    }
  }

  async #change(table: TestTable): Promise<string> {
    const dice = this.#random.below(100);
    if (dice < 3) return this.#truncate(table);
    if (table.key.length === 0) return this.#changeBag(table, dice);
    if (dice < 30) return this.insert(table, this.#key());
    if (dice < 60) return this.#update(table, this.#key());
    if (dice < 78) return this.#move(table);
    if (dice < 84) return this.#swap(table);
    if (dice < 92) return this.#remove(table, this.#key());
    return this.#reinsert(table);
  }

  #key(): number {
    return this.#random.below(KEYS);
  }

  /** A row with this key; nothing where there is one. */
  async insert(table: TestTable, key: number): Promise<string> {
    const names = [...table.key.map((part) => part.name), ...table.columns.map((column) => column.name)];
    const values = [...table.key.map((part) => part.value(key)), ...this.#values(table)];
    const what = `${this.#id(table.name)} (${names.map((name) => this.#id(name)).join(', ')}) VALUES (${values.map(() => '?').join(', ')})`;
    const sql = table.key.length === 0 ? `INSERT INTO ${what}` : this.#client.insertUnlessThere(what);
    return `insert ${table.name} ${key}: ${await this.#run(sql, values)}`;
  }

  #values(table: TestTable): ColumnValue[] {
    return table.columns.map((column) => (this.#random.once(6) ? null : column.kind.value(this.#random)));
  }

  #where(table: TestTable): string {
    return table.key.map((part) => `${this.#id(part.name)} = ?`).join(' AND ');
  }

  /** Some columns, mostly the small ones, so that large values are left out of the log. */
  #assignments(table: TestTable): { readonly sql: readonly string[]; readonly values: ColumnValue[] } {
    const random = this.#random;
    const some = table.columns.filter((column) => (column.kind.large ? random.once(4) : random.once(2)));
    const sql = some.map((column) => `${this.#id(column.name)} = ?`);
    return { sql, values: some.map((column) => (random.once(6) ? null : column.kind.value(random))) };
  }

  async #update(table: TestTable, key: number): Promise<string> {
    const { sql, values } = this.#assignments(table);
    const assigned =
      sql.length > 0
        ? sql
        : table.key.slice(0, 1).map((part) => `${this.#id(part.name)} = ${this.#id(part.name)}`);
    const keys = table.key.map((part) => part.value(key));
    const statement = `UPDATE ${this.#id(table.name)} SET ${assigned.join(', ')} WHERE ${this.#where(table)}`;
    return `update ${table.name} ${key} (${sql.length}): ${await this.#run(statement, [...values, ...keys])}`;
  }

  async #moveKey(table: TestTable, from: number, to: number, change: boolean): Promise<string> {
    const target = table.key.map((part) => part.value(to));
    const set = table.key.map((part) => `${this.#id(part.name)} = ?`);
    const other = change ? this.#assignments(table) : { sql: [], values: [] };
    const values = [...target, ...other.values];
    const sql = `UPDATE ${this.#id(table.name)} SET ${[...set, ...other.sql].join(', ')} WHERE ${this.#where(table)}`;
    return `${from}→${to} ${await this.#run(sql, [...values, ...table.key.map((part) => part.value(from))])}`;
  }

  /** One row through several keys, each freed before it is taken; the key that it left is often given to another row. */
  async #move(table: TestTable): Promise<string> {
    const random = this.#random;
    const path = [this.#key()];
    const done: string[] = [];
    for (let hop = random.between(1, 3); hop > 0; hop--) {
      const to = this.#key();
      if (to === path.at(-1)) continue;
      if (random.once(2)) done.push(await this.#remove(table, to));
      done.push(await this.#guarded(() => this.#moveKey(table, path.at(-1)!, to, random.once(3))));
      path.push(to);
    }
    if (random.once(2)) done.push(await this.insert(table, path[0]!));
    return `move ${table.name} [${done.join(', ')}]`;
  }

  /** a ↔ b by way of a third key. */
  async #swap(table: TestTable): Promise<string> {
    const [a, b] = [this.#key(), this.#key()];
    const free = KEYS + this.#random.below(20);
    if (a === b) return 'swap nothing';
    const done: string[] = [await this.#remove(table, free)];
    for (const [from, to] of [
      [a, free],
      [b, a],
      [free, b],
    ] as const)
      done.push(await this.#guarded(() => this.#moveKey(table, from, to, this.#random.once(4))));
    return `swap ${table.name} [${done.join(', ')}]`;
  }

  /** A key that is taken ends a statement, not the transaction. */
  async #guarded(work: () => Promise<string>): Promise<string> {
    await this.#client.run('SAVEPOINT g');
    try {
      return await work();
    } catch (error) {
      if (this.#client.judge(error) !== 'taken') throw error;
      await this.#client.run('ROLLBACK TO SAVEPOINT g');
      return 'taken';
    }
  }

  async #remove(table: TestTable, key: number): Promise<string> {
    const sql = `DELETE FROM ${this.#id(table.name)} WHERE ${this.#where(table)}`;
    return `delete ${table.name} ${key}: ${await this.#run(
      sql,
      table.key.map((part) => part.value(key)),
    )}`;
  }

  async #reinsert(table: TestTable): Promise<string> {
    const key = this.#key();
    return `${await this.#remove(table, key)}, ${await this.insert(table, key)}`;
  }

  async #truncate(table: TestTable): Promise<string> {
    const random = this.#random;
    // Emptying the big one at every turn would leave nothing to load.
    if (table.name.startsWith('a big') && !random.once(4)) return this.insert(table, this.#key());
    const others = this.#tables.filter(
      (other) => other !== table && !other.name.startsWith('a big') && random.once(5),
    );
    const names = [table, ...others].map((one) => this.#id(one.name));
    await this.#client.truncate(names);
    return `truncate ${names.join(', ')}`;
  }

  /** Rows of a table without key: of equal ones, some go and some stay. */
  async #changeBag(table: TestTable, dice: number): Promise<string> {
    const random = this.#random;
    if (dice < 50) {
      const one = await this.insert(table, 0);
      if (!random.once(3)) return one;
      const some = `SELECT * FROM ${this.#client.someOf(this.#id(table.name), random.below(5), random.between(1, 3))}`;
      return `copy ${table.name}: ${await this.#run(`INSERT INTO ${this.#id(table.name)} ${some}`, [])}`;
    }
    const chosen = this.#client.some(this.#id(table.name), random.below(8), random.between(1, 4));
    if (dice < 75)
      return `delete ${table.name}: ${await this.#run(`DELETE FROM ${this.#id(table.name)} ${chosen}`, [])}`;
    const { sql, values } = this.#assignments(table);
    if (sql.length === 0) return 'nothing';
    const statement = `UPDATE ${this.#id(table.name)} SET ${sql.join(', ')} ${chosen}`;
    return `update ${table.name}: ${await this.#run(statement, values)}`;
  }

  #run(sql: string, values: readonly ColumnValue[]): Promise<number> {
    return this.#client.run(sql, values);
  }

  #id(name: string): string {
    return this.#client.quote(name);
  }
}

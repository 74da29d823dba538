import pg from 'pg';
import type { EventLog } from './event-log.ts';
import type { Random } from './random.ts';
import { KEYS, type TestTable } from './tables.ts';

const id = pg.escapeIdentifier;

/** One writer: random transactions, one after the other, over a connection of its own, until it is told to stop. */
export class Writer {
  readonly #client: pg.Client;
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
    readonly client: pg.Client;
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
      // Room for the runner on two cores.
      await new Promise((resolve) => setTimeout(resolve, this.#random.below(15)));
    }
  }

  async transaction(): Promise<void> {
    const random = this.#random;
    const steps = random.once(12) ? 0 : random.between(1, random.once(8) ? 30 : 5);
    const done: string[] = [];
    try {
      await this.#client.query('BEGIN');
      for (let step = 0; step < steps; step++) {
        const saved = random.once(6);
        if (saved) await this.#client.query('SAVEPOINT s');
        const what = await this.#change(random.pick(this.#tables));
        done.push(saved && random.once(2) ? `(${what})` : what);
        if (done.at(-1)?.startsWith('(')) await this.#client.query('ROLLBACK TO SAVEPOINT s');
      }
      const end = random.once(8) ? 'ROLLBACK' : 'COMMIT';
      await this.#client.query(end);
      if (end === 'COMMIT') this.committed++;
      this.#log.add(`${this.#name} ${end}: ${done.join('; ')}`);
    } catch (error) {
      // The other writer was in the way (a key taken, a deadlock): that is part of the workload.
      const { code, message } = error as pg.DatabaseError;
      await this.#client.query('ROLLBACK');
      this.#log.add(`${this.#name} failed (${code} ${message}): ${done.join('; ')}`);
      if (code === undefined || !EXPECTED.has(code)) throw error;
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
    const places = values.map((_, n) => `$${n + 1}`).join(', ');
    const nothing = table.key.length === 0 ? '' : ' ON CONFLICT DO NOTHING';
    const sql = `INSERT INTO ${id(table.name)} (${names.map(id).join(', ')}) VALUES (${places})${nothing}`;
    return `insert ${table.name} ${key}: ${await this.#run(sql, values)}`;
  }

  #values(table: TestTable): (string | null)[] {
    return table.columns.map((column) => (this.#random.once(6) ? null : column.kind.value(this.#random)));
  }

  #where(table: TestTable, from: number): string {
    return table.key.map((part, n) => `${id(part.name)} = $${from + n}`).join(' AND ');
  }

  /** Some columns, mostly the small ones, so that large values are left out of the log. */
  #assignments(
    table: TestTable,
    from: number,
  ): { readonly sql: readonly string[]; readonly values: (string | null)[] } {
    const random = this.#random;
    const some = table.columns.filter((column) => (column.kind.large ? random.once(4) : random.once(2)));
    const sql = some.map((column, n) => `${id(column.name)} = $${from + n}`);
    return { sql, values: some.map((column) => (random.once(6) ? null : column.kind.value(random))) };
  }

  async #update(table: TestTable, key: number): Promise<string> {
    const { sql, values } = this.#assignments(table, 1);
    const assigned =
      sql.length > 0 ? sql : table.key.slice(0, 1).map((part) => `${id(part.name)} = ${id(part.name)}`);
    const keys = table.key.map((part) => part.value(key));
    const statement = `UPDATE ${id(table.name)} SET ${assigned.join(', ')} WHERE ${this.#where(table, values.length + 1)}`;
    return `update ${table.name} ${key} (${sql.length}): ${await this.#run(statement, [...values, ...keys])}`;
  }

  async #moveKey(table: TestTable, from: number, to: number, change: boolean): Promise<string> {
    const target = table.key.map((part) => part.value(to));
    const set = table.key.map((part, n) => `${id(part.name)} = $${n + 1}`);
    const other = change ? this.#assignments(table, target.length + 1) : { sql: [], values: [] };
    const values = [...target, ...other.values];
    const sql = `UPDATE ${id(table.name)} SET ${[...set, ...other.sql].join(', ')} WHERE ${this.#where(table, values.length + 1)}`;
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
    await this.#client.query('SAVEPOINT g');
    try {
      return await work();
    } catch (error) {
      if ((error as pg.DatabaseError).code !== '23505') throw error;
      await this.#client.query('ROLLBACK TO SAVEPOINT g');
      return 'taken';
    }
  }

  async #remove(table: TestTable, key: number): Promise<string> {
    const sql = `DELETE FROM ${id(table.name)} WHERE ${this.#where(table, 1)}`;
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
    const names = [table, ...others].map((one) => id(one.name)).join(', ');
    await this.#client.query(`TRUNCATE ${names}`);
    return `truncate ${names}`;
  }

  /** Rows of a table without key: of equal ones, some go and some stay. */
  async #changeBag(table: TestTable, dice: number): Promise<string> {
    const random = this.#random;
    if (dice < 50) {
      const one = await this.insert(table, 0);
      if (!random.once(3)) return one;
      const some = `SELECT * FROM ${id(table.name)} ORDER BY ctid OFFSET ${random.below(5)} LIMIT ${random.between(1, 3)}`;
      return `copy ${table.name}: ${await this.#run(`INSERT INTO ${id(table.name)} ${some}`, [])}`;
    }
    const chosen = `ctid IN (SELECT ctid FROM ${id(table.name)} ORDER BY ctid OFFSET ${random.below(8)} LIMIT ${random.between(1, 4)})`;
    if (dice < 75)
      return `delete ${table.name}: ${await this.#run(`DELETE FROM ${id(table.name)} WHERE ${chosen}`, [])}`;
    const { sql, values } = this.#assignments(table, 1);
    if (sql.length === 0) return 'nothing';
    const statement = `UPDATE ${id(table.name)} SET ${sql.join(', ')} WHERE ${chosen}`;
    return `update ${table.name}: ${await this.#run(statement, values)}`;
  }

  async #run(sql: string, values: (string | null)[]): Promise<number> {
    return (await this.#client.query(sql, values)).rowCount ?? 0;
  }
}

/** deadlock, serialization failure, unique violation */
const EXPECTED = new Set(['40P01', '40001', '23505']);

import type { EventLog } from '../property/event-log.ts';
import type { Random } from '../property/random.ts';
import type { ShardDatabase } from './shard-servers.ts';
import { type Dialect, GROWING, type OrderShards, SHARDS, type Step } from './shard-tables.ts';

/** Keys that all shards have in common. */
const KEYS = 60;
/** A writer stays with a few shards for so many transactions, then goes to others: no commit has to touch all. */
const STAYS = 40;

type Write = Awaited<ReturnType<ShardDatabase['writer']>>;

export interface ShardWriterOptions {
  readonly dialect: Dialect;
  readonly database: ShardDatabase;
  readonly shards: OrderShards;
  readonly random: Random;
  readonly log: EventLog;
  /** Numbers of its own: every writer has another. */
  readonly number: number;
  /** How many there are. */
  readonly writers: number;
  readonly alters: boolean;
}

/** Random transactions in one database, over a connection of its own. One of its writers also changes the columns. */
export class ShardWriter {
  readonly #options: ShardWriterOptions;
  readonly #write: Write;
  readonly #steps: Step[];
  #next = 0;
  #going = false;
  #ended: Promise<void> = Promise.resolve();
  failure: unknown = null;
  committed = 0;

  private constructor(options: ShardWriterOptions, write: Write) {
    this.#options = options;
    this.#write = write;
    this.#steps = options.alters ? [...options.shards.steps] : [];
  }

  static async open(options: ShardWriterOptions): Promise<ShardWriter> {
    return new ShardWriter(options, await options.database.writer());
  }

  get stepsLeft(): number {
    return this.#steps.length;
  }

  start(): void {
    this.#going = true;
    this.#ended = this.#run();
    this.#ended.catch((error: unknown) => {
      this.failure = error;
    });
  }

  /** @throws what ended it before its time */
  async stop(): Promise<void> {
    this.#going = false;
    await this.#ended;
  }

  /** DDL waits until it is said to begin: the shards are loaded as they were first. */
  alter = false;

  async #run(): Promise<void> {
    const { random } = this.#options;
    while (this.#going) {
      if (this.alter && this.#steps.length > 0 && random.once(8)) await this.#step();
      else await this.#transaction();
      await new Promise((resolve) => setTimeout(resolve, random.between(30, 120)));
    }
  }

  async #step(): Promise<void> {
    const { database, shards, log } = this.#options;
    const step = this.#steps.shift()!;
    await database.query(step.sql);
    step.becomes(shards.columns.get(step.table)!);
    log.add(`${database.server}/${database.name}: ${step.sql}`);
  }

  async #transaction(): Promise<void> {
    const { random, database, log } = this.#options;
    const statements = Array.from({ length: random.between(1, 4) }, () => this.#statement());
    try {
      await this.#write(statements);
      this.committed++;
    } catch (error) {
      // The other writer of the database was in the way.
      if (!/deadlock/i.test((error as Error).message)) throw error;
      log.add(`${database.server}/${database.name}: ${(error as Error).message}`);
    }
  }

  #statement(): string {
    const { random, number, writers } = this.#options;
    const dice = random.below(100);
    if (dice < 8) return `INSERT INTO ${GROWING} (id, amount, status) VALUES (${this.#fresh()}, 1, 'grown')`;
    if (dice < 16) return this.#event();
    if (dice < 24) {
      // No two of these tables have a key in common.
      const id = number + writers * random.below(KEYS);
      return random.once(3)
        ? `DELETE FROM accounts WHERE id = ${id}`
        : this.#unlessThere(`accounts (id, note) VALUES (${id}, 'note ${random.below(9)}')`);
    }
    const hot = Math.floor(this.committed / STAYS) * 2 + random.below(2);
    const table = `orders_${hot % (SHARDS - 1)}`;
    const key = 1 + random.below(KEYS);
    if (dice < 25 && random.once(5)) return this.#emptied(table);
    if (dice < 45)
      return this.#unlessThere(
        `${table} (id, amount, status) VALUES (${key}, ${random.below(1000)}, 's${random.below(9)}')`,
      );
    if (dice < 55) return `DELETE FROM ${table} WHERE id = ${key}`;
    // A key that moves, to one that was never there.
    if (dice < 62) return `UPDATE ${table} SET id = ${this.#fresh()} WHERE id = ${key}`;
    if (dice < 82 && this.#options.alters) return this.#updateAny(table, key);
    return `UPDATE ${table} SET status = 't${random.below(99)}', amount = ${random.below(1000)} WHERE id = ${key}`;
  }

  #event(): string {
    const { random } = this.#options;
    const values = `('k${random.below(3)}', ${random.below(4)})`;
    return random.once(4)
      ? `DELETE FROM events WHERE kind = 'k${random.below(3)}' AND n = ${random.below(4)}`
      : `INSERT INTO events VALUES ${values}, ${values}`;
  }

  /** Values of the columns that the shard has now. */
  #updateAny(table: string, key: number): string {
    const { random, shards, dialect } = this.#options;
    const some = [...shards.columns.get(table)!].filter((name) => name !== 'id' && !random.once(3));
    const n = random.below(1000);
    const value = (name: string): string => {
      if (name === 'amount' || name === 'legacy' || name === 'grade') return String(n);
      if (name === 'status') return `'u${n}'`;
      if (name === 'at') return `'2026-02-0${1 + (n % 9)} 03:04:05.00${100 + n}'`;
      return random.once(5) ? 'NULL' : `'${name} ${n} ${dialect === 'mysql' ? 'ä' : 'ß'}'`;
    };
    if (some.length === 0) some.push('status');
    return `UPDATE ${table} SET ${some.map((name) => `${name} = ${value(name)}`).join(', ')} WHERE id = ${key}`;
  }

  #emptied(table: string): string {
    // In MySQL a TRUNCATE is a transaction of its own.
    return this.#options.dialect === 'postgres' ? `TRUNCATE ${table}` : `DELETE FROM ${table}`;
  }

  #unlessThere(what: string): string {
    const end =
      this.#options.dialect === 'postgres' ? 'ON CONFLICT DO NOTHING' : 'ON DUPLICATE KEY UPDATE id = id';
    return `INSERT INTO ${what} ${end}`;
  }

  #fresh(): number {
    const { number, writers } = this.#options;
    return 1000 + number + writers * this.#next++;
  }
}

import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { TestLake } from '../support/lake.ts';
import type { OrdersSubject } from './subjects.ts';

/** Rows of `a` that the load moves amounts between; ids above them are the test's. */
const ACCOUNTS = 20_000;

export const TABLES = `
  CREATE TABLE a (id int PRIMARY KEY, amount int NOT NULL, note varchar(100));
  CREATE TABLE b (id int PRIMARY KEY, n int NOT NULL);
  CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL)`;

/** 60 transactions a second over all tables. Those on `a` leave the sum of its amounts and the number of its rows as they are. */
export class SteadyLoad {
  readonly #write: (statements: readonly string[]) => Promise<void>;
  #going = false;
  #ended: Promise<void> = Promise.resolve();
  #next = 1;
  changesOfA = 0;

  private constructor(write: (statements: readonly string[]) => Promise<void>) {
    this.#write = write;
  }

  static async start(subject: OrdersSubject): Promise<SteadyLoad> {
    const load = new SteadyLoad(await subject.writer());
    load.go();
    return load;
  }

  go(): void {
    this.#going = true;
    this.#ended = this.#run();
    this.#ended.catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (this.#going) {
      await this.step();
      await pause(16);
    }
  }

  async step(): Promise<void> {
    const n = this.#next++;
    const from = 1 + ((n * 7919) % ACCOUNTS);
    const to = 1 + ((n * 104_729) % ACCOUNTS);
    const statements = [
      `INSERT INTO b VALUES (${n}, ${n})`,
      `UPDATE b SET n = n + 1 WHERE id = ${Math.max(1, n - 5)}`,
      `INSERT INTO c VALUES (${n}, ${n})`,
      `DELETE FROM c WHERE id = ${n - 50}`,
    ];
    if (from !== to) {
      statements.push(
        `UPDATE a SET amount = amount - 1 WHERE id = ${from}`,
        `UPDATE a SET amount = amount + 1 WHERE id = ${to}`,
      );
      this.changesOfA += 2;
    }
    await this.#write(statements);
  }

  /** @throws what ended it before its time */
  async hold(): Promise<void> {
    this.#going = false;
    await this.#ended;
  }

  /** @param rows of `a`, the load's own included */
  static async fill(subject: OrdersSubject, rows: number): Promise<void> {
    for (const statement of TABLES.split(';')) await subject.query(statement);
    for (let at = 1; at <= rows; at += 5000) {
      const values = Array.from(
        { length: Math.min(5000, rows - at + 1) },
        (_, n) => `(${at + n}, 100, 'note ${at + n}')`,
      );
      await subject.query(`INSERT INTO a VALUES ${values.join(', ')}`);
    }
  }
}

/** Reads how late the others' commits are, as the task tells it. */
export class LatencyWatch {
  readonly #lake: TestLake;
  readonly #task: string;
  readonly #seen = new Map<string, string | null>();
  #samples: number[] = [];
  #going = true;
  readonly #ended: Promise<void>;

  constructor(lake: TestLake, task: string) {
    this.#lake = lake;
    this.#task = task;
    this.#ended = this.#run();
    this.#ended.catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (this.#going) {
      for (const { source, updatedAt, latencyMs } of await this.#lake.tables(this.#task)) {
        if (source.table === 'a' || latencyMs === null || this.#seen.get(source.table) === updatedAt)
          continue;
        this.#seen.set(source.table, updatedAt);
        this.#samples.push(latencyMs);
      }
      await pause(50);
    }
  }

  /** The median since it was asked last, in ms. */
  async median(samples: number): Promise<number> {
    await this.#lake.until(() => Promise.resolve(this.#samples.length >= samples), 60);
    const taken = this.#samples.sort((x, y) => x - y);
    this.#samples = [];
    return taken[Math.floor(taken.length / 2)]!;
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#ended;
  }
}

/** Counts the rows of `a` in the lake and adds up its amounts all the while, and notes what it sees. */
export class Reader {
  readonly #lake: TestLake;
  readonly #schema: string;
  #going = true;
  readonly #ended: Promise<void>;
  /** Each state once, in the order in which they were seen: rows, sum of amounts, rows with the note `mended`. */
  readonly seen: string[] = [];
  looks = 0;

  constructor(lake: TestLake, schema: string) {
    this.#lake = lake;
    this.#schema = schema;
    this.#ended = this.#run();
    this.#ended.catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (this.#going) {
      const { rows } = await this.#lake.sql(
        `SELECT count(*), sum(amount), count(*) FILTER (note = 'mended') FROM "${this.#schema}".a`,
      );
      const state = String(rows[0]);
      if (this.seen.at(-1) !== state) this.seen.push(state);
      this.looks++;
    }
  }

  /** Forgets what was seen. @returns what is seen now */
  async fromHere(): Promise<readonly [number, number, number]> {
    await this.looksAgain(2);
    this.seen.length = 0;
    await this.looksAgain(2);
    const [rows = 0, sum = 0, mended = 0] = this.seen.at(-1)!.split(',').map(Number);
    return [rows, sum, mended];
  }

  /** Waits for more looks at the table. */
  async looksAgain(times: number): Promise<void> {
    const wanted = this.looks + times;
    await this.#lake.until(() => Promise.resolve(this.looks >= wanted));
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#ended;
  }
}

/** What the task's interval and a busy machine come to in any case. */
const FLOOR_MS = 1000;

/** The latency of the other tables, in ms: its median before an order, and while it is carried out. */
export function expectCalm(what: string, before: number, during: number): void {
  process.stdout.write(`    ${what}: ${before.toFixed(0)} ms before, ${during.toFixed(0)} ms during\n`);
  expect(during).toBeLessThanOrEqual(2 * Math.max(before, FLOOR_MS));
}

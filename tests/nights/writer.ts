import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { TestDatabase } from '../support/postgres.ts';

/** Writes transactions until it is stopped; PostgreSQL itself is never hurt here, so an error is one. */
export class Writer implements AsyncDisposable {
  readonly #client: pg.Client;
  readonly #done: Promise<void>;
  #stopping = false;
  /** Rows that were changed so far. */
  changes = 0;

  private constructor(client: pg.Client, changesPerSecond: number) {
    this.#client = client;
    this.#done = this.#write(changesPerSecond);
    this.#done.catch(() => undefined);
  }

  /** Makes the tables `accounts` (with a key) and `events` (rows without one), and begins to write them. */
  static async start(database: TestDatabase, changesPerSecond: number): Promise<Writer> {
    await database.query(`
      CREATE TABLE accounts (id int PRIMARY KEY, amount numeric(12,2) NOT NULL, note text);
      CREATE TABLE events (at timestamptz, account int, text text); ALTER TABLE events REPLICA IDENTITY FULL;
      INSERT INTO accounts SELECT i, 100, repeat('n', i % 50) FROM generate_series(1, 1000) i`);
    return new Writer(await database.client(), changesPerSecond);
  }

  async #write(changesPerSecond: number): Promise<void> {
    const begin = Date.now();
    for (let n = 1; !this.#stopping; n++) {
      const [from, to, key] = [(n * 17) % 1000, (n * 31 + 1) % 1000, 1000 + n];
      const { rowCount } = await this.#client.query(
        `WITH moved AS (UPDATE accounts SET amount = amount + CASE id WHEN $1 THEN -1 ELSE 1 END WHERE id IN ($1, $2) RETURNING id),
              made AS (INSERT INTO accounts VALUES ($3, $3 % 100, NULL) RETURNING id),
              gone AS (DELETE FROM accounts WHERE id = $3 - 50 AND $3 > 1050 RETURNING id),
              told AS (INSERT INTO events SELECT now(), i, 'event ' || $3 FROM generate_series(1, 6) i RETURNING account)
         SELECT id FROM moved UNION ALL SELECT id FROM made UNION ALL SELECT id FROM gone UNION ALL SELECT account FROM told`,
        [from, to, key],
      );
      if (n % 20 === 0)
        this.changes +=
          (
            await this.#client.query(
              `DELETE FROM events WHERE account = 6 AND ctid IN (SELECT ctid FROM events LIMIT 40)`,
            )
          ).rowCount ?? 0;
      this.changes += rowCount ?? 0;
      const ahead = (this.changes / changesPerSecond) * 1000 - (Date.now() - begin);
      if (ahead > 0) await pause(ahead);
    }
  }

  /** Resolves when `count` more changes are written. */
  async more(count: number): Promise<void> {
    const goal = this.changes + count;
    while (this.changes < goal) await Promise.race([pause(20), this.#done]);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

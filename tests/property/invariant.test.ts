import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';
import { freshSeed } from '../support/seed.ts';
import { askClickHouse, icebergTable } from './clickhouse.ts';
import { Random } from './random.ts';

const ACCOUNTS = 3000;
const START = 1000;
const TOTAL = String(2 * ACCOUNTS * START);

/** Money only moves, within a transaction, from one table to the other or within one. */
class Bank {
  #stopped = false;
  #running: Promise<void>[] = [];
  transfers = 0;

  static async open(database: TestDatabase): Promise<Bank> {
    await database.query(`
      CREATE TABLE accounts_a (id int PRIMARY KEY, balance bigint NOT NULL, note text);
      CREATE TABLE accounts_b (branch text, number bigint, balance numeric(12,2) NOT NULL, PRIMARY KEY (branch, number));
      INSERT INTO accounts_a SELECT n, ${START}, repeat('x', 1000) FROM generate_series(1, ${ACCOUNTS}) n;
      INSERT INTO accounts_b SELECT 'b' || n % 7, n, ${START} FROM generate_series(1, ${ACCOUNTS}) n`);
    return new Bank();
  }

  work(clients: readonly pg.Client[], seed: number): void {
    this.#running = clients.map((client, n) => this.#transfer(client, new Random(seed).fork(`bank ${n}`)));
    for (const one of this.#running) one.catch(() => undefined);
  }

  async #transfer(client: pg.Client, random: Random): Promise<void> {
    while (!this.#stopped) {
      const amount = random.between(1, 100);
      const [a, b] = [random.between(1, ACCOUNTS), random.between(1, ACCOUNTS)];
      const [less, more] = random.once(2) ? [-amount, amount] : [amount, -amount];
      // Always in one order, so that two of them never wait for each other.
      await client.query('BEGIN');
      await client.query('UPDATE accounts_a SET balance = balance + $2 WHERE id = $1', [a, less]);
      await client.query('UPDATE accounts_b SET balance = balance + $2 WHERE number = $1', [b, more]);
      // An account that is closed hands its money over to a new one, under another key.
      if (random.once(10))
        await client.query('UPDATE accounts_b SET branch = branch || $2 WHERE number = $1', [
          b,
          random.hex(1),
        ]);
      await client.query(random.once(10) ? 'ROLLBACK' : 'COMMIT');
      this.transfers++;
      await pause(random.below(10));
    }
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }
}

/** What a reader saw: sums of both tables, in its order. */
interface Seen {
  readonly a: string;
  readonly total: string;
}

const distinct = (seen: readonly Seen[]): number => new Set(seen.map(({ a }) => a)).size;

/** Polls until it is told to stop; a state counts only where both tables are there. */
async function poll(read: () => Promise<Seen | null>, seen: Seen[], until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    const state = await read();
    if (state === null)
      expect(seen).toEqual([]); // Once there, they stay.
    else seen.push(state);
  }
}

const STATEMENT = `SELECT a::VARCHAR, (a + b)::DECIMAL(38,0)::VARCHAR FROM
  (SELECT (SELECT sum(balance) FROM public.accounts_a) AS a, (SELECT sum(balance) FROM public.accounts_b) AS b)`;

/** One statement of the server's own SQL. */
async function readByServer(lake: TestLake): Promise<Seen | null> {
  try {
    const { rows } = await lake.sql(STATEMENT);
    const [a, total] = rows[0] as [string, string];
    return { a, total };
  } catch (error) {
    if (/accounts_[ab]/.test((error as Error).message)) return null;
    throw error;
  }
}

type Pair = readonly [a: string, b: string];

/**
 * Both tables' snapshots of one state of the catalog. A pointer never goes back to where it was: where a's is the
 * same before and after b's is asked for, both were there at that moment. null: not both are there.
 */
async function onePair(lake: TestLake): Promise<Pair | null> {
  for (;;) {
    try {
      const before = await icebergTable(lake, 'public', 'accounts_a');
      const b = await icebergTable(lake, 'public', 'accounts_b');
      if ((await icebergTable(lake, 'public', 'accounts_a')) === before) return [before, b];
    } catch (error) {
      if (/: 404 /.test((error as Error).message)) return null;
      throw error;
    }
  }
}

/**
 * Asks so often that it meets states of a millisecond. ClickHouse reads them beside it, a batch at a time and soon:
 * old metadata files do not stay for ever.
 */
class Collector {
  readonly #lake: TestLake;
  readonly #known = new Set<string>();
  readonly seen: Seen[] = [];
  #unread: Pair[] = [];
  #reading: Promise<void> | null = null;

  constructor(lake: TestLake) {
    this.#lake = lake;
  }

  async run(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      const pair = await onePair(this.#lake);
      if (pair === null || this.#known.has(pair.join())) continue;
      this.#known.add(pair.join());
      this.#unread.push(pair);
      if (this.#unread.length < BATCH) continue;
      await this.#reading;
      this.#reading = this.#read();
      this.#reading.catch(() => undefined);
    }
    await this.#reading;
    await this.#read();
  }

  async #read(): Promise<void> {
    const pairs = this.#unread;
    this.#unread = [];
    this.seen.push(...(await readByClickHouse(this.#lake, pairs)));
  }
}
const BATCH = 10;

async function readByClickHouse(lake: TestLake, pairs: readonly Pair[]): Promise<readonly Seen[]> {
  const answers = await askClickHouse(
    lake,
    pairs.map(
      ([a, b]) =>
        `SELECT toString(a), toString(a + b) FROM (SELECT (SELECT sum(balance) FROM ${a}) AS a, (SELECT sum(balance) FROM ${b}) AS b)`,
    ),
  );
  return answers.map((rows) => ({ a: rows[0]![0]!, total: rows[0]![1]! }));
}

it('never shows money that is in both tables or in neither', async () => {
  const seed = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());
  const random = new Random(seed);
  await using database = await sharedPostgres().createDatabase();
  const bank = await Bank.open(database);
  await using lake = await TestLake.start();
  await lake.createMirror('bank', database.connection, {
    parameters: { commit_interval: '250ms', chunk_size: '1MB' },
  });
  const end = new AbortController();
  const byServer: Seen[] = [];
  const collector = new Collector(lake);
  bank.work([await database.client(), await database.client(), await database.client()], seed);
  const polls = [poll(() => readByServer(lake), byServer, end.signal), collector.run(end.signal)];
  const failed = Promise.all(polls);
  failed.catch(() => undefined);
  const sawMore = async (states: number): Promise<void> => {
    const wanted = [distinct(byServer) + states, distinct(collector.seen) + states] as const;
    await Promise.race([
      failed,
      lake.until(async () => distinct(byServer) >= wanted[0] && distinct(collector.seen) >= wanted[1], 120),
    ]);
  };
  try {
    await lake.start('bank');
    await sawMore(10);
    // Another table joins by a full load, while these go on.
    await database.query(`CREATE TABLE late (id int PRIMARY KEY, body text);
      INSERT INTO late SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 5000) n`);
    await sawMore(10);
    await pause(random.below(300));
    expect(await lake.killRunner('bank')).toBe(true);
    await sawMore(20);
  } finally {
    end.abort();
    await bank.close();
  }
  await failed;
  await lake.caughtUp('bank');
  const byClickHouse = collector.seen;
  const states = {
    server: distinct(byServer),
    clickhouse: distinct(byClickHouse),
    transfers: bank.transfers,
  };
  expect(
    [...byServer, ...byClickHouse].filter(({ total }) => total !== TOTAL),
    `SLUICE_TEST_SEED=${seed} ${JSON.stringify(states)}`,
  ).toEqual([]);
  expect(states.server).toBeGreaterThanOrEqual(40);
  expect(states.clickhouse).toBeGreaterThanOrEqual(40);
  expect(await lake.differences(database.url)).toEqual([]);
  expect(await readByClickHouse(lake, [(await onePair(lake))!])).toEqual([await readByServer(lake)]);
}, 400_000);

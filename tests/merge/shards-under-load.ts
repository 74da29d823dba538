import type { TaskTable } from '@sluice/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { order } from '../orders/ordering.ts';
import { EventLog } from '../property/event-log.ts';
import { Random } from '../property/random.ts';
import { TestLake } from '../support/lake.ts';
import { freshSeed } from '../support/seed.ts';
import {
  createMerge,
  lakeLines,
  type ShardDatabase,
  type ShardServers,
  startShardServers,
  unionOf,
} from './shard-servers.ts';
import {
  columnsNow,
  type Dialect,
  FORMS,
  GROWING,
  type OrderShards,
  orderShards,
  SHARDS,
  told,
} from './shard-tables.ts';
import { ShardWriter } from './shard-writer.ts';

const SEED = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());
const MINUTES = 600_000;
const TASK = 'merge';
const PARTS = ['server', 'database', 'table'] as const;
const ofColumns = PARTS.map((part) => `of_${part}`);

const rules = (name: string, pattern: string, more: object = {}): object => ({
  name,
  target: { schema: 'lake', table: name },
  shards: { by: 'rules', rules: [{ server: 's\\d', database: 'd[01]', table: pattern }] },
  extendedFields: PARTS.map((part) => ({ part, name: `of_${part}` })),
  ...more,
});

/**
 * Three servers with two databases each and eight shards in each database. Of `orders` the keys are equal everywhere;
 * of `accounts` no two shards may have one in common; `events` has no key, so that what is applied twice is there twice.
 * SLUICE_TEST_SEED=n replays a seed, as far as it decides.
 */
export function describeShardsUnderLoad(type: Dialect): void {
  describe(`shards that change under load, SLUICE_TEST_SEED=${SEED}: ${type}`, () => {
    const random = new Random(SEED);
    const log = new EventLog();
    let servers: ShardServers;
    let lake: TestLake;
    let shards: readonly OrderShards[];
    let writers: readonly ShardWriter[] = [];
    let growth: Growth;

    beforeAll(async () => {
      servers = await startShardServers(type, 3, 2);
      lake = await TestLake.start();
      const { databases } = servers;
      shards = databases.map((database, index) =>
        orderShards(type, random.fork(`${database.server} ${database.name}`), index * SHARDS),
      );
      for (const [index, database] of databases.entries()) await fill(type, database, shards[index]!);
      // Two shards have this key before the start.
      for (const index of [0, 5])
        await databases[index]!.query(`INSERT INTO accounts VALUES (5000, 'of database ${index}')`);
      writers = await Promise.all(
        databases.flatMap((database, index) =>
          [true, false].map((alters, second) => {
            const number = 2 * index + second;
            const own = random.fork(`writer ${number}`);
            return ShardWriter.open({
              ...{ dialect: type, database, shards: shards[index]!, random: own, log, number, alters },
              writers: 2 * databases.length,
            });
          }),
        ),
      );
      await createMerge(lake, TASK, servers, {
        virtualTables: [
          rules('orders', 'orders_\\d+', { extendedKey: true }),
          rules('accounts', 'accounts'),
          rules('events', 'events'),
        ],
        parameters: { commit_interval: '2s', full_load_concurrency: '4', failover_limit: '100' },
      });
      for (const writer of writers) writer.start();
      await lake.start(TASK);
      growth = new Growth(lake);
    }, MINUTES);

    afterAll(async () => {
      await growth?.stop().catch(() => undefined);
      await Promise.allSettled(writers.map((writer) => writer.stop()));
      await lake?.[Symbol.asyncDispose]();
      await servers?.[Symbol.asyncDispose]();
    }, MINUTES);

    const accounts = async (state: string): Promise<TaskTable | undefined> =>
      (await lake.tables(TASK)).find((table) => table.source.table === 'accounts' && table.state === state);
    const shardOf = (index: number): string => {
      const { server, name } = servers.databases[index]!;
      return type === 'mysql' ? `${server}/${name}.accounts` : `${server}/${name}.public.accounts`;
    };
    /** The shard that is stopped, and by what, is named with the other one; mended, it joins. */
    async function conflict(key: number, one: number, other: number): Promise<void> {
      const found = await lake.until(() => accounts('blocked'), 240);
      log.add(`blocked: ${found.error?.message}`);
      expect(found.error?.code).toBe('TABLE_KEY_CONFLICT');
      for (const text of [`(${key})`, shardOf(one), shardOf(other)])
        expect(found.error?.message).toContain(text);
      await lake.caughtUp(TASK, 240);
      expect(await lakeLines(lake, `SELECT count(*) FROM lake.accounts WHERE id = ${key}`)).toEqual(['1']);
      const at = [one, other].find((index) => isIn(found, servers.databases[index]!));
      if (at === undefined) throw new Error(`${JSON.stringify(found.source)} is stopped`);
      await servers.databases[at]!.query(`DELETE FROM accounts WHERE id = ${key}`);
      // Carried out with the next commit, which may take its time.
      const [started] = await order(lake, TASK, 'start', [found.id]);
      expect(started?.outcome).not.toBe('refused');
      await lake.until(async () => (await accounts('blocked')) === undefined, 240);
    }
    const stepsLeft = (): number => {
      for (const { failure } of writers) if (failure !== null) throw failure;
      return writers.reduce((sum, writer) => sum + writer.stepsLeft, 0);
    };

    it(
      'ends equal to the union of the shards, killed on the way',
      async () => {
        try {
          await conflict(5000, 0, 5);
          await lake.until(async () => (await growth.rows()) > 0, 240);
          for (const writer of writers) writer.alter = true;
          const all = stepsLeft();
          await lake.until(() => Promise.resolve(stepsLeft() < all * 0.7), 240);
          log.add('the runner is killed');
          expect(await lake.killRunner(TASK)).toBe(true);
          await servers.databases[1]!.query("INSERT INTO accounts VALUES (6000, 'first')");
          await lake.caughtUp(TASK, 240);
          await servers.databases[4]!.query("INSERT INTO accounts VALUES (6000, 'second')");
          await conflict(6000, 1, 4);
          const tables = await lake.tables(TASK);
          const growing = tables.findLast(({ source }) => source.table === GROWING)!;
          const another = tables.find(({ source }) => source.table === 'orders_0')!;
          await order(lake, TASK, 'resync', [growing.id, another.id]);
          await lake.until(() => Promise.resolve(stepsLeft() < all * 0.2), 240);
          log.add('the server and its runner are killed');
          await lake.killRunner(TASK);
          await lake.killServer();
          await lake.restart();
          await lake.until(() => Promise.resolve(stepsLeft() === 0), 240);
          for (const writer of writers) await writer.stop();
          log.add('the writers have stopped');
          await lake.caughtUp(TASK, 240);
          await growth.stop();
          expect((await lake.tables(TASK)).filter(({ state }) => state !== 'live')).toEqual([]);
          expect((await lake.tables(TASK)).length).toBe(6 * (SHARDS + 2));
          for (const table of ['orders', 'accounts', 'events'])
            expect(await differences(lake, type, servers.databases, table)).toEqual([]);
          expect(await typesOf(lake)).toMatchObject({
            id: 'long',
            amount: 'decimal(14, 4)',
            status: 'string',
            note: 'string',
            remark: 'string',
            region: 'string',
            grade: 'int',
            at: 'timestamp',
          });
          expect(growth.troubles).toEqual([]);
        } catch (error) {
          throw new Error(
            `SLUICE_TEST_SEED=${SEED}, ${type}: ${(error as Error).message}\n${log.text()}\n${await lake.attemptLog(TASK)}`,
            { cause: error },
          );
        }
      },
      MINUTES,
    );
  });
}

async function fill(type: Dialect, { query }: ShardDatabase, { create }: OrderShards): Promise<void> {
  for (const sql of create) await query(sql);
  await query('CREATE TABLE accounts (id int PRIMARY KEY, note varchar(20))');
  await query('CREATE TABLE events (kind varchar(5), n int)');
  if (type === 'postgres') await query('ALTER TABLE events REPLICA IDENTITY FULL');
  for (let index = 0; index < SHARDS; index++) {
    const values = Array.from({ length: 40 }, (_, n) => `(${n + 1}, ${n}, 'old')`).join(', ');
    await query(`INSERT INTO orders_${index} (id, amount, status) VALUES ${values}`);
  }
  await query("INSERT INTO events VALUES ('k0', 1), ('k0', 1), ('k1', 2), (NULL, NULL)");
}

const isIn = ({ source }: TaskTable, { server, name }: ShardDatabase): boolean =>
  source.shard === `${server}/${name}` || (source.shard === server && source.schema === name);

/** What differs between a merged table and the union that SQL makes of its shards, by their own catalogs; empty: nothing. */
async function differences(
  lake: TestLake,
  type: Dialect,
  databases: readonly ShardDatabase[],
  table: string,
): Promise<readonly string[]> {
  const of = new RegExp(`^${table}(_\\d+)?$`);
  const catalogs = new Map<ShardDatabase, ReadonlyMap<string, readonly string[]>>();
  for (const database of databases) catalogs.set(database, await columnsNow(database, of));
  const union = [...new Set([...catalogs.values()].flatMap((tables) => [...tables.values()].flat()))].sort();
  const inLake = await lake.lake().columns('lake', table);
  expect([...(inLake ?? [])].sort()).toEqual([...union, ...ofColumns, '_op', '_source_ts'].sort());
  const wanted = await unionOf(databases, (database) =>
    [...catalogs.get(database)!].map(([shard, columns]) => ({
      table: shard,
      select: [
        ...[database.server, database.name, shard].map((part) => `'${part}'`),
        ...union.map((column) => (columns.includes(column) ? told(type, column) : 'NULL')),
      ].join(', '),
    })),
  );
  const found = await lakeLines(
    lake,
    `SELECT ${[...ofColumns, ...union.map((column) => told('lake', column))].join(', ')} FROM lake.${table}`,
  );
  expect(wanted.length).toBeGreaterThan(0);
  return [...without(wanted, found, 'missing'), ...without(found, wanted, 'too many')].slice(0, 40);
}

function without(lines: readonly string[], others: readonly string[], what: string): readonly string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.flatMap((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count > 0 ? [] : [`${what}: ${line}`];
  });
}

async function typesOf(lake: TestLake): Promise<Readonly<Record<string, string>>> {
  const api = await lake.api();
  const found = await api.get<{ columns: { name: string; type: string }[] }>(
    '/lake-tables/describe?schema=lake&table=orders',
  );
  return Object.fromEntries(
    found.columns.filter(({ name }) => name in FORMS).map(({ name, type }) => [name, type]),
  );
}

/** Counts, all the while, the rows of the shards to which rows are only added. */
class Growth {
  readonly #lake: TestLake;
  #going = true;
  readonly #ended: Promise<void>;
  #last = new Map<string, number>();
  readonly troubles: string[] = [];

  constructor(lake: TestLake) {
    this.#lake = lake;
    this.#ended = this.#run();
    this.#ended.catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (this.#going) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const found = await this.#look();
      if (found === null) continue;
      for (const [shard, count] of this.#last)
        if ((found.get(shard) ?? 0) < count)
          this.troubles.push(`${shard} had ${count} rows, then ${found.get(shard)}`);
      this.#last = found;
    }
  }

  /** null: there is no table yet, or the server is away. */
  async #look(): Promise<Map<string, number> | null> {
    try {
      const { rows } = await this.#lake.sql(
        `SELECT of_server || '/' || of_database, count(*) FROM lake.orders WHERE of_table = '${GROWING}' GROUP BY 1`,
      );
      return new Map(rows.map(([shard, count]) => [String(shard), Number(count)]));
    } catch {
      return null;
    }
  }

  async rows(): Promise<number> {
    return [...this.#last.values()].reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#ended;
  }
}

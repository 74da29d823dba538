import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../property/random.ts';
import { TestLake } from '../support/lake.ts';
import { FLAVOURS, sharedMysql, type TestMysqlDatabase } from '../support/mysql.ts';
import { freshSeed } from '../support/seed.ts';
import { CASCADE_TABLES, cascadeStatement } from './cascade-workload.ts';

const TASK = 'cascades';
const SEED = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());
const ROUNDS = 8;
const STATEMENTS = 250;

/** MariaDB obeys foreign keys without a trace in its log; MySQL from 9.6 on logs what they do. */
describe.each(FLAVOURS)('foreign keys that change rows, on %s', (flavour) => {
  const random = new Random(SEED);
  let database: TestMysqlDatabase;
  let lake: TestLake;
  let client: Connection;

  beforeAll(async () => {
    database = await sharedMysql(flavour).createDatabase();
    for (const sql of CASCADE_TABLES) await database.query(sql);
    client = await database.client();
    lake = await TestLake.start();
    await lake.createMirror(TASK, database.connection, {
      type: flavour,
      parameters: { discover_interval: '1s' },
    });
  }, 120_000);

  afterAll(async () => {
    await client?.end();
    await lake?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  }, 60_000);

  async function work(statements: number): Promise<void> {
    for (let left = statements; left > 0; ) {
      const length = Math.min(left, random.between(1, 12));
      left -= length;
      const unchecked = random.between(0, 9) === 0;
      if (unchecked) await client.query('SET SESSION foreign_key_checks = 0');
      await client.query('BEGIN');
      for (let n = 0; n < length; n++) {
        if (random.between(0, 9) === 0) await client.query('SAVEPOINT here');
        // What a rule of the tables forbids does nothing, and nothing of it is in the log.
        await client.query(cascadeStatement(random)).catch(() => undefined);
        if (random.between(0, 19) === 0) await client.query('ROLLBACK TO here').catch(() => undefined);
      }
      await client.query(random.between(0, 9) === 0 ? 'ROLLBACK' : 'COMMIT');
      if (unchecked) await client.query('SET SESSION foreign_key_checks = 1');
    }
  }

  async function expectEqual(): Promise<void> {
    await lake.caughtUp(TASK, 120);
    expect(await lake.differences(database.connection), `seed ${SEED}`).toEqual([]);
    const states = await lake.tables(TASK);
    expect(states.filter((row) => row.state !== 'live')).toEqual([]);
  }

  it(`random work, from the load on, over stops (seed ${SEED})`, async () => {
    await work(STATEMENTS);
    await lake.start(TASK);
    await work(STATEMENTS);
    await expectEqual();
    for (let round = 0; round < ROUNDS; round++) {
      await work(STATEMENTS);
      if (round % 3 === 1) {
        await lake.stop(TASK);
        await work(STATEMENTS);
        await lake.start(TASK);
      }
      await expectEqual();
    }
  }, 400_000);

  it('a parent that is loaded anew takes its children with it', async () => {
    await client.query('ALTER TABLE root ADD COLUMN filled int DEFAULT 7');
    await client.query('DELETE FROM root WHERE id < 5');
    await expectEqual();
    await client.query('ALTER TABLE root DROP COLUMN filled');
    await work(STATEMENTS);
    await expectEqual();
  }, 120_000);

  it('foreign keys that come and go', async () => {
    await client.query('ALTER TABLE leaf DROP FOREIGN KEY `leaf `` of`');
    await work(STATEMENTS);
    await client.query('DELETE FROM leaf WHERE branch NOT IN (SELECT id FROM branch)');
    await client.query(
      'ALTER TABLE leaf ADD CONSTRAINT later FOREIGN KEY (branch) REFERENCES branch (id) ON DELETE SET NULL',
    );
    await work(STATEMENTS);
    await expectEqual();
    await client.query('CREATE TABLE twig (id int PRIMARY KEY, branch int)');
    await client.query('INSERT IGNORE INTO twig SELECT id, id FROM branch');
    await expectEqual();
    await client.query('ALTER TABLE twig ADD FOREIGN KEY (branch) REFERENCES branch (id) ON DELETE CASCADE');
    await client.query('DELETE FROM branch WHERE id % 2 = 0');
    await client.query('ALTER TABLE twig DROP FOREIGN KEY twig_ibfk_1');
    await client.query('DELETE FROM branch WHERE id % 3 = 0');
    await expectEqual();
  }, 120_000);
});

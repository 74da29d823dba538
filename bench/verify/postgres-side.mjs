// The comparison's PostgreSQL: filled once, changed at a pace, and wronged past the log.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { findPostgres } from '../../demo/dist/postgres-binaries.js';
import { PostgresServer } from '../../demo/dist/postgres-server.js';
import { fillPostgres } from '../measure/ten-columns.mjs';
import { CHANGES, MIX } from './pace.mjs';

const TABLE = 'public.wide';

export async function openPostgres(home, rows, port) {
  const dataDir = join(home, 'source', 'data');
  const fresh = !existsSync(join(dataDir, 'PG_VERSION'));
  const server = await PostgresServer.start({
    binaries: await findPostgres(18),
    dataDir,
    port,
    settings: { wal_level: 'logical', max_wal_size: '16GB', shared_buffers: '512MB' },
  });
  const connect = async () => {
    const client = new pg.Client({ connectionString: server.url });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const writer = await connect();
  if (fresh) await fillPostgres(writer, rows);
  await writer.query(`CREATE OR REPLACE PROCEDURE change(fresh bigint, times int, seed bigint) LANGUAGE plpgsql AS $$
    DECLARE oldest bigint := (SELECT min(id) FROM wide); BEGIN
    FOR i IN 1..times LOOP
      FOR k IN 1..${MIX.inserts} LOOP
        INSERT INTO wide VALUES (fresh, i % 100000, left(md5(fresh::text), 20), 'customer ' || fresh % 1000000,
          'new in the street ' || i % 500, fresh % 10000000 / 100.0, now(), date '2024-01-01' + i % 700, i % 3 = 0, fresh / 7.0);
        fresh := fresh + 1;
      END LOOP;
      FOR k IN 1..${MIX.updates} LOOP
        UPDATE wide SET amount = amount + 1, c = 'sent again'
         WHERE id = (oldest + 1000 + ((seed + i) * 7919 + k * 104729) * 15485863 % (fresh - oldest - 2000)) / 2 * 2;
      END LOOP;
      FOR k IN 1..${MIX.deletes} LOOP DELETE FROM wide WHERE id = oldest; oldest := oldest + 1; END LOOP;
      COMMIT;
    END LOOP; END $$`);
  const aside = await connect();
  return {
    schema: 'public',
    server,
    source: {
      type: 'postgres',
      host: server.host,
      port,
      username: 'postgres',
      password: 'sluice',
      database: 'postgres',
    },
    database: 'postgres',
    lastId: async () =>
      Number((await writer.query(`SELECT max(id) FROM ${TABLE} WHERE id < 1e9`)).rows[0].max),
    change: (fresh, seed) => writer.query(`CALL change(${fresh}, ${CHANGES}, ${seed})`),
    run: (sql) => aside.query(sql),
    // The publication leaves these rows out for as long as the statements take.
    pastTheLog: async (ids, statements) => {
      const { rows: found } = await aside.query(
        `SELECT pubname FROM pg_publication_tables WHERE schemaname || '.' || tablename = '${TABLE}'`,
      );
      const publication = `ALTER PUBLICATION "${found[0].pubname}" SET TABLE ${TABLE}`;
      await aside.query(`${publication} WHERE (${ids.map((id) => `id <> ${id}`).join(' AND ')})`);
      for (const statement of statements) await aside.query(statement);
      await aside.query(publication);
    },
    close: async () => {
      await writer.end();
      await aside.end();
      await server[Symbol.asyncDispose]();
    },
  };
}

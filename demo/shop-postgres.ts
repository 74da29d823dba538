import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { comparePostgres } from './comparison-postgres.ts';
import { endLeftover } from './leftover.ts';
import { findPostgres, postgresFolder } from './postgres-binaries.ts';
import { POSTGRES_PASSWORD, POSTGRES_USER, PostgresServer } from './postgres-server.ts';
import type { Shop, ShopOptions } from './shop-source.ts';
import { type Session, writeUntil } from './writers.ts';
import { WRITERS } from './writers-postgres.ts';

const DATABASE = 'shop';

export async function postgresShop({ root, home, fresh }: ShopOptions): Promise<Shop> {
  const binaries = await findPostgres(18);
  const dataDir = join(await postgresFolder(join(home, 'postgres'), binaries.account), 'data');
  await endLeftover(join(dataDir, 'postmaster.pid'), dataDir, 'SIGINT');
  if (fresh) await rm(dataDir, { recursive: true, force: true });
  const server = await PostgresServer.start({
    binaries,
    dataDir,
    settings: { wal_level: 'logical', max_wal_size: '2GB' },
  });
  const url = server.urlOf(DATABASE);
  return {
    title: 'PostgreSQL 18',
    connection: {
      type: 'postgres',
      host: server.host,
      port: server.port,
      username: POSTGRES_USER,
      password: POSTGRES_PASSWORD,
      database: DATABASE,
    },
    schema: 'public',
    fill: () => fill(root, server.url, url),
    write: (counts, signal) => writeUntil(WRITERS, () => openSession(url), counts, signal),
    compare: async (lake, report) => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        return await comparePostgres(client, lake, { report });
      } finally {
        await client.end();
      }
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function fill(root: string, serverUrl: string, url: string): Promise<number | null> {
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  try {
    const there = await admin.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (there.rowCount === 0) await admin.query(`CREATE DATABASE ${DATABASE} TEMPLATE template0`);
  } finally {
    await admin.end();
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query("SELECT to_regclass('page_views') IS NOT NULL AS filled");
    if (rows[0]?.filled === true) return null;
    // Several statements in one message are one transaction: the shop is there as a whole or not at all.
    await client.query(await readFile(join(root, 'demo', 'shop-postgres.sql'), 'utf8'));
    const counted = await client.query<{ sum: string }>(
      "SELECT sum(reltuples)::bigint AS sum FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    );
    return Number(counted.rows[0]?.sum ?? 0);
  } finally {
    await client.end();
  }
}

/** Lock timeouts and deadlocks are part of a database's life; anything else is a fault of the demo. */
const PASSING = new Set(['55P03', '40P01', '40001']);

async function openSession(url: string): Promise<Session> {
  const client = new pg.Client({ connectionString: url, application_name: 'shop' });
  client.on('error', () => undefined);
  await client.connect();
  // An ALTER TABLE that waits makes everybody behind it wait; it had better give up.
  await client.query("SET lock_timeout = '2s'");
  return {
    query: async (sql, parameters) => {
      const result = await client.query(sql, parameters);
      return {
        rows: result.rows as readonly Record<string, unknown>[],
        changed: result.command === 'SELECT' ? 0 : (result.rowCount ?? 0),
      };
    },
    passes: (error) => error instanceof pg.DatabaseError && PASSING.has(error.code ?? ''),
    end: () => client.end(),
  };
}

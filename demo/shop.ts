import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';

export const DATABASE = 'shop';

/** Makes and fills the database, unless an earlier start did. @returns its rows, or null where it was there */
export async function fillShop(root: string, serverUrl: string, url: string): Promise<number | null> {
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
    await client.query(await readFile(join(root, 'demo', 'shop.sql'), 'utf8'));
    const counted = await client.query<{ sum: string }>(
      "SELECT sum(reltuples)::bigint AS sum FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    );
    return Number(counted.rows[0]?.sum ?? 0);
  } finally {
    await client.end();
  }
}

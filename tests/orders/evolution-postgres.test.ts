import { it } from 'vitest';
import { sharedPostgres } from '../support/postgres.ts';
import { evolutionByPolicy } from './evolution.ts';

it('PostgreSQL: a schema that changes is followed, ignored, or stops its table, as the policy says', async () => {
  await using database = await sharedPostgres().createDatabase();
  const { connection, url } = database;
  await evolutionByPolicy({
    type: 'postgres',
    connection,
    compared: url,
    schema: 'public',
    query: (sql) => database.query(sql),
    retype: (column, type) => `ALTER COLUMN ${column} TYPE ${type}`,
    rekey: (table, columns) =>
      `ALTER TABLE ${table} DROP CONSTRAINT ${table}_pkey, ADD PRIMARY KEY (${columns})`,
  });
}, 300_000);

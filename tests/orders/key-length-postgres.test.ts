import { it } from 'vitest';
import { sharedPostgres } from '../support/postgres.ts';
import { longKeys } from './key-length.ts';

it('PostgreSQL: a key that is too long stops its table only, and a greater limit lets it go on', async () => {
  await using database = await sharedPostgres().createDatabase();
  const { connection, url } = database;
  const query = (sql: string) => database.query(sql);
  await longKeys({ type: 'postgres', connection, compared: url, schema: 'public', query });
}, 300_000);

import { it } from 'vitest';
import { sharedMysql } from '../support/mysql.ts';
import { longKeys } from './key-length.ts';

it('MySQL: a key that is too long stops its table only, and a greater limit lets it go on', async () => {
  await using database = await sharedMysql('mysql').createDatabase();
  const { connection, name: schema } = database;
  const query = (sql: string) => database.query(sql);
  await longKeys({ type: 'mysql', connection, compared: connection, schema, query });
}, 300_000);

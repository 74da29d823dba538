import { it } from 'vitest';
import { sharedMysql } from '../support/mysql.ts';
import { evolutionByPolicy } from './evolution.ts';

it('MySQL: a schema that changes is followed, ignored, or stops its table, as the policy says', async () => {
  await using database = await sharedMysql('mysql').createDatabase();
  const { connection, name: schema } = database;
  await evolutionByPolicy({
    type: 'mysql',
    connection,
    compared: connection,
    schema,
    query: (sql) => database.query(sql),
    retype: (column, type) => `MODIFY COLUMN ${column} ${type} NOT NULL`,
    rekey: (table, columns) => `ALTER TABLE ${table} DROP PRIMARY KEY, ADD PRIMARY KEY (${columns})`,
  });
}, 300_000);

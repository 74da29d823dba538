import { describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { FLAVOURS, sharedMysql } from '../support/mysql.ts';

/** The characters of Unicode in blocks of 256: all of the first three planes, the last of all, no surrogates. */
function* blocks(): Generator<readonly [number, string]> {
  for (let first = 0; first < 0x110000; first += 256) {
    if ((first >= 0xd800 && first < 0xe000) || (first >= 0x30000 && first < 0x10ff00)) continue;
    yield [first, String.fromCodePoint(...Array.from({ length: 256 }, (_, n) => first + n))];
  }
}

describe.each(FLAVOURS)('%s', (flavour) => {
  it('every character of every character set, by load and by log', async () => {
    await using database = await sharedMysql(flavour).createDatabase();
    const sets = (
      await database.rows(
        `SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME <> 'binary' ORDER BY 1`,
      )
    ).map(([name]) => String(name));
    expect(sets.length).toBeGreaterThan(38);
    const columns = sets.map((name) => `${name} text CHARACTER SET ${name}`).join(', ');
    // What a set does not have becomes a question mark, which is the writer's affair.
    await database.query(`SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'`);
    for (const table of ['loaded', 'logged'])
      await database.query(`CREATE TABLE ${table} (id int PRIMARY KEY, ${columns})`);
    for (const [first, characters] of blocks()) {
      const literal = `'${characters.replaceAll("'", "''")}'`;
      await database.query(`INSERT INTO loaded VALUES (${first}, ${sets.map(() => literal).join(', ')})`);
    }
    await using lake = await TestLake.start();
    await lake.createMirror('characters', database.connection, { type: flavour });
    await lake.start('characters');
    await lake.caughtUp('characters', 120);
    await database.query('INSERT INTO logged SELECT * FROM loaded');
    await lake.caughtUp('characters', 120);
    expect(await lake.differences(database.connection)).toEqual([]);
  }, 200_000);
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseExposition, type Series } from '../metrics/exposition-text.ts';
import { TestLake } from '../support/lake.ts';
import { FLAVOURS, sharedMysql } from '../support/mysql.ts';

it.each(FLAVOURS)(
  'the lag of a reader of %s is nothing once it has read all, over a change of files',
  async (flavour) => {
    await using database = await sharedMysql(flavour).createDatabase();
    await database.query('CREATE TABLE keyed (id int PRIMARY KEY)');
    await using lake = await TestLake.start();
    const token = (await readFile(join(lake.dataDir, 'token'), 'utf8')).trim();
    const until = async (holds: (series: Series) => boolean): Promise<void> => {
      for (;;) {
        const answer = await fetch(`${lake.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
        if (holds(parseExposition(await answer.text()))) return;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    };
    const task = { task: 'lag' };
    await lake.createMirror('lag', database.connection, { type: flavour });
    await lake.start('lag');
    await lake.caughtUp('lag');
    await until((series) => series.value('sluice_position_lag_seconds', task) === 0);
    await database.query('FLUSH BINARY LOGS');
    await database.query('INSERT INTO keyed VALUES (1)');
    await lake.caughtUp('lag');
    await until(
      (series) =>
        series.value('sluice_position_lag_seconds', task) === 0 &&
        (series.value('sluice_position_lag_bytes', task) ?? Number.NaN) < 100_000 &&
        series.value('sluice_rows_read_total', task) === 1,
    );
    expect((await lake.status('lag')).rowsRead).toBe(1);
  },
);

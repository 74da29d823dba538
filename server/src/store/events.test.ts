import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { asCaller } from '../model/caller.ts';
import { recordEvent } from './events.ts';
import { openMetastore } from './open-metastore.ts';

it('keeps the newest events of each data source, whoever else writes, and who did them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-events-'));
  const db = await openMetastore(join(folder, 'metastore.db'));
  try {
    for (const name of ['one', 'two'])
      await db
        .insertInto('data_sources')
        .values({ name, ds_type: 7, config_json: '{}', secret: null, created_at: 0, updated_at: 0 })
        .execute();
    await db.transaction().execute(async (trx) => {
      // One after the other: every 500th event is of the same one.
      for (let n = 0; n < 500; n++)
        await asCaller(`somebody ${n % 2}`, () =>
          recordEvent(trx, { kind: 'data-source.changed', dataSourceId: 1 + (n % 2) }, 20),
        );
    });
    const rows = await db.selectFrom('events').select(['id', 'data_source_id', 'done_by']).execute();
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, n) => 461 + n));
    for (const row of rows) expect(row.done_by).toBe(`somebody ${Number(row.data_source_id) - 1}`);
  } finally {
    await db.destroy();
    await rm(folder, { recursive: true, force: true });
  }
});

import { expect, it } from 'vitest';
import { chunkLoaded, dropChunks, readChunks, writeChunks } from './chunk-rows.ts';
import type { KeptSchema } from './lane.ts';
import { addSegment, type NewSegment, readSegments } from './segment-rows.ts';
import { keptColumns, testStore } from './testing/store.ts';

const name = { schema: 's', table: 't' };

it('keeps the schema of every segment, also of one that the lane had only within a commit', async () => {
  await using subject = await testStore();
  const { store } = subject;
  const kept = keptColumns('a');
  const lane = await store.addLane(
    { source: name, target: name, objectId: 't', state: 'paused', kept, rowsEstimated: null },
    null,
  );
  const segment = (schemaVersion: number, schema: KeptSchema): NewSegment => ({
    schemaVersion,
    kept: schema,
    path: `${schemaVersion}`,
    rows: 1,
    bytes: 1,
    firstOrd: schemaVersion,
    lastOrd: schemaVersion,
    endPosition: '1',
  });
  // Its columns changed twice between two commits, with changes of rows behind each.
  lane.kept = keptColumns('a', 'b', 'c');
  lane.schemaVersion = 3;
  await store.write(async (transaction) => {
    await store.saveLane(transaction, lane);
    await addSegment(transaction, lane.id, segment(1, keptColumns('a')));
    await addSegment(transaction, lane.id, segment(2, keptColumns('a', 'b')));
    await addSegment(transaction, lane.id, segment(3, keptColumns('a', 'b', 'c')));
  });
  for (const { schemaVersion } of await readSegments(store.db, lane.id))
    expect((await store.schema(lane.id, schemaVersion)).schema.columns).toHaveLength(schemaVersion);
});

it('does not take a chunk for loaded that is not among those planned', async () => {
  await using subject = await testStore();
  const { store } = subject;
  const lane = await store.addLane(
    {
      source: name,
      target: name,
      objectId: 't',
      state: 'pending',
      kept: keptColumns('a'),
      rowsEstimated: null,
    },
    null,
  );
  const load = (number: number) =>
    store.write((transaction) =>
      chunkLoaded(transaction, lane.id, number, { files: `["${number}"]`, rows: 1 }),
    );
  await store.write((transaction) => writeChunks(transaction, lane.id, [{}, {}]));
  await load(1);
  await expect(load(2)).rejects.toMatchObject({ code: 'INTERNAL' });
  await store.write((transaction) => dropChunks(transaction, lane.id));
  await expect(load(0)).rejects.toMatchObject({ code: 'INTERNAL' });
  expect(await readChunks(store.db, lane.id)).toEqual([]);
});

it('asks within the transaction whether what is to be written still holds', async () => {
  await using subject = await testStore();
  const { store, db } = subject;
  let holds = true;
  let written = false;
  let letGo = (): void => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  // Another transaction that is under way, as a commit's is, changes what holds.
  const other = db.transaction().execute(() => held);
  const wrote = store.writeIf(
    () => holds,
    async () => {
      written = true;
    },
  );
  holds = false;
  letGo();
  await other;
  expect([await wrote, written]).toEqual([false, false]);
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWarehouse, type WarehouseFixture } from '../lakehouse/query/warehouse-fixture.ts';
import type { TableName } from '../model/table.ts';
import { lakeState } from './lake-state.ts';

const signal = new AbortController().signal;
const LINE: TableName = { schema: 's', table: 'whole', shard: 'a' };
let warehouse: WarehouseFixture;

/** A table of two shards, whose lines are tables of their own here; what they have in common with the whole one are files. */
beforeAll(async () => {
  warehouse = await openWarehouse();
  const fields = [{ name: 'id', type: { kind: 'long' }, required: true }] as const;
  for (const table of ['line', 'whole']) await warehouse.create({ schema: 's', table }, fields);
  const own = await warehouse.append({ schema: 's', table: 'line' }, 'SELECT 1');
  await warehouse.append({ schema: 's', table: 'line' }, 'SELECT 2');
  await warehouse.append({ schema: 's', table: 'whole' }, 'SELECT 3');
  await warehouse.commit({ schema: 's', table: 'whole' }, { add: own });
});
afterAll(() => warehouse.close());

/** @param pointers what the line's pointer is at each look */
function catalogOf(pointers: readonly (string | null)[], lists: 'there' | 'gone' = 'there') {
  let looks = 0;
  return {
    looks: () => looks,
    pointer: async () => pointers[Math.min(looks++, pointers.length - 1)] ?? null,
    load: async ({ table, shard }: TableName) => {
      if (shard !== undefined && lists === 'gone' && looks < 3) throw new Error('its list is gone');
      return warehouse.load({ schema: 's', table: shard === undefined ? table : 'line' });
    },
  };
}

it('of a shard is what the merged table shows of its files', async () => {
  const state = await lakeState(warehouse.storage, catalogOf(['p']), LINE, signal);
  expect(state?.files.map(({ records }) => records)).toEqual([1]);
  const { metadata } = await warehouse.load({ schema: 's', table: 'whole' });
  expect(state?.metadata['table-uuid']).toBe(metadata['table-uuid']);
  // Of a mirror it is all of them.
  const all = await lakeState(warehouse.storage, catalogOf([]), { schema: 's', table: 'whole' }, signal);
  expect(all?.files).toHaveLength(2);
});

it('is read again where the line moved meanwhile, whatever the reading came to', async () => {
  for (const lists of ['there', 'gone'] as const) {
    const catalog = catalogOf(['p', 'q', 'q', 'q'], lists);
    const state = await lakeState(warehouse.storage, catalog, LINE, signal);
    expect(state?.files).toHaveLength(1);
    expect(catalog.looks()).toBe(4);
  }
});

it('tells what failed where the line did not move, and gives up on one that always does', async () => {
  await expect(lakeState(warehouse.storage, catalogOf(['p'], 'gone'), LINE, signal)).rejects.toThrow(
    'is gone',
  );
  const moving = catalogOf(Array.from({ length: 100 }, (_, n) => `p${n}`));
  await expect(lakeState(warehouse.storage, moving, LINE, signal)).rejects.toMatchObject({ code: 'TIMEOUT' });
  expect(await lakeState(warehouse.storage, catalogOf([null]), LINE, signal)).toBe(null);
});

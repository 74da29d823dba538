import { expect, it } from 'vitest';
import { LANE_STATES } from '../model/lane-state.ts';
import { Observer } from './observe.ts';
import { WatchedServer } from './testing/watched-server.ts';

it('a table counts as stopped in each state of the blocklist, and in no other', async () => {
  await using server = await WatchedServer.start();
  const task = await server.task('orders');
  for (const state of LANE_STATES) await server.table(task.id, state, state);
  const observer = new Observer(server.db, server.control.supervisor.pulses);
  const [seen] = await observer.observe(server.now, { windowMs: 0, tables: true });
  expect(seen?.tables.filter((table) => table.blocked !== null).map((table) => table.name)).toEqual([
    'public.stalled',
    'public.blocked',
  ]);
  const [less] = await observer.observe(server.now, { windowMs: 0, tables: false });
  expect(less?.tables).toEqual([]);
});

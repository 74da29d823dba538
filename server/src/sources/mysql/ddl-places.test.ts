import { expect, it } from 'vitest';
import { DdlPlaces } from './ddl-places.ts';

const at = (offset: number): { file: string; offset: number } => ({ file: 'b.000001', offset });
const tables = (...names: string[]) => ({
  schemas: [],
  tables: names.map((table) => ({ schema: 's', table })),
});

it('remembers where DDL of what is selected was met', () => {
  const places = new DdlPlaces();
  places.met({ schema: 's', table: 't' }, at(100));
  places.met({ schema: 'other', table: 't' }, at(200));
  expect(places.since(at(50), tables('t'))).toBe(true);
  expect(places.since(at(100), tables('t'))).toBe(false);
  expect(places.since(at(50), tables('u'))).toBe(false);
  expect(places.since(at(150), { schemas: ['s'], tables: [] })).toBe(false);
  expect(places.since(at(150), { schemas: ['other'], tables: [] })).toBe(true);
  expect(places.since(at(150), { schemas: [], tables: [] })).toBe(true);
  places.met({ schema: 's', table: null }, at(300));
  expect(places.since(at(250), tables('u'))).toBe(true);
});

it('remembers what the catalog may not show yet, until it is seen', () => {
  const places = new DdlPlaces();
  places.met({ schema: 's', table: 't' }, at(100));
  places.met({ schema: 'other', table: 't' }, at(200));
  const [t] = places.unseen(tables('t'));
  expect(t).toEqual({ schema: 's', table: 't' });
  places.seen(t!);
  expect(places.unseen(tables('t'))).toEqual([]);
  places.met({ schema: 's', table: null }, at(300));
  expect(places.unseen(tables('u'))).toEqual([{ schema: 's', table: null }]);
  const [other, s] = places.unseen({ schemas: [], tables: [] });
  places.postpone(other!);
  expect(places.unseen({ schemas: [], tables: [] })).toEqual([s, other]);
  // Met again since: what was seen may be what was before.
  places.met({ ...other! }, at(400));
  places.seen(other!);
  places.postpone(other!);
  expect(places.unseen({ schemas: ['other'], tables: [] })).toEqual([{ schema: 'other', table: 't' }]);
});

it('forgets the oldest, and then says yes rather than no', () => {
  const places = new DdlPlaces();
  for (let i = 0; i < 10_010; i++) places.met({ schema: 'x', table: `t${i}` }, at(i));
  expect(places.since(at(5), tables('u'))).toBe(true);
  expect(places.since(at(10), tables('u'))).toBe(false);
});

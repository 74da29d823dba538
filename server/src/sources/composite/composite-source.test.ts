import { expect, it } from 'vitest';
import type { Source } from '../source.ts';
import { joinPositions } from './composite-position.ts';
import { CompositeSource } from './composite-source.ts';

it('compares positions and columns also where the functions are handed on by themselves', () => {
  // Not a source: no more than what is asked of it here.
  const member = {
    ddl: 'log',
    compare: (a: string, b: string) => Math.sign(Number(a) - Number(b)),
    keepsValues: () => false,
  } as unknown as Source;
  const { compare, keepsValues } = new CompositeSource(
    new Map([
      ['one', member],
      ['other', member],
    ]),
  );
  const at = (one: string, other: string): string =>
    joinPositions(
      new Map([
        ['one', one],
        ['other', other],
      ]),
    );
  expect([compare(at('2', '2'), at('1', '2')), compare(at('2', '1'), at('1', '2'))]).toEqual([1, -1]);
  const column = { name: 'a', sourceId: 1, type: { kind: 'int' }, nullable: true, native: 'int' } as const;
  expect(keepsValues({ ...column, text: { form: 'plain' } }, { ...column, text: { form: 'plain' } })).toBe(
    false,
  );
});

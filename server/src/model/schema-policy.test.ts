import { describe, expect, it } from 'vitest';
import type { LogicalType } from './logical-type.ts';
import { type SchemaPolicy, verdictOf } from './schema-policy.ts';
import type { Column, TableSchema } from './table.ts';

const INT: LogicalType = { kind: 'int' };
const LONG: LogicalType = { kind: 'long' };
const STRING: LogicalType = { kind: 'string' };

const column = (sourceId: number, name: string, type: LogicalType = INT): Column => ({
  name,
  sourceId,
  type,
  text: { form: 'plain' },
  nullable: true,
  native: type.kind,
});
const table = (columns: readonly Column[], key: readonly number[] = [0]): TableSchema => ({
  name: { schema: 's', table: 't' },
  columns,
  identity: key.length === 0 ? { kind: 'row' } : { kind: 'key', columns: key },
});

const ID = column(1, 'id');
const TARGET = table([ID, column(2, 'a'), column(3, 'b', STRING)]);
const CHANGES: Readonly<Record<string, TableSchema>> = {
  nothing: TARGET,
  order: table([ID, column(3, 'b', STRING), column(2, 'a')]),
  added: table([...TARGET.columns, column(4, 'c')]),
  dropped: table([ID, column(2, 'a')]),
  renamed: table([ID, column(2, 'other'), column(3, 'b', STRING)]),
  widened: table([ID, column(2, 'a', LONG), column(3, 'b', STRING)]),
  retyped: table([ID, column(2, 'a', STRING), column(3, 'b', STRING)]),
  'key widened': table([column(1, 'id', LONG), column(2, 'a'), column(3, 'b', STRING)]),
  'key retyped': table([column(1, 'id', STRING), column(2, 'a'), column(3, 'b', STRING)]),
  'other key': table(TARGET.columns, [0, 1]),
  'no key': table(TARGET.columns, []),
};
/** follow, widen, ignore, stop: f follows, h held, else what the text begins with. */
const EXPECTED: Readonly<Record<string, readonly [string, string, string, string]>> = {
  nothing: ['f', 'f', 'f', 'f'],
  order: ['f', 'f', 'f', 'f'],
  added: ['f', 'f', 'h', 'column added: c (int) is not in the lake'],
  dropped: [
    'f',
    'column dropped: b (string) is no longer at the source',
    'h',
    'column dropped: b (string) is no longer at the source',
  ],
  renamed: [
    'f',
    'column renamed: other at the source is a in the lake',
    'h',
    'column renamed: other at the source is a in the lake',
  ],
  widened: [
    'f',
    'f',
    'invalid modify column: a is long at the source and int in the lake',
    'invalid modify column: a is long at the source and int in the lake',
  ],
  retyped: [
    'f',
    ...(Array(3).fill('invalid modify column: a is string at the source and int in the lake') as [
      string,
      string,
      string,
    ]),
  ],
  'key widened': [
    'f',
    'f',
    'pk column type mismatch: id is long at the source and int in the lake',
    'pk column type mismatch: id is long at the source and int in the lake',
  ],
  'key retyped': [
    'f',
    ...(Array(3).fill('pk column type mismatch: id is string at the source and int in the lake') as [
      string,
      string,
      string,
    ]),
  ],
  'other key': [
    'f',
    ...(Array(3).fill('pk column different: the key is (id, a) at the source and (id) in the lake') as [
      string,
      string,
      string,
    ]),
  ],
  'no key': [
    'f',
    ...(Array(3).fill('pk column different: the key is none at the source and (id) in the lake') as [
      string,
      string,
      string,
    ]),
  ],
};
const POLICIES: readonly SchemaPolicy[] = ['follow', 'widen', 'ignore', 'stop'];

describe('what a policy makes of each change of a schema', () => {
  for (const [change, source] of Object.entries(CHANGES))
    for (const [index, policy] of POLICIES.entries())
      it(`${policy}: ${change}`, () => {
        const verdict = verdictOf(policy, TARGET, source);
        const said = verdict.kind === 'refused' ? verdict.text : verdict.kind === 'held' ? 'h' : 'f';
        expect(said).toBe(EXPECTED[change]![index]);
      });

  it('says of several the one that is most wrong', () => {
    const worse = table([column(1, 'id', STRING), column(3, 'b'), column(4, 'c')]);
    expect(verdictOf('stop', TARGET, worse)).toMatchObject({
      text: expect.stringMatching(/^pk column type/),
    });
    const worst = table([column(2, 'a'), column(1, 'id', STRING), column(3, 'b', STRING)]);
    expect(verdictOf('ignore', TARGET, worst)).toMatchObject({
      text: expect.stringMatching(/^pk column different/),
    });
  });

  it('ignores no dropped column of rows that are compared as a whole', () => {
    const target = table(TARGET.columns, []);
    const dropped = table([ID, column(2, 'a')], []);
    expect(verdictOf('ignore', target, dropped)).toMatchObject({
      text: expect.stringMatching(/^column dropped: b/),
    });
  });
});

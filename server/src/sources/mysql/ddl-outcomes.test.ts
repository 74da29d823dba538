import { describe, expect, it } from 'vitest';
import type { TableEffect } from './ddl/classify.ts';
import { outcomesOf } from './ddl-outcomes.ts';

const name = (table: string): { schema: string; table: string } => ({ schema: 's', table });
const renamed = (from: string, to: string): TableEffect => ({
  kind: 'renamed',
  from: name(from),
  to: name(to),
});

function told(effects: readonly TableEffect[]): string[] {
  return outcomesOf(effects).map((one) => {
    if (one.kind === 'renamed') return `renamed ${one.from.table} ${one.to.table}`;
    return `${one.kind} ${one.kind === 'schema-dropped' ? one.schema : one.table.table}`;
  });
}

describe('renames', () => {
  it('to a free name move the table', () => {
    expect(told([renamed('a', 'b')])).toEqual(['renamed a b']);
    expect(told([renamed('a', 'b'), renamed('b', 'c')])).toEqual(['renamed a c']);
  });

  it('of a cut-over load the name anew', () => {
    expect(told([renamed('t', '_t_del'), renamed('_t_gho', 't')])).toEqual([
      'made _t_del',
      'gap t',
      'dropped _t_gho',
    ]);
  });

  it('of two cut-overs in one statement too', () => {
    expect(
      told([renamed('t', 't_old'), renamed('t_new', 't'), renamed('u', 'u_old'), renamed('u_new', 'u')]),
    ).toEqual(['made t_old', 'gap t', 'dropped t_new', 'made u_old', 'gap u', 'dropped u_new']);
  });

  it('that swap two tables load both anew', () => {
    expect(told([renamed('a', 'x'), renamed('b', 'a'), renamed('x', 'b')])).toEqual(['gap b', 'gap a']);
  });

  it('that come back to the name change nothing', () => {
    expect(told([renamed('a', 'x'), renamed('x', 'a')])).toEqual([]);
  });

  it('in a chain: only the last one leaves its name', () => {
    expect(told([renamed('b', 'c'), renamed('a', 'b')])).toEqual(['made c', 'gap b', 'dropped a']);
  });
});

describe('other statements', () => {
  it('CREATE OR REPLACE is another table under the name', () => {
    expect(
      told([
        { kind: 'dropped', table: name('t') },
        { kind: 'created', table: name('t') },
      ]),
    ).toEqual(['gap t']);
  });

  it('ALTER … RENAME: the columns under the old name, described under the new one', () => {
    const columns = {
      renamed: [],
      dropped: [],
      added: [],
      modified: [],
      reordered: false,
      key: false,
      foreignKeys: false,
    };
    const expected = [
      { kind: 'altered', table: name('t'), now: name('u'), columns },
      { kind: 'renamed', from: name('t'), to: name('u') },
    ];
    expect(outcomesOf([{ kind: 'altered', table: name('t'), columns }, renamed('t', 'u')])).toEqual(expected);
    expect(outcomesOf([renamed('t', 'u'), { kind: 'altered', table: name('u'), columns }])).toEqual(expected);
  });
});

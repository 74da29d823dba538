import { type TableName, tableKey } from '../../model/table.ts';
import type { ColumnEffects, TableEffect } from './ddl/classify.ts';

/** What a statement means for the tables that are followed by their names. */
export type TableOutcome =
  | { readonly kind: 'truncated' | 'dropped' | 'made'; readonly table: TableName }
  | { readonly kind: 'schema-dropped'; readonly schema: string }
  | { readonly kind: 'gap'; readonly table: TableName; readonly reason: string }
  /** No table was called `to` before the statement, and none is called `from` behind it. */
  | { readonly kind: 'renamed'; readonly from: TableName; readonly to: TableName }
  /** `now`: its name behind the statement. */
  | {
      readonly kind: 'altered';
      readonly table: TableName;
      readonly now: TableName;
      readonly columns: ColumnEffects;
    };

/**
 * A statement may rename several tables, one after the other. Where a name belongs to another table in the end (the
 * cut-over of a tool that changes a table by copying it: `RENAME TABLE t TO t_old, t_new TO t`), its rows are others
 * and are loaded anew: who mirrors `t` wants what is called so.
 */
export function outcomesOf(effects: readonly TableEffect[]): readonly TableOutcome[] {
  const renames = followRenames(effects);
  const outcomes: TableOutcome[] = [];
  const dropped = new Set<string>();
  for (const effect of effects)
    switch (effect.kind) {
      case 'created':
        // CREATE OR REPLACE.
        if (dropped.has(tableKey(effect.table))) {
          const at = outcomes.findIndex(
            (one) => one.kind === 'dropped' && tableKey(one.table) === tableKey(effect.table),
          );
          outcomes[at] = { kind: 'gap', table: effect.table, reason: 'it was dropped and made again' };
        } else outcomes.push({ kind: 'made', table: effect.table });
        break;
      case 'dropped':
        dropped.add(tableKey(effect.table));
        outcomes.push({ kind: 'dropped', table: effect.table });
        break;
      case 'truncated':
        outcomes.push({ kind: 'truncated', table: effect.table });
        break;
      case 'schema-dropped':
        outcomes.push({ kind: 'schema-dropped', schema: effect.schema });
        break;
      case 'rows-changed':
        outcomes.push({ kind: 'gap', table: effect.table, reason: effect.reason });
        break;
      case 'altered': {
        const key = tableKey(effect.table);
        // Named by what it was called before or behind a rename in the same statement.
        const move = renames.find((one) => tableKey(one.from) === key || tableKey(one.to) === key);
        outcomes.push({
          kind: 'altered',
          table: move?.from ?? effect.table,
          now: move?.to ?? effect.table,
          columns: effect.columns,
        });
        break;
      }
      case 'renamed':
        break;
    }
  return [...outcomes, ...renameOutcomes(renames)];
}

/** Whether an ALTER leaves the columns, and what rows are recognised by, as they were: a plain index, a comment. */
export function leavesColumns(effects: ColumnEffects): boolean {
  const { renamed, dropped, added, modified, reordered, key, foreignKeys } = effects;
  return (
    renamed.length + dropped.length + added.length + modified.length === 0 &&
    !reordered &&
    !key &&
    !foreignKeys
  );
}

interface Move {
  readonly from: TableName;
  readonly to: TableName;
}

/** Which table, by its name before the statement, is called what behind it. */
function followRenames(effects: readonly TableEffect[]): readonly Move[] {
  const moves: { from: TableName; to: TableName }[] = [];
  for (const effect of effects) {
    if (effect.kind !== 'renamed') continue;
    const moved = moves.find((one) => tableKey(one.to) === tableKey(effect.from));
    if (moved) moved.to = effect.to;
    else moves.push({ from: effect.from, to: effect.to });
  }
  return moves.filter((move) => tableKey(move.from) !== tableKey(move.to));
}

function renameOutcomes(moves: readonly Move[]): readonly TableOutcome[] {
  const before = new Set(moves.map((move) => tableKey(move.from)));
  const behind = new Set(moves.map((move) => tableKey(move.to)));
  const outcomes: TableOutcome[] = [];
  for (const { from, to } of moves) {
    const takesOver = before.has(tableKey(to));
    const leavesEmpty = !behind.has(tableKey(from));
    if (!takesOver && leavesEmpty) {
      outcomes.push({ kind: 'renamed', from, to });
      continue;
    }
    if (takesOver) outcomes.push({ kind: 'gap', table: to, reason: 'another table was given its name' });
    else outcomes.push({ kind: 'made', table: to });
    if (leavesEmpty) outcomes.push({ kind: 'dropped', table: from });
  }
  return outcomes;
}

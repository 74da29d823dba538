import type { TableName } from '../../../model/table.ts';
import type { TableEffect } from './effects.ts';
import { type Cursor, keywords } from './tokens.ts';

/** Clauses over partitions that keep every row. */
const KEEPS_ROWS = keywords('ADD ANALYZE CHECK COALESCE OPTIMIZE REBUILD REORGANIZE');

/**
 * Effects, besides `altered`, of an ALTER TABLE's clause over partitions (MySQL manual, "ALTER TABLE Partition
 * Operations"; MariaDB knowledge base, "ALTER TABLE", "CONVERT PARTITION"). A row that fits no partition behind it fails
 * the statement. null: the clause is none of these.
 */
export function partitionEffects(
  table: TableName,
  clause: Cursor,
  readName: (cursor: Cursor) => TableName | null,
): readonly TableEffect[] | null {
  const verb = clause.key();
  if (verb === 'CONVERT' && clause.key(1) === 'TABLE') {
    clause.take('CONVERT', 'TABLE');
    const other = readName(clause);
    const gone: readonly TableEffect[] = other === null ? [] : [{ kind: 'dropped', table: other }];
    return [{ kind: 'rows-changed', table, reason: 'CONVERT TABLE TO PARTITION' }, ...gone];
  }
  if (clause.key(1) !== 'PARTITION' || verb === '') return null;
  if (KEEPS_ROWS.has(verb)) return [];
  const reason = `${verb} PARTITION`;
  const effects: TableEffect[] = [{ kind: 'rows-changed', table, reason }];
  if ((verb === 'EXCHANGE' || verb === 'CONVERT') && clause.seek('TABLE') && clause.take('TABLE')) {
    const other = readName(clause);
    if (other !== null)
      effects.push(
        verb === 'CONVERT'
          ? { kind: 'created', table: other }
          : { kind: 'rows-changed', table: other, reason },
      );
  }
  return effects;
}

import type { CascadeRule } from '../../model/cascade.ts';
import type { TableSchema } from '../../model/table.ts';

/** A column's collation as information_schema.COLUMNS has it; null: it holds no text. */
export type Collations = ReadonlyMap<string, string | null>;

/** Types of keys whose text and value are the same thing, so that a row can be found by either. */
const TOLD_TYPES: ReadonlySet<string> = new Set(['int', 'long', 'decimal', 'string', 'uuid', 'binary']);

const NAME = '`(?:[^`]|``)+`';
const NAMES = `${NAME}(?:, ${NAME})*`;

/** A line of SHOW CREATE TABLE. A comment cannot look like it: its line ends are written as \n. */
const ANY_FOREIGN_KEY = /` FOREIGN KEY \(`/g;
/** MariaDB 10.11 writes backquotes of the key's name once. */
const FOREIGN_KEY = new RegExp(
  `^  CONSTRAINT (\`.+?\`) FOREIGN KEY \\((${NAMES})\\) REFERENCES (?:(${NAME})\\.)?(${NAME}) \\((${NAMES})\\)` +
    '((?: ON (?:DELETE|UPDATE) (?:CASCADE|SET NULL|SET DEFAULT|RESTRICT|NO ACTION))*)',
  'gm',
);

/**
 * The foreign keys that change rows of their own table, from the text of SHOW CREATE TABLE (which every account that
 * may read the table may see; MariaDB hides information_schema.REFERENTIAL_CONSTRAINTS from one that may only read).
 * `columns` of a rule are those of `schema`. `logged`: see CascadeRule.
 * @returns null where the text has a foreign key that cannot be read
 */
export function cascadeRules(
  createTable: string,
  schema: TableSchema,
  collations: Collations,
  logged: boolean,
): readonly CascadeRule[] | null {
  const rules: CascadeRule[] = [];
  const keys = [...createTable.matchAll(FOREIGN_KEY)];
  if (keys.length !== [...createTable.matchAll(ANY_FOREIGN_KEY)].length) return null;
  for (const [, name, own, database, table, theirs, actions] of keys) {
    const onDelete = /ON DELETE (CASCADE|SET NULL|SET DEFAULT)/.exec(actions!)?.[1] ?? null;
    const onUpdate = /ON UPDATE (CASCADE|SET NULL|SET DEFAULT)/.exec(actions!)?.[1] ?? null;
    if (onDelete === null && onUpdate === null) continue;
    const columns = namesIn(own!).flatMap((one) => schema.columns.filter((column) => column.name === one));
    if (columns.length !== namesIn(theirs!).length) return null;
    const comparisons = columns.map((column) => comparisonOf(collations.get(column.name) ?? null));
    const odd = columns.find((column) => !TOLD_TYPES.has(column.type.kind));
    const strange = columns.find((_, index) => comparisons[index] === null);
    const rewrites = onDelete?.startsWith('SET') === true || onUpdate !== null;
    rules.push({
      name: unquoted(name!),
      parent: {
        schema: database === undefined ? schema.name.schema : unquoted(database),
        table: unquoted(table!),
      },
      columns: columns.map((column) => column.sourceId),
      referenced: namesIn(theirs!),
      comparisons: comparisons.map((one) => one ?? { text: 'exact', padded: false }),
      onDelete: onDelete === null ? 'nothing' : onDelete === 'CASCADE' ? 'delete' : 'null',
      onUpdate: onUpdate === null ? 'nothing' : onUpdate === 'CASCADE' ? 'update' : 'null',
      logged,
      untold:
        schema.identity.kind === 'row'
          ? 'the table has no primary key, by which its rows could be found'
          : `${onDelete} ${onUpdate}`.includes('SET DEFAULT')
            ? 'it sets defaults'
            : rewrites && schema.columns.some((column) => / as \(.*\) (virtual|stored)$/s.test(column.native))
              ? 'columns are generated from others'
              : odd !== undefined
                ? `its column ${odd.name} is of the type ${odd.native}`
                : strange !== undefined
                  ? `its column ${strange.name} is compared by the collation ${collations.get(strange.name)}`
                  : null,
    });
  }
  return rules;
}

function namesIn(list: string): readonly string[] {
  return [...list.matchAll(new RegExp(NAME, 'g'))].map(([name]) => unquoted(name));
}

const unquoted = (name: string): string => name.slice(1, -1).replaceAll('``', '`');

/**
 * Collations under which printable ASCII is compared letter by letter: no two letters are one, none is two (as in
 * those of languages: utf8mb4_lithuanian_ci knows i and y as equal).
 */
const PLAIN =
  /^(?:latin1_(?:swedish|general)|(?:ascii|utf8|utf8mb3|utf8mb4|ucs2|utf16|utf16le|utf32|latin2|latin7|cp1250|cp1251|cp1256|cp1257|greek|hebrew|armscii8|geostd8|koi8r|koi8u|cp866)_general|(?:utf8|utf8mb3|utf8mb4|ucs2|utf16|utf32)_unicode(?:_520)?|utf8mb4_0900|(?:utf8mb3_|utf8mb4_)?uca1400)(?:_nopad)?(?:_ai|_as)?_c([is])$/;

/** null: not known. */
function comparisonOf(collation: string | null): CascadeRule['comparisons'][number] | null {
  if (collation === null || collation === 'binary') return { text: 'exact', padded: false };
  // Of MySQL those of UCA 9.0.0 do not pad, of MariaDB those that say so (MySQL manual, "Unicode Character Sets").
  const padded = !/_0900_|nopad/.test(collation);
  if (collation.endsWith('_bin')) return { text: 'exact', padded };
  const plain = PLAIN.exec(collation);
  if (plain === null) return null;
  return { text: plain[1] === 's' ? 'case' : 'blind', padded };
}

/** The same rules for a table whose columns have other numbers by now. */
export function renumbered(
  rules: readonly CascadeRule[],
  numbers: ReadonlyMap<number, number>,
): readonly CascadeRule[] {
  return rules.map((rule) => ({ ...rule, columns: rule.columns.map((id) => numbers.get(id) ?? id) }));
}

/** Why a table cannot be mirrored whose foreign keys are obeyed unseen; null: they can be followed. */
export function untoldRule(schema: TableSchema): CascadeRule | null {
  return schema.cascades?.find((rule) => !rule.logged && rule.untold !== null) ?? null;
}

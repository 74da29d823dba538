import { describe, expect, it } from 'vitest';
import type { TableSchema } from '../../model/table.ts';
import { cascadeRules } from './foreign-keys.ts';

const column = (name: string, sourceId: number, native = 'int', kind: 'int' | 'string' | 'date' = 'int') => ({
  name,
  sourceId,
  type: { kind },
  text: { form: 'plain' as const },
  nullable: true,
  native,
});

const TABLE: TableSchema = {
  name: { schema: 'd', table: 'child' },
  columns: [
    column('id', 1),
    column('a', 2),
    column('b`c', 3, 'varchar(10)', 'string'),
    column('d', 4, 'date', 'date'),
  ],
  identity: { kind: 'key', columns: [0] },
};

const create = (...lines: readonly string[]): string =>
  `CREATE TABLE \`child\` (\n  \`id\` int NOT NULL,\n  PRIMARY KEY (\`id\`),\n${lines.map((line) => `  ${line}`).join(',\n')}\n) ENGINE=InnoDB`;

const rules = (
  line: string,
  table = TABLE,
  collation: string | null = 'utf8mb4_general_ci',
  logged = false,
) => cascadeRules(create(line), table, new Map([['b`c', collation]]), logged);

describe('foreign keys that change rows', () => {
  it('names, columns and what they do', () => {
    expect(
      rules(
        'CONSTRAINT `f` FOREIGN KEY (`b``c`, `a`) REFERENCES `o``x`.`p` (`x`, `y z`) ON DELETE CASCADE ON UPDATE SET NULL',
      ),
    ).toEqual([
      {
        name: 'f',
        parent: { schema: 'o`x', table: 'p' },
        columns: [3, 2],
        referenced: ['x', 'y z'],
        comparisons: [
          { text: 'blind', padded: true },
          { text: 'exact', padded: false },
        ],
        onDelete: 'delete',
        onUpdate: 'null',
        logged: false,
        untold: null,
      },
    ]);
    expect(rules('CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `p` (`x`) ON UPDATE CASCADE')).toMatchObject([
      { parent: { schema: 'd', table: 'p' }, onDelete: 'nothing', onUpdate: 'update' },
    ]);
  });

  it('leaves out those without such a rule', () => {
    expect(rules('CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `p` (`x`)')).toEqual([]);
    expect(
      rules('CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `p` (`x`) ON DELETE RESTRICT ON UPDATE NO ACTION'),
    ).toEqual([]);
    expect(rules("`note` int COMMENT 'ON DELETE CASCADE'")).toEqual([]);
  });

  it('a name with one backquote, as MariaDB writes it', () => {
    expect(
      rules('CONSTRAINT `f ` of` FOREIGN KEY (`a`) REFERENCES `p` (`x`) ON DELETE CASCADE'),
    ).toHaveLength(1);
  });

  it('says when a key cannot be read', () => {
    expect(rules('CONSTRAINT `f` FOREIGN KEY (`gone`) REFERENCES `p` (`x`) ON DELETE CASCADE')).toBeNull();
    expect(rules('CONSTRAINT `f\n` FOREIGN KEY (`a`) REFERENCES `p` (`x`) ON DELETE CASCADE')).toBeNull();
  });

  it.each([
    ['utf8mb4_bin', 'exact', true],
    ['utf8mb4_0900_bin', 'exact', false],
    ['utf8mb4_0900_ai_ci', 'blind', false],
    ['utf8mb4_0900_as_cs', 'case', false],
    ['utf8mb4_uca1400_ai_ci', 'blind', true],
    ['utf8mb4_uca1400_nopad_as_cs', 'case', false],
    ['latin1_swedish_ci', 'blind', true],
  ])('text under %s', (collation, text, padded) => {
    const line = 'CONSTRAINT `f` FOREIGN KEY (`b``c`) REFERENCES `p` (`x`) ON DELETE CASCADE';
    expect(rules(line, TABLE, collation)).toMatchObject([{ comparisons: [{ text, padded }], untold: null }]);
  });

  it.each([
    ['an unknown collation', 'b``c', 'ON DELETE CASCADE', TABLE, 'utf8mb4_lithuanian_ci'],
    ['a date', 'd', 'ON DELETE CASCADE', TABLE, null],
    ['defaults', 'a', 'ON DELETE SET DEFAULT', TABLE, null],
    ['no key', 'a', 'ON DELETE CASCADE', { ...TABLE, identity: { kind: 'row' as const } }, null],
    [
      'a generated column beside a rule that changes rows',
      'a',
      'ON DELETE SET NULL',
      { ...TABLE, columns: [...TABLE.columns, column('g', 5, 'int as (`a` + 1) virtual')] },
      null,
    ],
  ])('cannot be told: %s', (_, name, action, table, collation) => {
    const [rule] = rules(
      `CONSTRAINT \`f\` FOREIGN KEY (\`${name}\`) REFERENCES \`p\` (\`x\`) ${action}`,
      table,
      collation,
    )!;
    expect(rule!.untold).toEqual(expect.any(String));
  });
});

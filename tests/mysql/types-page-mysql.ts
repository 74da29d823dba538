import { TYPES } from './type-matrix-mysql.ts';

/** Columns that the text takes, as the formatter of the pages counts them: two for a Han character. */
const breadth = (text: string): number => text.length + (text.match(/\p{Script=Han}/gu)?.length ?? 0);

const NAMES = { mysql: 'MySQL only', mariadb: 'MariaDB only' } as const;

/** docs/types-mysql.md, which tests/mysql/types.test.ts keeps equal to the table. */
export function typesPage(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = TYPES.map(({ type, lake, note, refused, only }) => {
    const notes = [
      ...(only === undefined ? [] : [NAMES[only]]),
      ...(note === undefined ? [] : [note]),
      ...(refused === undefined ? [] : [`refused: ${refused.map((value) => `\`${value}\``).join(', ')}`]),
    ];
    const shown = type.startsWith("set('m0'") ? "set('m0',…,'m63')" : type;
    return [`\`${cell(shown)}\``, `\`${lake}\``, cell(notes.join('; '))] as const;
  });
  const head = ['MySQL, MariaDB', 'Iceberg', 'Notes'] as const;
  const all = [head, ...rows];
  const width = [0, 1, 2].map((at) => Math.max(3, ...all.map((one) => breadth(one[at]!))));
  const line = (one: readonly string[]): string =>
    `| ${one.map((text, at) => text + ' '.repeat(width[at]! - breadth(text))).join(' | ')} |`;
  return `# Types of MySQL and MariaDB in the lake

<!-- Written from tests/mysql/type-matrix-mysql.ts, from which the tests of types run too. After a change of that table:
     SLUICE_UPDATE_DOCS=1 npx vitest run tests/mysql/types-page-mysql.test.ts -->

The value in the lake equals the value in the source, by the full load and by the log alike. Each line is tested with
values at the type's edges on MySQL 9.7 and MariaDB 10.11: by full load, insert and update, compared exactly (doubles by
their bits).

Text is what the server gives a client whose character set is \`utf8mb4\`, with \`time_zone = '+00:00'\` and an empty
\`sql_mode\`, whatever the server and the writers are set to; every character that the server can convert from a column's
character set is tested. What a type in the lake cannot hold exactly stops the table with \`TABLE_VALUE\`, or becomes null
and is counted, as the parameter \`out_of_range\` says; in a key it always stops the table.

${[line(head), line(width.map((n) => '-'.repeat(n))), ...rows.map(line)].join('\n')}

Generated columns, virtual and stored, and invisible ones are mirrored like others.
`;
}

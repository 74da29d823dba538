import { TYPES } from './type-matrix.ts';

/** docs/types-postgres.md, which tests/mirror/types.test.ts keeps equal to the table. */
export function typesPage(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = TYPES.map(({ type, lake, note, refused }) => {
    const notes = [
      ...(note === undefined ? [] : [note]),
      ...(refused === undefined || note?.includes('refused')
        ? []
        : [`refused: ${refused.map((value) => `\`${value}\``).join(', ')}`]),
    ];
    return [`\`${cell(type)}\``, `\`${lake}\``, cell(notes.join('; '))] as const;
  });
  const head = ['PostgreSQL', 'Iceberg', 'Notes'] as const;
  const all = [head, ...rows];
  const width = [0, 1, 2].map((at) => Math.max(3, ...all.map((one) => one[at]!.length)));
  const line = (one: readonly string[]): string =>
    `| ${one.map((text, at) => text.padEnd(width[at]!)).join(' | ')} |`;
  return `# Types of PostgreSQL in the lake

<!-- Written from tests/mirror/type-matrix.ts, from which the tests of types run too. After a change of that table:
     SLUICE_UPDATE_DOCS=1 npx vitest run tests/mirror/types-page.test.ts -->

The value in the lake equals the value in the source, by the full load and by the log alike. Each line is tested with
values at the type's edges: by full load, insert and update, compared exactly (doubles by their bits).

Text is what PostgreSQL's output functions write under \`DateStyle = ISO\`, \`IntervalStyle = iso_8601\`, \`TimeZone = UTC\`,
\`extra_float_digits = 1\`, \`bytea_output = hex\`, whatever the database is set to. What a type in the lake cannot hold
exactly stops the table with \`TABLE_VALUE\`, or becomes null and is counted, as the parameter \`out_of_range\` says; in a
key it always stops the table.

${[line(head), line(width.map((n) => '-'.repeat(n))), ...rows.map(line)].join('\n')}

A type that is not in the list (of an extension, for example) is mirrored as its text. Virtual generated columns are not
in PostgreSQL's log and are left out; stored ones are mirrored from PostgreSQL 18 on, and left out before.
`;
}

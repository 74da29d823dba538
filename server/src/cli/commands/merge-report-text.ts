import type { MergeReport, ReportedVirtualTable } from '@sluice/contract';

type Shards = ReportedVirtualTable['differences'][number]['missingIn'];

/** Shards of a virtual table that are listed; more are counted. */
const LISTED = 10;

/** A merge report as a person goes through it: what was found where, then each virtual table. */
export function mergeReportText(report: MergeReport): string {
  const lines = [
    ...report.sources.flatMap(sourceLines),
    ...report.virtualTables.flatMap((table) => ['', ...tableLines(table)]),
    '',
    report.passed
      ? 'The shards go together exactly.'
      : 'The merge cannot be published yet: mend what is marked with ✗.',
  ];
  return `${lines.join('\n')}\n`;
}

function sourceLines({ server, error, databases }: MergeReport['sources'][number]): string[] {
  if (error !== null) return [`✗ ${server}: ${error.message}`, `    → ${error.remedy}`];
  if (databases.length === 0) return [`· ${server}: no database that a pattern matches`];
  return databases.flatMap(({ name, tables, matched, error: trouble }) =>
    trouble === null
      ? [`· ${server}/${name}: ${matched} of ${tables} tables`]
      : [`✗ ${server}/${name}: ${trouble.message}`, `    → ${trouble.remedy}`],
  );
}

function tableLines({
  name,
  target,
  shards,
  columns,
  differences,
  refusals,
}: ReportedVirtualTable): string[] {
  const width = Math.max(0, ...columns.map((column) => column.name.length));
  return [
    `${name} → ${target.schema}.${target.table}: ${shards.length} shards`,
    ...shards
      .slice(0, LISTED)
      .map(
        ({ server, database, schema, table }) =>
          `    ${server}/${database}.${schema === database ? '' : `${schema}.`}${table}`,
      ),
    ...(shards.length > LISTED ? [`    and ${shards.length - LISTED} more`] : []),
    ...(columns.length === 0 ? [] : ['  merged columns']),
    ...columns.map(
      (column) =>
        `    ${column.name.padEnd(width)}  ${column.type}${column.nullable ? '' : ' not null'}${column.inKey ? ', key' : ''}${column.extended === null ? '' : `, ${column.extended} of the row`}`,
    ),
    ...(differences.length === 0 ? [] : ['  columns that differ']),
    ...differences.flatMap(({ column, merged, definitions, missingIn }) => [
      `    ${column} → ${merged === null ? '✗ no common type' : `${merged.type}${merged.nullable ? '' : ' not null'}`}`,
      ...definitions.map(
        ({ native, nullable, shards: having }) =>
          `      ${native}${nullable ? '' : ' not null'}: ${shardsText(having)}`,
      ),
      ...(missingIn.count === 0 ? [] : [`      missing: ${shardsText(missingIn)}`]),
    ]),
    ...refusals.flatMap(({ message, remedy }) => [`  ✗ ${message}`, `      → ${remedy}`]),
  ];
}

function shardsText({ count, names }: Shards): string {
  const more = count - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

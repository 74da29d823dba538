import { type ColumnSides, sourceTableText, type TableException } from '@sluice/contract';
import { textTable } from '../text-table.ts';

/** The tables of a task that something is wrong with, as a person goes through them: what, both sides, what to do. */
export function exceptionsText(exceptions: readonly TableException[]): string {
  if (exceptions.length === 0) return 'Nothing is wrong with any table.\n';
  return exceptions.map(exceptionText).join('\n');
}

function exceptionText(exception: TableException): string {
  const { id, source, target, state, since, error, differs, columns } = exception;
  return [
    `✗ ${sourceTableText(source)} → ${target.schema}.${target.table} (id ${id}): ${state} since ${since}\n`,
    `  ${error.message}\n`,
    ...(differs ? ['\n', indented(sidesTable(columns)), '\n'] : []),
    `  what to do   ${error.remedy}\n`,
    ...kept(exception),
    `  code         ${error.code} (sluice errors ${error.code})\n`,
  ].join('');
}

function kept({ waiting, startsWith }: TableException): string[] {
  if (startsWith === null) return [];
  const what =
    startsWith === 'load'
      ? 'start-table loads the table anew beside what is visible'
      : `start-table applies the ${waiting?.changes ?? 0} changes that were kept, without a new load`;
  return [`  after that   ${what}\n`];
}

/** A line a column; what differs is marked. */
function sidesTable(columns: readonly ColumnSides[]): string {
  return textTable({
    columns: ['', 'source', 'type', 'target', 'type in the lake', 'differs'],
    rows: columns.map(({ source, target, differs }) => [
      differs.length > 0 ? '≠' : '',
      source?.name ?? '—',
      side(source),
      target?.name ?? '—',
      side(target),
      differs.join(', '),
    ]),
  });
}

function side(one: ColumnSides['source']): string {
  if (one === null) return '';
  return `${one.type}${one.inKey ? ', key' : one.nullable ? '' : ' not null'}`;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}

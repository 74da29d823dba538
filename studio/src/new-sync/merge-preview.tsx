import type { MergeReport, ReportedVirtualTable } from '@sluice/contract';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { call } from '../api/calls.ts';
import { Badge } from '../design/badge.tsx';
import { ErrorNotice, Notice } from '../design/notice.tsx';
import { compact, counted } from '../format/numbers.ts';
import type { Draft } from './draft.ts';
import { mergeSpecOf, missingOfMerge } from './merge-draft.ts';

/** So long after the last key the servers are asked. */
const QUIET_MS = 500;
const LISTED_SHARDS = 12;

/** A value that has not changed for a while. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), QUIET_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** What the rules match now, and what the merged tables would be; asked of the sources themselves. */
export function MergePreview({ draft }: { draft: Draft }) {
  const why = missingOfMerge(draft);
  const asked = useSettled(why === null ? JSON.stringify(mergeSpecOf(draft)) : '');
  const report = useQuery({
    queryKey: ['merge-preview', asked],
    queryFn: ({ signal }) => call('previewMerge', { body: JSON.parse(asked), signal }),
    enabled: asked !== '',
    placeholderData: (before) => before,
    retry: false,
  });
  return (
    <section className="stack" aria-label="What it comes to">
      <div className="row apart">
        <h2>What it comes to</h2>
        {report.isFetching && <Badge tone="busy">reading the sources</Badge>}
      </div>
      {why !== null ? (
        <p className="muted">{why}; then the source tables that match are shown here.</p>
      ) : (
        <>
          <ErrorNotice error={report.error} />
          {report.error === null && report.data !== undefined && <Report report={report.data} />}
        </>
      )}
    </section>
  );
}

function Report({ report }: { report: MergeReport }) {
  const troubles = report.sources.flatMap(({ server, error, databases }) => [
    ...(error === null ? [] : [{ of: server, error }]),
    ...databases.flatMap((one) =>
      one.error === null ? [] : [{ of: `${server}/${one.name}`, error: one.error }],
    ),
  ]);
  return (
    <>
      <Notice
        tone={report.passed ? 'good' : 'warn'}
        title={
          report.passed
            ? 'The shards go together exactly'
            : 'It cannot be published like this; what is in the way is below'
        }
      >
        <p className="muted">
          {report.sources
            .flatMap(({ server, databases }) =>
              databases.map(
                ({ name, tables, matched }) => `${server}/${name}: ${matched} of ${counted(tables, 'table')}`,
              ),
            )
            .join(' · ') || 'No database has a table that a pattern could match.'}
        </p>
      </Notice>
      {troubles.map(({ of, error }) => (
        <Notice key={of} tone="bad" title={`${of}: ${error.message}`}>
          <p>{error.remedy}</p>
        </Notice>
      ))}
      {report.virtualTables.map((table) => (
        <TableReport key={table.name} table={table} />
      ))}
    </>
  );
}

function TableReport({ table }: { table: ReportedVirtualTable }) {
  const { shards, refusals, columns, differences } = table;
  const name = `${table.target.schema}.${table.target.table}`;
  const rows = shards.reduce((sum, { estimatedRows }) => sum + (estimatedRows ?? 0), 0);
  const differing = new Map(differences.map((one) => [one.column, one]));
  return (
    <section className="card" aria-label={`Preview of ${name}`}>
      <header>
        <h3>{name}</h3>
        <span className="row">
          <span className="muted number">
            {counted(shards.length, 'shard')}
            {rows > 0 && `, about ${compact(rows)} rows`}
          </span>
          {refusals.length > 0 && <Badge tone="bad">{counted(refusals.length, 'refusal')}</Badge>}
        </span>
      </header>
      {refusals.length > 0 && (
        <ul className="inside refusals">
          {refusals.map(({ kind, message, remedy }) => (
            <li key={message}>
              <Badge tone="bad">{kind}</Badge>{' '}
              {message.startsWith(`${kind}: `) ? message.slice(kind.length + 2) : message}{' '}
              <span className="muted">{remedy}</span>
            </li>
          ))}
        </ul>
      )}
      {shards.length > 0 && (
        <p className="inside small mono">
          {shards
            .slice(0, LISTED_SHARDS)
            .map(({ server, database, schema, table: one }) =>
              [server, database, ...(schema === database ? [] : [schema]), one].join('.'),
            )
            .join(', ')}
          {shards.length > LISTED_SHARDS && ` and ${shards.length - LISTED_SHARDS} more`}
        </p>
      )}
      {columns.length > 0 && (
        <div className="scroll">
          <table className="list">
            <thead>
              <tr>
                <th>Column</th>
                <th>In the lake</th>
                <th>Key</th>
                <th>Null</th>
                <th>Where shards differ</th>
              </tr>
            </thead>
            <tbody>
              {columns.map((column) => (
                <tr key={column.name} className="top">
                  <td>{column.name}</td>
                  <td className="mono number">{column.type}</td>
                  <td>{column.inKey ? 'key' : ''}</td>
                  <td className="muted">{column.nullable ? 'allowed' : 'never'}</td>
                  <td className="muted small">
                    {column.extended === null
                      ? differenceText(differing.get(column.name))
                      : `the ${column.extended} of the row`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function differenceText(difference: ReportedVirtualTable['differences'][number] | undefined): string {
  if (difference === undefined) return '';
  const { definitions, missingIn } = difference;
  const said = definitions.map(({ native, shards }) => `${native} in ${counted(shards.count, 'shard')}`);
  if (missingIn.count > 0) said.push(`not in ${counted(missingIn.count, 'shard')}`);
  return said.join(', ');
}

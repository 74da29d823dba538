import { useQuery } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { Badge } from '../design/badge.tsx';
import { ButtonLink } from '../design/button.tsx';
import { Empty, ErrorNotice } from '../design/notice.tsx';
import { Term } from '../design/term.tsx';
import { bytes, count, counted } from '../format/numbers.ts';
import { Ago } from '../format/time.tsx';
import { Link, useQueryValue } from '../routing/location.tsx';
import { PageHead } from '../shell/page-head.tsx';

/** More lines than that nobody reads; a search finds the others. */
const SHOWN = 500;

export const tablePath = (schema: string, table: string): string =>
  `/lakehouse/${encodeURIComponent(schema)}/${encodeURIComponent(table)}`;

export function LakehousePage() {
  const [text, setText] = useQueryValue('find');
  const tables = useQuery({
    queryKey: ['lake-tables'],
    queryFn: ({ signal }) => call('listLakeTables', { signal }),
    refetchInterval: 10_000,
  });
  const found = (tables.data ?? []).filter(({ schema, table }) =>
    `${schema}.${table}`.toLowerCase().includes(text.toLowerCase()),
  );
  const size = (tables.data ?? []).reduce((sum, table) => sum + (table.bytes ?? 0), 0);
  return (
    <>
      <PageHead
        title="Lakehouse"
        about={
          tables.data === undefined
            ? 'The Iceberg tables of the warehouse'
            : `${counted(tables.data.length, 'Iceberg table')}, ${bytes(size)}`
        }
      >
        <ButtonLink to="/lakehouse/connect">Connect an engine</ButtonLink>
        <ButtonLink to="/sql" look="primary">
          Query with SQL
        </ButtonLink>
      </PageHead>
      <ErrorNotice error={tables.error} />
      {tables.data !== undefined && tables.data.length === 0 && (
        <div className="card">
          <Empty title="The warehouse is empty">
            <p>Its tables appear when a task has loaded them.</p>
            <ButtonLink to="/new-sync" look="primary">
              New sync
            </ButtonLink>
          </Empty>
        </div>
      )}
      {tables.data !== undefined && tables.data.length > 0 && (
        <section className="card" aria-label="Tables">
          <header>
            <input
              className="input narrow"
              type="search"
              placeholder="Find a table"
              aria-label="Find a table"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
            <span className="muted small number">
              {found.length > SHOWN ? `the first ${SHOWN} of ` : ''}
              {count(found.length)} of {count(tables.data.length)}
            </span>
          </header>
          <div className="scroll">
            <table className="list">
              <thead>
                <tr>
                  <th>Table</th>
                  <th className="right">Rows</th>
                  <th className="right">Size</th>
                  <th className="right">Data files</th>
                  <th className="right">
                    <Term about="Files that list deleted rows; maintenance merges them away while the task runs">
                      Delete files
                    </Term>
                  </th>
                  <th className="right">Updated</th>
                </tr>
              </thead>
              <tbody>
                {found.slice(0, SHOWN).map((table) => (
                  <tr key={`${table.schema}.${table.table}`}>
                    <td>
                      <Link to={tablePath(table.schema, table.table)}>
                        {table.schema}.{table.table}
                      </Link>{' '}
                      {table.error !== null && (
                        <Badge tone="bad" title={table.error}>
                          cannot be read
                        </Badge>
                      )}
                    </td>
                    <td className="right number" title={table.rows === null ? '' : count(table.rows)}>
                      {table.rows === null ? '–' : count(table.rows)}
                    </td>
                    <td className="right number">{table.bytes === null ? '–' : bytes(table.bytes)}</td>
                    <td className="right number">
                      {table.dataFiles === null ? '–' : count(table.dataFiles)}
                    </td>
                    <td className="right number">
                      {table.deleteFiles === null ? '–' : count(table.deleteFiles)}
                    </td>
                    <td className="right">
                      <Ago time={table.updatedAt} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </>
  );
}

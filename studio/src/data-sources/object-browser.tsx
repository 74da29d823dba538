import type { DataSource } from '@sluice/contract';
import { useQuery } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { Badge } from '../design/badge.tsx';
import { Empty, ErrorNotice, ProblemNotice } from '../design/notice.tsx';
import { compact, counted } from '../format/numbers.ts';
import { useQueryValue } from '../routing/location.tsx';

/** More lines than that nobody reads; a search finds the others. */
const SHOWN = 300;
/** Parts a schema from a table in the address; names hold no control characters. */
const PART = '\u001f';

/** Databases, tables, columns and some rows of a data source. */
export function ObjectBrowser({ source }: { source: DataSource }) {
  const [catalog, setCatalog] = useQueryValue('database', source.database);
  const [text, setText] = useQueryValue('find');
  const [chosen, setChosen] = useQueryValue('table');
  const ref = source.name;
  const catalogs = useQuery({
    queryKey: ['catalogs', ref],
    queryFn: ({ signal }) => call('listCatalogs', { params: { ref }, signal }),
  });
  const objects = useQuery({
    queryKey: ['objects', ref, catalog],
    queryFn: ({ signal }) => call('listObjects', { params: { ref, catalog }, signal }),
  });
  const found = (objects.data ?? []).filter(({ schema, table }) =>
    `${schema}.${table}`.toLowerCase().includes(text.toLowerCase()),
  );
  return (
    <div className="beside wide">
      <section className="card" aria-label="Tables">
        <header>
          <select
            className="input"
            aria-label="Database"
            value={catalog}
            onChange={(event) => setCatalog(event.target.value)}
          >
            {[...new Set([catalog, ...(catalogs.data ?? []).map(({ name }) => name)])].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          <input
            className="input"
            type="search"
            placeholder="Find a table"
            aria-label="Find a table"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </header>
        <ErrorNotice error={catalogs.error ?? objects.error} />
        {objects.isPending && <p className="inside muted">Reading the tables …</p>}
        <ul className="objects">
          {found.slice(0, SHOWN).map((object) => {
            const id = object.schema + PART + object.table;
            return (
              <li key={id}>
                <button type="button" aria-pressed={id === chosen} onClick={() => setChosen(id)}>
                  <span className="cut grow">
                    {object.schema}.{object.table}
                  </span>
                  {object.problem !== null && (
                    <Badge tone="warn" title={object.problem.message}>
                      not as it is
                    </Badge>
                  )}
                  <span className="faint small number">
                    {object.estimatedRows === null ? '' : `≈ ${compact(object.estimatedRows)} rows`}
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
        {objects.data !== undefined && (
          <p className="inside faint small">
            {found.length > SHOWN ? `The first ${SHOWN} of ` : ''}
            {counted(found.length, 'table')}
          </p>
        )}
      </section>
      {chosen === '' ? (
        <div className="card">
          <Empty title="Choose a table">
            <p>
              Its columns, with their types at the source and in the lake, and some of its rows are shown
              here.
            </p>
          </Empty>
        </div>
      ) : (
        <ObjectView source={ref} catalog={catalog} id={chosen} />
      )}
    </div>
  );
}

function ObjectView({ source, catalog, id }: { source: string; catalog: string; id: string }) {
  const [schema = '', table = ''] = id.split(PART);
  const params = { ref: source, catalog };
  const detail = useQuery({
    queryKey: ['object', source, catalog, id],
    queryFn: ({ signal }) => call('describeObject', { params, query: { schema, table }, signal }),
  });
  const sample = useQuery({
    queryKey: ['sample', source, catalog, id],
    queryFn: ({ signal }) => call('sampleObject', { params, query: { schema, table, limit: 10 }, signal }),
  });
  if (detail.data === undefined) return <ErrorNotice error={detail.error} />;
  return (
    <div className="stack">
      <h2>
        {schema}.{table}
      </h2>
      {detail.data.problem !== null && <ProblemNotice problem={detail.data.problem} />}
      <section className="card scroll" aria-label="Columns">
        <table className="list">
          <thead>
            <tr>
              <th>Column</th>
              <th>At the source</th>
              <th>In the lake</th>
              <th>Key</th>
              <th>Null</th>
            </tr>
          </thead>
          <tbody>
            {detail.data.columns.map((column) => (
              <tr key={column.name}>
                <td>{column.name}</td>
                <td className="mono">{column.native}</td>
                <td className="mono">{column.type}</td>
                <td>{column.inKey ? 'key' : ''}</td>
                <td className="muted">{column.nullable ? 'allowed' : 'never'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <h3>Some rows</h3>
      <ErrorNotice error={sample.error} />
      {sample.data !== undefined && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls is reached by the keyboard
        <section className="card scroll" aria-label="Some rows" tabIndex={0}>
          <table className="list grid">
            <thead>
              <tr>
                {sample.data.columns.map((column) => (
                  <th key={column}>{column}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {sample.data.rows.map((row, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: sampled rows have no other name
                <tr key={at}>
                  {row.map((value, column) => (
                    <td key={sample.data.columns[column]} className={value === null ? 'faint' : ''}>
                      {value === null ? 'null' : value.slice(0, 200)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}

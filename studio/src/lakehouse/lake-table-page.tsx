import { useQuery } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { Badge } from '../design/badge.tsx';
import { ButtonLink } from '../design/button.tsx';
import { ErrorNotice, Notice } from '../design/notice.tsx';
import { Tabs } from '../design/tabs.tsx';
import { Term } from '../design/term.tsx';
import { bytes, compact, count, percent } from '../format/numbers.ts';
import { Ago, When } from '../format/time.tsx';
import { useQueryValue } from '../routing/location.tsx';
import { PageHead } from '../shell/page-head.tsx';
import { ResultGrid } from '../sql/result-grid.tsx';
import { deletedShare, fileHealth } from './file-health.ts';

const TABS = [
  ['columns', 'Columns'],
  ['rows', 'Rows'],
  ['snapshots', 'Snapshots'],
  ['files', 'Files'],
] as const;

interface Name {
  readonly schema: string;
  readonly table: string;
}

/** As SQL writes a name whose letters may be any. */
const quoted = (text: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`;

export function LakeTablePage(name: Name) {
  const [tab, setTab] = useQueryValue('tab', 'columns');
  const detail = useQuery({
    queryKey: ['lake-table', name.schema, name.table],
    queryFn: ({ signal }) => call('describeLakeTable', { query: name, signal }),
    refetchInterval: 10_000,
  });
  const title = `${name.schema}.${name.table}`;
  const select = `SELECT * FROM ${quoted(name.schema)}.${quoted(name.table)} LIMIT 100`;
  return (
    <>
      <PageHead title={title} about={detail.data?.location ?? undefined}>
        <ButtonLink to={`/sql?q=${encodeURIComponent(select)}`} look="primary">
          Query with SQL
        </ButtonLink>
      </PageHead>
      <ErrorNotice error={detail.error} />
      {detail.data !== undefined && (
        <>
          <dl className="figures of-4">
            <div>
              <dt>Rows</dt>
              <dd title={detail.data.rows === null ? '' : count(detail.data.rows)}>
                {detail.data.rows === null ? '–' : compact(detail.data.rows)}
              </dd>
              <dd className="note">that a reader sees</dd>
            </div>
            <div>
              <dt>Size</dt>
              <dd>{detail.data.bytes === null ? '–' : bytes(detail.data.bytes)}</dd>
              <dd className="note">data and delete files</dd>
            </div>
            <div>
              <dt>Data files</dt>
              <dd>{detail.data.dataFiles ?? '–'}</dd>
              <dd className="note">{detail.data.deleteFiles ?? '–'} delete files</dd>
            </div>
            <div>
              <dt>Updated</dt>
              <dd className="words">
                <Ago time={detail.data.updatedAt} />
              </dd>
              <dd className="note cut">snapshot {detail.data.snapshotId ?? '–'}</dd>
            </div>
          </dl>
          <Tabs label="Views of the table" tabs={TABS} current={tab} onChoose={setTab} />
          {tab === 'rows' && <Rows {...name} />}
          {tab === 'snapshots' && <Snapshots {...name} />}
          {tab === 'files' && <Files {...name} />}
          {tab === 'columns' && (
            <section className="card scroll" aria-label="Columns">
              <table className="list">
                <thead>
                  <tr>
                    <th className="right">Id</th>
                    <th>Column</th>
                    <th>Type</th>
                    <th>Key</th>
                    <th>Null</th>
                    <th>About</th>
                  </tr>
                </thead>
                <tbody>
                  {detail.data.columns.map((column) => (
                    <tr key={column.id}>
                      <td className="right number faint">{column.id}</td>
                      <td>{column.name}</td>
                      <td className="mono">{column.type}</td>
                      <td>{column.key ? 'key' : ''}</td>
                      <td className="muted">{column.required ? 'never' : 'allowed'}</td>
                      <td className="muted">{column.doc ?? ''}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
          )}
        </>
      )}
    </>
  );
}

function Rows(name: Name) {
  const rows = useQuery({
    queryKey: ['lake-rows', name.schema, name.table],
    queryFn: ({ signal }) => call('previewLakeTable', { query: { ...name, limit: 100 }, signal }),
  });
  return (
    <>
      <ErrorNotice error={rows.error} />
      {rows.data !== undefined && (
        <div className="card">
          <ResultGrid result={rows.data} />
        </div>
      )}
    </>
  );
}

const SHOWN = 200;
const whole = (text: string | undefined): string => (text === undefined ? '–' : count(Number(text)));

function Snapshots(name: Name) {
  const history = useQuery({
    queryKey: ['lake-history', name.schema, name.table],
    queryFn: ({ signal }) => call('lakeTableHistory', { query: name, signal }),
  });
  if (history.data === undefined) return <ErrorNotice error={history.error} />;
  return (
    <section className="card scroll" aria-label="Snapshots">
      <table className="list">
        <thead>
          <tr>
            <th>Committed</th>
            <th>Snapshot</th>
            <th className="spare">Operation</th>
            <th className="right">Rows added</th>
            <th className="right">Rows deleted</th>
            <th className="right">Rows after</th>
          </tr>
        </thead>
        <tbody>
          {history.data.slice(0, SHOWN).map((snapshot) => (
            <tr key={snapshot.snapshotId}>
              <td>
                <When time={snapshot.committedAt} />
              </td>
              <td className="mono number">
                {snapshot.snapshotId} {snapshot.current && <Badge tone="good">current</Badge>}
              </td>
              <td className="spare">{snapshot.operation}</td>
              <td className="right number">{whole(snapshot.summary['added-records'])}</td>
              <td className="right number">
                {whole(snapshot.summary['added-position-deletes'] ?? snapshot.summary['deleted-records'])}
              </td>
              <td className="right number">{snapshot.rows === null ? '–' : count(snapshot.rows)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Files(name: Name) {
  const stats = useQuery({
    queryKey: ['lake-stats', name.schema, name.table],
    queryFn: ({ signal }) => call('lakeTableStats', { query: name, signal }),
  });
  if (stats.data === undefined) return <ErrorNotice error={stats.error} />;
  const { data } = stats;
  const health = fileHealth(data);
  const size = (value: number | null) => (value === null ? '–' : bytes(value));
  return (
    <div className="stack">
      <Notice tone={health.tone} title={health.title}>
        <p className="muted">
          Small files, and files with many deleted rows, are put together by the task while it runs.
        </p>
      </Notice>
      <dl className="figures of-4 small">
        <div>
          <dt>Data files</dt>
          <dd>{data.dataFiles === null ? '–' : count(data.dataFiles)}</dd>
          <dd className="note">
            {size(data.smallestFileBytes)} to {size(data.largestFileBytes)}
          </dd>
        </div>
        <div>
          <dt>
            <Term about="Files that list deleted rows: readers leave these out">Delete files</Term>
          </dt>
          <dd>{data.deleteFiles === null ? '–' : count(data.deleteFiles)}</dd>
          <dd className="note">beside the data files</dd>
        </div>
        <div>
          <dt>Deleted rows</dt>
          <dd>{count(data.deletedRows)}</dd>
          <dd className="note">{percent(deletedShare(data))} of those in its files</dd>
        </div>
        <div>
          <dt>Snapshots</dt>
          <dd>{count(data.snapshots)}</dd>
          <dd className="note">are kept</dd>
        </div>
      </dl>
      <section className="card scroll" aria-label="Columns in files">
        <table className="list">
          <thead>
            <tr>
              <th>Column</th>
              <th className="right">Compressed</th>
              <th className="right" title="In data files, rows that are deleted included">
                Nulls
              </th>
            </tr>
          </thead>
          <tbody>
            {data.columns.map((column) => (
              <tr key={column.name}>
                <td>{column.name}</td>
                <td className="right number">{bytes(column.bytes)}</td>
                <td className="right number">{column.nulls === null ? '–' : count(column.nulls)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/calls.ts';
import { Badge } from '../design/badge.tsx';
import { Button } from '../design/button.tsx';
import { Empty, ErrorNotice } from '../design/notice.tsx';
import { duration } from '../format/numbers.ts';
import { When } from '../format/time.tsx';
import { Link } from '../routing/location.tsx';
import { PageHead } from '../shell/page-head.tsx';
import { ConnectionDialog } from './connection-dialog.tsx';
import { kindText } from './kinds.ts';

export function DataSourcesPage() {
  const [adding, setAdding] = useState(false);
  const sources = useQuery({
    queryKey: ['data-sources'],
    queryFn: ({ signal }) => call('listDataSources', { signal }),
  });
  return (
    <>
      <PageHead title="Data sources" about="The databases that tasks read">
        <Button look="primary" onClick={() => setAdding(true)}>
          Add a data source
        </Button>
      </PageHead>
      <ErrorNotice error={sources.error} />
      {sources.data !== undefined && (
        <div className="card scroll">
          {sources.data.length === 0 ? (
            <Empty title="No data source yet">
              <p>
                A data source is a connection to PostgreSQL, MySQL or MariaDB. It is checked before it is
                saved, and nothing is written to the database by that.
              </p>
              <Button look="primary" onClick={() => setAdding(true)}>
                Add a data source
              </Button>
            </Empty>
          ) : (
            <table className="list">
              <thead>
                <tr>
                  <th>Name</th>
                  <th>Kind</th>
                  <th>Address</th>
                  <th>Account</th>
                  <th>Connection</th>
                  <th className="right spare">Changed</th>
                </tr>
              </thead>
              <tbody>
                {sources.data.map((source) => (
                  <tr key={source.id}>
                    <td>
                      <Link to={`/data-sources/${encodeURIComponent(source.name)}`}>{source.name}</Link>
                    </td>
                    <td>{kindText(source.type)}</td>
                    <td className="mono">
                      {source.host}:{source.port}/{source.database}
                    </td>
                    <td>{source.username}</td>
                    <td>
                      <Health name={source.name} />
                    </td>
                    <td className="right spare">
                      <When time={source.updatedAt} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </div>
      )}
      {adding && <ConnectionDialog source={null} onClose={() => setAdding(false)} />}
    </>
  );
}

/** Whether it can be reached now. */
export function Health({ name }: { name: string }) {
  const test = useQuery({
    queryKey: ['health', name],
    queryFn: ({ signal }) => call('testDataSource', { params: { ref: name }, signal }),
    retry: false,
    staleTime: 30_000,
  });
  if (test.isPending) return <Badge tone="busy">connecting</Badge>;
  if (test.isError)
    return (
      <Badge tone="bad" title={test.error.message}>
        cannot be reached
      </Badge>
    );
  return <Badge tone="good" title={test.data.version}>{`answers in ${duration(test.data.latencyMs)}`}</Badge>;
}

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import './data-sources.css';
import { call } from '../api/calls.ts';
import { Button } from '../design/button.tsx';
import { Dialog } from '../design/dialog.tsx';
import { ErrorNotice } from '../design/notice.tsx';
import { Tabs } from '../design/tabs.tsx';
import { navigate, useQueryValue } from '../routing/location.tsx';
import { PageHead } from '../shell/page-head.tsx';
import { Checklist } from './checklist.tsx';
import { ConnectionDialog } from './connection-dialog.tsx';
import { Health } from './data-sources-page.tsx';
import { kindText } from './kinds.ts';
import { ObjectBrowser } from './object-browser.tsx';

const TABS = [
  ['check', 'Check'],
  ['browse', 'Browse'],
] as const;

export function DataSourcePage({ name }: { name: string }) {
  const queries = useQueryClient();
  const [tab, setTab] = useQueryValue('tab', 'check');
  const [asked, setAsked] = useState<'change' | 'delete' | null>(null);
  const params = { ref: name };
  const source = useQuery({
    queryKey: ['data-source', name],
    queryFn: ({ signal }) => call('getDataSource', { params, signal }),
  });
  const remove = useMutation({
    mutationFn: () => call('deleteDataSource', { params }),
    onSuccess: async () => {
      navigate('/data-sources');
      await queries.invalidateQueries({ queryKey: ['data-sources'] });
    },
  });
  if (source.data === undefined)
    return (
      <>
        <PageHead title={name} />
        <ErrorNotice error={source.error} />
      </>
    );
  const { type, host, port, database, username } = source.data;
  return (
    <>
      <PageHead
        title={
          <span className="row">
            {name}
            <Health name={name} />
          </span>
        }
        about={`${kindText(type)} · ${username}@${host}:${port}/${database}`}
      >
        <Button onClick={() => setAsked('change')}>Change</Button>
        <Button onClick={() => setAsked('delete')}>Delete</Button>
        <Button look="primary" onClick={() => navigate(`/new-sync?source=${encodeURIComponent(name)}`)}>
          New sync
        </Button>
      </PageHead>
      <Tabs label="Views of the data source" tabs={TABS} current={tab} onChoose={setTab} />
      {tab === 'browse' ? <ObjectBrowser source={source.data} /> : <Check name={name} />}
      {asked === 'change' && <ConnectionDialog source={source.data} onClose={() => setAsked(null)} />}
      {asked === 'delete' && (
        <Dialog
          title={`Delete ${name}`}
          confirm="Delete"
          danger
          busy={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate()}
          onClose={() => setAsked(null)}
        >
          <p>The connection and its password are forgotten. The database itself is not touched.</p>
          <p>While a task uses it, it is not deleted.</p>
        </Dialog>
      )}
    </>
  );
}

function Check({ name }: { name: string }) {
  const check = useQuery({
    queryKey: ['check', name],
    queryFn: ({ signal }) => call('checkCdc', { params: { ref: name }, body: {}, signal }),
    retry: false,
    staleTime: 60_000,
  });
  return (
    <div className="stack">
      <div className="row">
        <Button onClick={() => void check.refetch()} disabled={check.isFetching}>
          {check.isFetching ? 'Checking …' : 'Check again'}
        </Button>
        <span className="muted small">
          The server's settings and the rights of the account, as they are now
        </span>
      </div>
      <ErrorNotice error={check.error} />
      {check.data !== undefined && <Checklist result={check.data} />}
    </div>
  );
}

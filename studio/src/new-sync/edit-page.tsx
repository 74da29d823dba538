import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/calls.ts';
import { ErrorNotice } from '../design/notice.tsx';
import { Link, navigate } from '../routing/location.tsx';
import { PageHead } from '../shell/page-head.tsx';
import { type Draft, draftOf, stepsOf } from './draft.ts';
import { Wizard } from './new-sync-page.tsx';

/** The configuration of a task that is there; what runs is not touched before it is published. */
export default function EditPage({ name }: { name: string }) {
  const [changed, setChanged] = useState<Draft | null>(null);
  const task = useQuery({
    queryKey: ['task', name],
    queryFn: ({ signal }) => call('getTask', { params: { ref: name }, signal }),
    // What somebody is changing does not change under their hands.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnMount: 'always',
  });
  const sources = useQuery({
    queryKey: ['data-sources'],
    queryFn: ({ signal }) => call('listDataSources', { signal }),
  });
  const back = `/tasks/${encodeURIComponent(name)}?tab=versions`;
  const head = (
    <PageHead
      title={`Configure ${name}`}
      about={
        <>
          The draft changes when it is saved, and what runs when it is published.{' '}
          <Link to={back}>Back to the task</Link>
        </>
      }
    />
  );
  if (task.data === undefined || sources.data === undefined || task.isFetching)
    return (
      <>
        {head}
        <ErrorNotice error={task.error ?? sources.error} />
      </>
    );
  const known = sources.data;
  const saved = draftOf(task.data, (id) => known.find((one) => one.id === id)?.name ?? String(id));
  const draft = changed ?? { ...saved, step: stepsOf(saved).at(saved.source === '' ? 0 : -1) ?? 0 };
  return (
    <>
      {head}
      <Wizard draft={draft} keep={setChanged} task={name} onMade={() => navigate(back)} />
    </>
  );
}

import type { OverviewUpdate, TaskPace } from '@sluice/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/calls.ts';
import { useLive } from '../api/live.ts';
import { ButtonLink } from '../design/button.tsx';
import { Empty, ErrorNotice } from '../design/notice.tsx';
import { useQueryValue } from '../routing/location.tsx';
import { LiveMark } from '../shell/live-mark.tsx';
import { PageHead } from '../shell/page-head.tsx';
import { TaskRows } from './task-rows.tsx';

export function TasksPage() {
  const [tasks, setTasks] = useState<readonly TaskPace[] | null>(null);
  const live = useLive<OverviewUpdate>('/live', (update) => setTasks(update.tasks));
  const list = useQuery({
    queryKey: ['tasks'],
    queryFn: ({ signal }) => call('listTasks', { query: {}, signal }),
    refetchInterval: 10_000,
  });
  const [text, setText] = useQueryValue('find');
  const [folder, setFolder] = useQueryValue('folder');
  const [state, setState] = useQueryValue('state');
  const folderOf = new Map((list.data ?? []).map((task) => [task.id, task.folder.name]));
  const folders = [...new Set(folderOf.values())].sort();
  const shown = (tasks ?? []).filter(
    ({ status }) =>
      status.name.toLowerCase().includes(text.toLowerCase()) &&
      (folder === '' || folderOf.get(status.id) === folder) &&
      (state === '' || status.state === state),
  );
  return (
    <>
      <PageHead title="Tasks">
        <LiveMark live={live} />
        <ButtonLink to="/new-sync" look="primary">
          New sync
        </ButtonLink>
      </PageHead>
      <ErrorNotice error={tasks === null ? live.error : null} />
      {tasks !== null && (
        <section className="card">
          <header>
            <div className="row">
              <input
                className="input narrow"
                type="search"
                placeholder="Find a task"
                aria-label="Find a task"
                value={text}
                onChange={(event) => setText(event.target.value)}
              />
              <select
                className="input narrow"
                aria-label="Folder"
                value={folder}
                onChange={(event) => setFolder(event.target.value)}
              >
                <option value="">All folders</option>
                {folders.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
              <select
                className="input narrow"
                aria-label="State"
                value={state}
                onChange={(event) => setState(event.target.value)}
              >
                <option value="">All states</option>
                {['draft', 'stopped', 'running', 'backing_off', 'failed'].map((one) => (
                  <option key={one} value={one}>
                    {one.replace('_', ' ')}
                  </option>
                ))}
              </select>
            </div>
            <span className="muted small number">
              {shown.length} of {tasks.length}
            </span>
          </header>
          {shown.length > 0 ? (
            <TaskRows tasks={shown} folderOf={folderOf} />
          ) : tasks.length === 0 ? (
            <Empty title="There is no task yet">
              <p>A task mirrors a database, or tables of it, and keeps them fresh.</p>
              <ButtonLink to="/new-sync" look="primary">
                New sync
              </ButtonLink>
            </Empty>
          ) : (
            <Empty title="No task is like that">
              <p>Take a filter away.</p>
            </Empty>
          )}
        </section>
      )}
    </>
  );
}

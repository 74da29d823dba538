import type { OverviewUpdate, TaskPace, TaskStatus } from '@sluice/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/calls.ts';
import { useLive } from '../api/live.ts';
import { Badge } from '../design/badge.tsx';
import { ButtonLink } from '../design/button.tsx';
import { Empty, ErrorNotice, Notice } from '../design/notice.tsx';
import { Term } from '../design/term.tsx';
import { bytes, compact, counted, duration } from '../format/numbers.ts';
import { Ago, useNow } from '../format/time.tsx';
import { Link } from '../routing/location.tsx';
import { LiveMark } from '../shell/live-mark.tsx';
import { PageHead } from '../shell/page-head.tsx';
import { behindMs, taskLook } from '../tasks/state.ts';
import { TaskRows } from '../tasks/task-rows.tsx';
import { needsOf, type Need as Reason } from './needs.ts';
import './overview.css';

export function OverviewPage() {
  const [tasks, setTasks] = useState<readonly TaskPace[] | null>(null);
  const live = useLive<OverviewUpdate>('/live', (update) => setTasks(update.tasks));
  return (
    <>
      <PageHead title="Overview" about="Everything that is mirrored, and what needs a hand now">
        <LiveMark live={live} />
        <ButtonLink to="/new-sync" look="primary">
          New sync
        </ButtonLink>
      </PageHead>
      {tasks === null ? (
        <ErrorNotice error={live.error} />
      ) : tasks.length === 0 ? (
        <div className="card">
          <Empty title="Nothing is mirrored yet">
            <p>Add the database that you want in the lakehouse, then choose what of it to sync.</p>
            <div className="row">
              <ButtonLink to="/data-sources" look="primary">
                Add a data source
              </ButtonLink>
              <ButtonLink to="/new-sync">New sync</ButtonLink>
            </div>
          </Empty>
        </div>
      ) : (
        <Fleet tasks={tasks} />
      )}
    </>
  );
}

function Fleet({ tasks }: { tasks: readonly TaskPace[] }) {
  const now = useNow();
  const running = tasks.filter(({ status }) => status.state === 'running');
  const tables = tasks.reduce((sum, { status }) => sum + status.tables.total, 0);
  const troubled = tasks.reduce((sum, { status }) => sum + status.tables.blocklisted, 0);
  const rate = tasks.reduce((sum, { pace }) => sum + (pace?.readBytesPerSecond ?? 0), 0);
  // One that somebody stopped is as far behind as was wished for.
  const worst = tasks
    .filter(({ status }) => status.state !== 'stopped' && status.state !== 'draft')
    .map(({ status }) => ({ name: status.name, ms: behindMs(status, now) }))
    .filter((one): one is { name: string; ms: number } => one.ms !== null)
    .sort((a, b) => b.ms - a.ms)[0];
  return (
    <>
      <dl className="figures of-4">
        <div>
          <dt>Tasks running</dt>
          <dd>
            {running.length} <span className="faint">of {tasks.length}</span>
          </dd>
          <dd className="note">
            {counted(tasks.filter(({ status }) => status.state === 'failed').length, 'failed', 'failed')}
          </dd>
        </div>
        <div>
          <dt>Tables</dt>
          <dd>{compact(tables)}</dd>
          <dd className="note">
            {troubled === 0 ? 'none on the blocklist' : `${troubled} on the blocklist`}
          </dd>
        </div>
        <div>
          <dt>
            <Term about="Changes and full loads, of all tasks">Read from the sources</Term>
          </dt>
          <dd>{bytes(rate)}/s</dd>
          <dd className="note">now</dd>
        </div>
        <div>
          <dt>
            <Term about="From the commit at the source until it is visible; of a task that stands still, the age of its last commit">
              Worst latency
            </Term>
          </dt>
          <dd>{worst === undefined ? '–' : duration(worst.ms)}</dd>
          <dd className="note cut">{worst?.name ?? 'no task is incremental'}</dd>
        </div>
      </dl>
      <Needed tasks={tasks} />
      <section className="card">
        <header>
          <h2>Tasks</h2>
          <Link to="/tasks">All tasks</Link>
        </header>
        <TaskRows tasks={tasks} />
      </section>
    </>
  );
}

/** What waits for a person: tasks, tables, and alerts that fire. Where nothing does, that is said. */
function Needed({ tasks }: { tasks: readonly TaskPace[] }) {
  const now = useNow();
  const alerts = useQuery({
    queryKey: ['alerts', 'now'],
    queryFn: ({ signal }) => call('listAlerts', { query: {}, signal }),
    refetchInterval: 10_000,
  });
  const firing = (alerts.data ?? []).filter(({ state }) => state === 'firing');
  const needed = tasks
    .map(({ status }) => ({ status, needs: needsOf(status, now) }))
    .filter(({ needs }) => needs.length > 0);
  if (needed.length === 0 && firing.length === 0)
    return <Notice tone="good" title="Nothing needs a hand now" />;
  return (
    <section className="card" aria-label="Needs a hand now">
      <header>
        <h2>Needs a hand now</h2>
        {firing.length > 0 && (
          <Link to="/alerts">{counted(firing.length, 'alert fires', 'alerts fire')}</Link>
        )}
      </header>
      <ul className="needs">
        {needed.map(({ status, needs }) => (
          <Need key={status.id} status={status} needs={needs} />
        ))}
        {needed.length === 0 &&
          firing.slice(0, 5).map((alert) => (
            <li key={alert.id}>
              <Badge tone="warn">alert</Badge>
              <span className="grow">{alert.message}</span>
            </li>
          ))}
      </ul>
    </section>
  );
}

function Need({ status, needs }: { status: TaskStatus; needs: readonly Reason[] }) {
  const path = `/tasks/${encodeURIComponent(status.name)}`;
  const look = taskLook(status.state);
  const { blocklisted } = status.tables;
  return (
    <li>
      <Badge tone={needs[0] === 'tables' ? 'bad' : needs[0] === 'stopped long ago' ? 'warn' : look.tone}>
        {needs[0] === 'tables' ? 'blocklist' : look.text}
      </Badge>
      <div className="grow stack">
        <Link to={path}>
          <strong>{status.name}</strong>
        </Link>
        {status.error !== null && needs.some((one) => one === 'failed' || one === 'tries again') && (
          <span>
            {status.error.message} <span className="muted">{status.error.remedy}</span>{' '}
            <code className="faint">{status.error.code}</code>
          </span>
        )}
        {needs.includes('tables') && (
          <span>
            {counted(blocklisted, 'table')} {blocklisted === 1 ? 'is' : 'are'} not followed any more; the
            others go on.
          </span>
        )}
        {needs.includes('stopped long ago') && (
          <span>
            It has been stopped for long: the source may give up the log that it needs to go on. Last commit{' '}
            <Ago time={status.committedAt} />.
          </span>
        )}
      </div>
      <ButtonLink to={needs.includes('tables') ? `${path}?tab=exceptions` : path}>
        {needs.includes('tables') ? 'What is wrong' : 'To the task'}
      </ButtonLink>
    </li>
  );
}

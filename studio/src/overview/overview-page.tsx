import type { OverviewUpdate, TaskPace } from '@sluice/contract';
import { useState } from 'react';
import { useLive } from '../api/live.ts';
import { ButtonLink } from '../design/button.tsx';
import { Empty, ErrorNotice, ProblemNotice } from '../design/notice.tsx';
import { bytes, compact, counted, duration } from '../format/numbers.ts';
import { useNow } from '../format/time.tsx';
import { Link } from '../routing/location.tsx';
import { LiveMark } from '../shell/live-mark.tsx';
import { PageHead } from '../shell/page-head.tsx';
import { behindMs } from '../tasks/state.ts';
import { TaskRows } from '../tasks/task-rows.tsx';

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
  const worst = running
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
          <dt title="Changes and full loads, of all tasks">Read from the sources</dt>
          <dd>{bytes(rate)}/s</dd>
          <dd className="note">now</dd>
        </div>
        <div>
          <dt title="From the commit at the source until it is visible">Worst latency</dt>
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

/** What waits for a person: tasks that failed or try again, and tables on the blocklist. */
function Needed({ tasks }: { tasks: readonly TaskPace[] }) {
  const needed = tasks.filter(
    ({ status }) =>
      status.state === 'failed' || status.state === 'backing_off' || status.tables.blocklisted > 0,
  );
  if (needed.length === 0) return null;
  return (
    <section className="stack">
      <h2>Needs a hand</h2>
      {needed.map(({ status }) => (
        <div key={status.id} className="stack">
          <div className="row">
            <Link to={`/tasks/${encodeURIComponent(status.name)}`}>
              <strong>{status.name}</strong>
            </Link>
            {status.tables.blocklisted > 0 && (
              <Link to={`/tasks/${encodeURIComponent(status.name)}?show=trouble`}>
                {counted(status.tables.blocklisted, 'table')} on the blocklist
              </Link>
            )}
          </div>
          {status.error !== null && status.state !== 'running' && <ProblemNotice problem={status.error} />}
        </div>
      ))}
    </section>
  );
}

import type { PacePoint, TaskStatus, TaskTable, TaskUpdate } from '@sluice/contract';
import { useState } from 'react';
import { useLive } from '../api/live.ts';
import { Badge } from '../design/badge.tsx';
import { Chart } from '../design/chart.tsx';
import { ErrorNotice, ProblemNotice } from '../design/notice.tsx';
import { Tabs } from '../design/tabs.tsx';
import { Term } from '../design/term.tsx';
import { bytes, compact, count, duration } from '../format/numbers.ts';
import { Ago, useNow } from '../format/time.tsx';
import { useQueryValue } from '../routing/location.tsx';
import { LiveMark } from '../shell/live-mark.tsx';
import { PageHead } from '../shell/page-head.tsx';
import { ComparisonView } from './comparison-view.tsx';
import { ExceptionsView } from './exceptions-view.tsx';
import { LoadProgress } from './load-progress.tsx';
import { type RowSums, rowRates, withSums } from './row-rates.ts';
import { RunsView } from './runs-view.tsx';
import { behindMs, phaseText, taskLook } from './state.ts';
import { TableOfTables } from './table-of-tables.tsx';
import { TaskActions } from './task-actions.tsx';
import { TimelineView } from './timeline-view.tsx';
import { VersionsView } from './versions-view.tsx';

/** Half an hour of points; older ones go. */
const KEPT_POINTS = 900;

interface Shown {
  readonly status: TaskStatus;
  readonly pace: readonly PacePoint[];
  readonly tables: readonly TaskTable[];
  readonly sums: readonly RowSums[];
}

function taken(before: Shown | null, update: TaskUpdate, first: boolean): Shown {
  const { rowsRead: read, rowsWritten: written } = update.status;
  const sums = withSums(before?.sums ?? [], { at: Date.parse(update.at), read, written });
  if (first || before === null)
    return { status: update.status, pace: update.pace, tables: update.tables, sums };
  const pace = update.pace.length === 0 ? before.pace : [...before.pace, ...update.pace].slice(-KEPT_POINTS);
  if (update.tables.length === 0 && update.gone.length === 0)
    return { status: update.status, pace, tables: before.tables, sums };
  const tables = new Map(before.tables.map((table) => [table.id, table]));
  for (const table of update.tables) tables.set(table.id, table);
  for (const id of update.gone) tables.delete(id);
  return { status: update.status, pace, tables: [...tables.values()], sums };
}

const tabsOf = (troubled: number) =>
  [
    ['tables', 'Tables'],
    ['exceptions', troubled === 0 ? 'Exceptions' : `Exceptions ${count(troubled)}`],
    ['comparison', 'Comparison'],
    ['runs', 'Runs and logs'],
    ['timeline', 'Timeline'],
    ['versions', 'Configuration'],
  ] as const;

export function TaskPage({ name }: { name: string }) {
  const [shown, setShown] = useState<Shown | null>(null);
  const live = useLive<TaskUpdate>(`/tasks/${encodeURIComponent(name)}/live`, (update, first) =>
    setShown((before) => taken(before, update, first)),
  );
  const [tab, setTab] = useQueryValue('tab', 'tables');
  if (shown === null)
    return (
      <>
        <PageHead title={name}>
          <LiveMark live={live} />
        </PageHead>
        <ErrorNotice error={live.error} />
      </>
    );
  const { status, pace, tables, sums } = shown;
  const look = taskLook(status.state);
  return (
    <>
      <PageHead
        title={
          <span className="row">
            {status.name}
            <Badge tone={look.tone} title={look.about}>
              {look.text}
            </Badge>
          </span>
        }
        about={
          status.state === 'running' && status.position !== null ? (
            <>
              Everything up to <code>{status.position.slice(0, 80)}</code> is durable
            </>
          ) : (
            look.about
          )
        }
      >
        <LiveMark live={live} />
        <TaskActions status={status} />
      </PageHead>
      {status.error !== null && status.state !== 'stopped' && <ProblemNotice problem={status.error} />}
      <Figures status={status} pace={pace} rates={rowRates(sums)} />
      <LoadProgress tables={tables} />
      {pace.length > 0 && <Paces pace={pace} />}
      <Tabs
        label="Views of the task"
        tabs={tabsOf(tables.filter(({ error }) => error !== null).length)}
        current={tab}
        onChoose={setTab}
      />
      {tab === 'exceptions' ? (
        <ExceptionsView task={status.name} running={status.state === 'running'} tables={tables} />
      ) : tab === 'comparison' ? (
        <ComparisonView task={status.name} running={status.state === 'running'} />
      ) : tab === 'runs' ? (
        <RunsView task={status.name} runId={status.run?.id ?? null} />
      ) : tab === 'timeline' ? (
        <TimelineView task={status.name} />
      ) : tab === 'versions' ? (
        <VersionsView task={status.name} version={status.publishedVersion} />
      ) : (
        <TableOfTables
          task={status.name}
          running={status.state === 'running'}
          still={status.state === 'running' ? null : status.committedAt}
          tables={tables}
        />
      )}
    </>
  );
}

function Figures({
  status,
  pace,
  rates,
}: {
  status: TaskStatus;
  pace: readonly PacePoint[];
  rates: ReturnType<typeof rowRates>;
}) {
  const now = useNow();
  const behind = behindMs(status, now);
  const last = pace.at(-1);
  const running = status.state === 'running';
  return (
    <dl className="figures of-6">
      <div>
        <dt>Phase</dt>
        <dd className="words">{phaseText(status.phase)}</dd>
        <dd className="note">
          {status.publishedVersion === null ? 'not published' : `version ${status.publishedVersion}`}
        </dd>
      </div>
      <div>
        <dt>Tables live</dt>
        <dd>
          {count(status.tables.live)} <span className="faint">/ {count(status.tables.total)}</span>
        </dd>
        <dd className="note">
          {status.tables.blocklisted === 0
            ? 'none on the blocklist'
            : `${status.tables.blocklisted} on the blocklist`}
        </dd>
      </div>
      <div>
        <dt>
          <Term about="From the commit at the source until it is visible; while the task stands still, the age of its last commit">
            Latency
          </Term>
        </dt>
        <dd>{behind === null ? '–' : duration(behind)}</dd>
        <dd className="note">
          {status.committedAt === null ? (
            'nothing committed yet'
          ) : (
            <>
              commit <Ago time={status.committedAt} />
            </>
          )}
        </dd>
      </div>
      <div>
        <dt>
          <Term about="Bytes from the place that was read last to the end of the source's log">
            Log ahead
          </Term>
        </dt>
        <dd>{running && last?.lagBytes != null ? bytes(last.lagBytes) : '–'}</dd>
        <dd className="note">
          {running && last?.lagMs != null ? `read position ${duration(last.lagMs)} behind` : ' '}
        </dd>
      </div>
      <div>
        <dt>Rows written</dt>
        <dd title={`${count(status.rowsWritten)} rows`}>{compact(status.rowsWritten)}</dd>
        <dd className="note cut" title={`${count(status.rowsRead)} rows read in all; rates over a minute`}>
          {rates === null || !running
            ? `${compact(status.rowsRead)} read`
            : `${compact(Math.round(rates.written))}/s, read ${compact(Math.round(rates.read))}/s`}
        </dd>
      </div>
      <div>
        <dt>
          <Term about="How often this run's process had to be begun again">Failovers</Term>
        </dt>
        <dd>{status.run?.failovers ?? '–'}</dd>
        <dd className="note">
          {status.run === null ? (
            'never run'
          ) : (
            <>
              run {status.run.id}, began <Ago time={status.run.startedAt} />
            </>
          )}
        </dd>
      </div>
    </dl>
  );
}

function Paces({ pace }: { pace: readonly PacePoint[] }) {
  const of = (value: (point: PacePoint) => number | null) =>
    pace.map((point) => ({ at: Date.parse(point.at), value: value(point) }));
  return (
    <div className="charts">
      <Chart title="Lag of the read position" points={of((point) => point.lagMs)} format={duration} />
      <Chart title="Log ahead" points={of((point) => point.lagBytes)} format={bytes} />
      <Chart
        title="Read from the source"
        points={of((point) => point.readBytesPerSecond)}
        format={(value) => `${bytes(value)}/s`}
      />
      <Chart
        title="Commit to visible"
        points={of((point) => point.latencyMs).filter((point) => point.value !== null)}
        format={duration}
      />
    </div>
  );
}

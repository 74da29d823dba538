import type { TableOrder, TaskTable } from '@sluice/contract';
import { useQuery } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { Badge } from '../design/badge.tsx';
import { Button } from '../design/button.tsx';
import { Histogram } from '../design/histogram.tsx';
import { ErrorNotice, ProblemNotice } from '../design/notice.tsx';
import { Sheet } from '../design/sheet.tsx';
import { Term } from '../design/term.tsx';
import { count, counted, duration, percent } from '../format/numbers.ts';
import { Ago, When } from '../format/time.tsx';
import { tablePath } from '../lakehouse/lakehouse-page.tsx';
import { Link } from '../routing/location.tsx';
import { Behind } from './behind.tsx';
import { loadText } from './load-progress.tsx';
import { ORDERS, possibleFor } from './orders.ts';
import { tableLook } from './state.ts';
import { nameOf } from './table-filter.ts';

const EVENTS = 8;

/** Everything about one table of a task, while it goes on. */
export function TableSheet({
  task,
  table,
  still,
  onOrder,
  onClose,
}: {
  task: string;
  table: TaskTable;
  still: string | null;
  onOrder: (order: TableOrder) => void;
  onClose: () => void;
}) {
  const name = nameOf(table.source);
  const look = tableLook(table.state);
  const { error } = table;
  return (
    <Sheet title={name} onClose={onClose}>
      <div className="row">
        <Badge tone={still !== null && look.tone === 'good' ? 'idle' : look.tone}>{look.text}</Badge>
        <span className="muted small">
          since <When time={table.since} />.{' '}
          {still !== null && look.tone === 'good' ? 'Its changes are applied when the task runs' : look.about}
          .
        </span>
      </div>
      {error !== null && look.tone === 'bad' && <ProblemNotice problem={error} />}
      <div className="row">
        {possibleFor([table]).map((order) => (
          <Button key={order} small onClick={() => onOrder(order)}>
            {ORDERS[order].text}
          </Button>
        ))}
      </div>
      <dl className="pairs">
        <dt>In the lake</dt>
        <dd>
          <Link to={tablePath(table.target.schema, table.target.table)}>{nameOf(table.target)}</Link>
        </dd>
        <dt>Full load</dt>
        <dd>
          {counted(table.rowsLoaded, 'row')}
          {table.loadProgress !== null && look.tone === 'busy' && `, ${percent(table.loadProgress)}`}
          {look.tone === 'busy' && <span className="muted"> · {loadText(table)}</span>}
        </dd>
        <dt>Changes applied</dt>
        <dd className="number">
          {count(table.rowsApplied)}, the last <Ago time={table.updatedAt} />
        </dd>
        <dt>
          <Term about="The place in the source's log up to which this table shows everything: an LSN (log sequence number) of PostgreSQL, a file and offset or a GTID set of MySQL and MariaDB">
            Read position
          </Term>
        </dt>
        <dd className="mono">{table.readPosition?.slice(0, 200) ?? '–'}</dd>
        {(still !== null || (look.tone !== 'good' && look.tone !== 'busy')) && (
          <>
            <dt>
              <Term about="How long ago it left the state in which its changes are applied">Behind</Term>
            </dt>
            <dd>
              <Behind table={table} still={still} />
            </dd>
          </>
        )}
        {table.nulledValues > 0 && (
          <>
            <dt>Became null</dt>
            <dd>{counted(table.nulledValues, 'value')} that its types cannot hold</dd>
          </>
        )}
      </dl>
      <Latency task={task} id={table.id} />
      <Lately task={task} name={name} />
    </Sheet>
  );
}

function Latency({ task, id }: { task: string; id: number }) {
  const latency = useQuery({
    queryKey: ['latency', task, id],
    queryFn: ({ signal }) => call('tableLatency', { params: { ref: task, id }, signal }),
    refetchInterval: 3000,
  });
  const { data } = latency;
  const ms = (value: number | null) => (value === null ? '–' : duration(value));
  return (
    <section className="stack">
      <h3>From commit to visible, of the last hour</h3>
      <ErrorNotice error={latency.error} />
      {data?.commits === 0 && (
        <p className="muted">No commit has changed this table in the last hour, or since the server began.</p>
      )}
      {data !== undefined && data.commits > 0 && (
        <>
          <dl className="figures of-4 small">
            <div>
              <dt>
                <Term about="The median: half of the commits were visible sooner">p50</Term>
              </dt>
              <dd>{ms(data.p50Ms)}</dd>
            </div>
            <div>
              <dt>
                <Term about="95 of 100 commits were visible sooner">p95</Term>
              </dt>
              <dd>{ms(data.p95Ms)}</dd>
            </div>
            <div>
              <dt>
                <Term about="99 of 100 commits were visible sooner">p99</Term>
              </dt>
              <dd>{ms(data.p99Ms)}</dd>
            </div>
            <div>
              <dt>Commits</dt>
              <dd>{count(data.commits)}</dd>
            </div>
          </dl>
          <Histogram label="Commits by how long they took to become visible" buckets={data.buckets} />
        </>
      )}
    </section>
  );
}

function Lately({ task, name }: { task: string; name: string }) {
  const events = useQuery({
    queryKey: ['events', task, 'table', name],
    queryFn: ({ signal }) =>
      call('taskEvents', { params: { ref: task }, query: { limit: EVENTS, table: name }, signal }),
    refetchInterval: 3000,
  });
  return (
    <section className="stack">
      <div className="row apart">
        <h3>What happened lately</h3>
        <Link to={`?tab=timeline&of=${encodeURIComponent(name)}`}>All of it</Link>
      </div>
      <ErrorNotice error={events.error} />
      {events.data?.length === 0 && <p className="muted">Nothing yet.</p>}
      <ul className="stack small">
        {events.data?.map((event) => (
          <li key={event.id}>
            <span className="muted">
              <When time={event.at} />
            </span>{' '}
            {event.text} <span className="faint">by {event.by}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

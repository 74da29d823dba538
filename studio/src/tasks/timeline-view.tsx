import { useQuery } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { Button } from '../design/button.tsx';
import { Empty, ErrorNotice } from '../design/notice.tsx';
import { When } from '../format/time.tsx';
import { useQueryValue } from '../routing/location.tsx';

/** Fronts of the kinds of events, as people ask for them. */
const KINDS = [
  ['', 'Everything'],
  ['task.', 'The task'],
  ['run.', 'Runs'],
  ['attempt.', 'Attempts'],
  ['table.', 'Tables'],
] as const;
const PAGE = 200;
const MOST = 1000;

/** What happened to a task and its tables, and who did it; the newest first. */
export function TimelineView({ task }: { task: string }) {
  const [kind, setKind] = useQueryValue('kind');
  const [table, setTable] = useQueryValue('of');
  const [limit, setLimit] = useQueryValue('lines', String(PAGE));
  const events = useQuery({
    queryKey: ['events', task, kind, table, limit],
    queryFn: ({ signal }) =>
      call('taskEvents', {
        params: { ref: task },
        query: {
          limit: Number(limit),
          ...(kind === '' ? {} : { kind }),
          ...(table === '' ? {} : { table }),
        },
        signal,
      }),
    refetchInterval: 3000,
    placeholderData: (before) => before,
  });
  return (
    <section className="card" aria-label="Timeline">
      <header>
        <div className="row">
          <select
            className="input narrow"
            aria-label="Which events"
            value={kind}
            onChange={(event) => setKind(event.target.value)}
          >
            {KINDS.map(([front, text]) => (
              <option key={front} value={front}>
                {text}
              </option>
            ))}
          </select>
          <input
            className="input narrow"
            type="search"
            placeholder="One table: schema.table"
            aria-label="Of one table"
            value={table}
            onChange={(event) => setTable(event.target.value)}
          />
        </div>
        <span className="muted small">newest first</span>
      </header>
      <ErrorNotice error={events.error} />
      {events.data?.length === 0 && (
        <Empty title="Nothing like that has happened">
          <p>What people and Sluice do with this task, its runs and its tables is written down here.</p>
        </Empty>
      )}
      {events.data !== undefined && events.data.length > 0 && (
        <div className="scroll">
          <table className="list">
            <thead>
              <tr>
                <th>When</th>
                <th>Of</th>
                <th>What</th>
                <th>By</th>
              </tr>
            </thead>
            <tbody>
              {events.data.map((event) => (
                <tr key={event.id}>
                  <td>
                    <When time={event.at} />
                  </td>
                  <td className="number">
                    {event.table ?? (event.run === null ? 'task' : `run ${event.run}`)}
                  </td>
                  <td>{event.text}</td>
                  <td className="muted">{event.by}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {events.data !== undefined && events.data.length === Number(limit) && Number(limit) < MOST && (
        <div className="inside">
          <Button onClick={() => setLimit(String(Math.min(MOST, Number(limit) + PAGE)))}>
            Show older ones
          </Button>
        </div>
      )}
    </section>
  );
}

import type { Attempt, Run } from '@sluice/contract';
import { useQuery } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { Badge, type Tone } from '../design/badge.tsx';
import { Button } from '../design/button.tsx';
import { Empty, ErrorNotice, ProblemNotice } from '../design/notice.tsx';
import { duration } from '../format/numbers.ts';
import { useNow, When } from '../format/time.tsx';
import { useQueryValue } from '../routing/location.tsx';
import { AttemptLogView } from './attempt-log-view.tsx';

const TONES: Readonly<Record<Run['state'], Tone>> = {
  starting: 'busy',
  running: 'good',
  backing_off: 'warn',
  stopping: 'busy',
  stopped: 'idle',
  failed: 'bad',
};

/** The runs of a task; of one of them the attempts, and the log of one of these. */
export function RunsView({ task, runId }: { task: string; runId: number | null }) {
  const [chosen, setChosen] = useQueryValue('run');
  const runs = useQuery({
    // The newest run's id is part of the key, so that a new one is seen at once.
    queryKey: ['runs', task, runId],
    queryFn: ({ signal }) => call('listRuns', { params: { ref: task }, signal }),
    refetchInterval: 5000,
  });
  if (runs.data === undefined) return <ErrorNotice error={runs.error} />;
  if (runs.data.length === 0)
    return (
      <div className="card">
        <Empty title="It has never run">
          <p>Publish it, then start it. Each start makes a run; each failover begins a new attempt of it.</p>
        </Empty>
      </div>
    );
  const open = runs.data.find(({ id }) => String(id) === chosen) ?? runs.data[0]!;
  return (
    <div className="stack">
      <section className="card scroll" aria-label="Runs">
        <table className="list">
          <thead>
            <tr>
              <th>Run</th>
              <th>State</th>
              <th>Version</th>
              <th>Began from</th>
              <th>Started</th>
              <th className="right">Lasted</th>
              <th className="right">Failovers</th>
              <th>
                <span className="unseen">Show</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {runs.data.map((run) => (
              <tr key={run.id}>
                <td className="number">{run.id}</td>
                <td>
                  <Badge tone={TONES[run.state]}>{run.state.replace('_', ' ')}</Badge>
                </td>
                <td>{run.version}</td>
                <td title={run.startPosition ?? ''}>
                  {run.startMode}
                  {run.startPosition !== null && (
                    <span className="faint mono"> {run.startPosition.slice(0, 40)}</span>
                  )}
                </td>
                <td>
                  <When time={run.startedAt} />
                </td>
                <td className="right">
                  <Lasted from={run.startedAt} to={run.endedAt} />
                </td>
                <td className="right number">{run.failovers}</td>
                <td className="right">
                  <Button
                    small
                    look="quiet"
                    onClick={() => setChosen(String(run.id))}
                    disabled={run.id === open.id}
                  >
                    {run.id === open.id ? 'Shown below' : 'Show'}
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {open.error !== null && <ProblemNotice problem={open.error} />}
      <Attempts run={open} />
    </div>
  );
}

function Attempts({ run }: { run: Run }) {
  const [chosen, setChosen] = useQueryValue('attempt');
  const detail = useQuery({
    queryKey: ['run', run.id, run.state, run.failovers],
    queryFn: ({ signal }) => call('getRun', { params: { id: run.id }, signal }),
  });
  const attempts: readonly Attempt[] = detail.data?.attempts ?? [];
  const open = attempts.find(({ number }) => String(number) === chosen) ?? attempts.at(-1);
  if (open === undefined) return <ErrorNotice error={detail.error} />;
  return (
    <section className="card" aria-label={`Attempts of run ${run.id}`}>
      <header>
        <h2>Run {run.id}</h2>
        <label className="row small muted">
          Attempt
          <select
            className="input small"
            value={String(open.number)}
            onChange={(event) => setChosen(event.target.value)}
          >
            {attempts.map((attempt) => (
              <option key={attempt.id} value={attempt.number}>
                {attempt.number}, {attempt.state}
                {attempt.error === null ? '' : `: ${attempt.error.code}`}
              </option>
            ))}
          </select>
        </label>
      </header>
      {open.error !== null && (
        <div className="inside">
          <ProblemNotice problem={open.error} />
        </div>
      )}
      <AttemptLogView id={open.id} alive={open.endedAt === null} />
    </section>
  );
}

function Lasted({ from, to }: { from: string; to: string | null }) {
  const now = useNow();
  const ms = (to === null ? now : Date.parse(to)) - Date.parse(from);
  return <span className="number">{duration(Math.max(0, ms))}</span>;
}

import type { Alert } from '@sluice/contract';
import { useQuery } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { Badge, type Tone } from '../design/badge.tsx';
import { Button } from '../design/button.tsx';
import { Empty, ErrorNotice } from '../design/notice.tsx';
import { When } from '../format/time.tsx';
import { Link, useQueryValue } from '../routing/location.tsx';
import { REFRESH_MS } from './alerts-page.tsx';
import { RULES } from './kinds.ts';

const LOOKS: Readonly<Record<Alert['state'], readonly [Tone, string]>> = {
  firing: ['bad', 'fires'],
  clearing: ['warn', 'calms down'],
  cleared: ['idle', 'over'],
};

/** What fires now; with the past of 30 days where somebody asks for it. */
export function FiringView({ onRules }: { onRules: () => void }) {
  const [past, setPast] = useQueryValue('past');
  const alerts = useQuery({
    queryKey: ['alerts', past === '' ? 'now' : 'all'],
    queryFn: ({ signal }) => call('listAlerts', { query: past === '' ? {} : { all: 'true' }, signal }),
    refetchInterval: REFRESH_MS,
    placeholderData: (before) => before,
  });
  const rules = useQuery({
    queryKey: ['alert-rules'],
    queryFn: ({ signal }) => call('listAlertRules', { signal }),
  });
  if (alerts.data === undefined || rules.data === undefined)
    return <ErrorNotice error={alerts.error ?? rules.error} />;
  const watched = rules.data.filter(({ enabled }) => enabled).length;
  return (
    <section className="card" aria-label="Alerts">
      <header>
        <label className="row">
          <input
            type="checkbox"
            checked={past !== ''}
            onChange={(event) => setPast(event.target.checked ? 'shown' : '')}
          />
          With those that are over
        </label>
        <span className="muted small">newest first, 30 days</span>
      </header>
      {alerts.data.length === 0 ? (
        watched === 0 ? (
          <Empty title="Nothing is watched yet">
            <p>
              A rule says what is watched: a task that fails, a table that cannot be followed, changes that
              come late. Who is told is said beside it.
            </p>
            <Button look="primary" onClick={onRules}>
              To the rules
            </Button>
          </Empty>
        ) : (
          <Empty title={past === '' ? 'Nothing fires' : 'Nothing has fired in 30 days'}>
            <p>{watched === 1 ? 'One rule watches.' : `${watched} rules watch.`}</p>
          </Empty>
        )
      ) : (
        <div className="scroll">
          <table className="list">
            <thead>
              <tr>
                <th>State</th>
                <th>Task</th>
                <th>What</th>
                <th>Rule</th>
                <th className="right">Since</th>
                <th className="right spare">Over</th>
              </tr>
            </thead>
            <tbody>
              {alerts.data.map((alert) => {
                const [tone, text] = LOOKS[alert.state];
                return (
                  <tr key={alert.id} className="top">
                    <td>
                      <Badge tone={tone}>{text}</Badge>
                    </td>
                    <td>
                      <Link to={`/tasks/${encodeURIComponent(alert.task)}`}>{alert.task}</Link>
                      {alert.table !== null && <div className="small muted">{alert.table}</div>}
                    </td>
                    <td>{alert.message}</td>
                    <td title={RULES[alert.kind].text}>{alert.rule}</td>
                    <td className="right">
                      <When time={alert.firedAt} />
                    </td>
                    <td className="right spare">
                      <When time={alert.clearedAt} />
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

import type { TaskPace } from '@sluice/contract';
import { Badge } from '../design/badge.tsx';
import { Term } from '../design/term.tsx';
import { bytes, compact, count, duration } from '../format/numbers.ts';
import { Ago, useNow } from '../format/time.tsx';
import { Link } from '../routing/location.tsx';
import { behindMs, phaseText, taskLook } from './state.ts';

/** Tasks at a glance, a line each. */
export function TaskRows({
  tasks,
  folderOf,
}: {
  tasks: readonly TaskPace[];
  /** By the task's id; without it the column is left out. */
  folderOf?: ReadonlyMap<number, string>;
}) {
  const now = useNow();
  return (
    <section className="scroll" aria-label="Tasks">
      <table className="list">
        <thead>
          <tr>
            <th>Task</th>
            {folderOf !== undefined && <th className="spare">Folder</th>}
            <th>State</th>
            <th className="spare">Phase</th>
            <th className="right">Tables live</th>
            <th className="right spare">Rows written</th>
            <th className="right">
              <Term about="From the commit at the source until it is visible; while a task stands still, the age of its last commit">
                Latency
              </Term>
            </th>
            <th className="right">
              <Term about="Bytes from the place that was read last to the end of the source's log">
                Log ahead
              </Term>
            </th>
            <th className="right">Last commit</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map(({ status, pace }) => {
            const look = taskLook(status.state);
            const behind = behindMs(status, now);
            return (
              <tr key={status.id}>
                <td>
                  <Link to={`/tasks/${encodeURIComponent(status.name)}`}>{status.name}</Link>
                </td>
                {folderOf !== undefined && <td className="muted spare">{folderOf.get(status.id) ?? ''}</td>}
                <td>
                  <Badge tone={look.tone} title={look.about}>
                    {look.text}
                  </Badge>
                </td>
                <td className="muted spare number">{phaseText(status.phase)}</td>
                <td className="right number">
                  {count(status.tables.live)} <span className="faint">/ {count(status.tables.total)}</span>
                </td>
                <td className="right number spare" title={`${count(status.rowsWritten)} rows`}>
                  {compact(status.rowsWritten)}
                </td>
                <td className="right number">{behind === null ? '–' : duration(behind)}</td>
                <td className="right number">{pace?.lagBytes == null ? '–' : bytes(pace.lagBytes)}</td>
                <td className="right">
                  <Ago time={status.committedAt} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

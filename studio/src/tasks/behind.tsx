import type { TaskTable } from '@sluice/contract';
import { duration } from '../format/numbers.ts';
import { useNow } from '../format/time.tsx';
import { tableLook } from './state.ts';

type Timed = Pick<TaskTable, 'state' | 'since' | 'latencyMs'>;

/**
 * How far a table is behind its source; while its changes wait, or are dropped, that grows.
 * @param still when the task stood still: its last commit; null: it runs
 */
export function Behind({ table, still }: { table: Timed; still: string | null }) {
  const { tone } = tableLook(table.state);
  if (table.state === 'live' && still !== null) return <Growing since={still} wished />;
  if (table.state === 'live') return <>{table.latencyMs === null ? '–' : duration(table.latencyMs)}</>;
  if (tone === 'busy' || table.state === 'dropped') return <>–</>;
  return <Growing since={table.since} wished={tone === 'idle'} />;
}

/** What somebody wished for looks like no trouble, however old it grows. */
function Growing({ since, wished }: { since: string; wished: boolean }) {
  const now = useNow();
  const ms = Math.max(0, now - Date.parse(since));
  return (
    <span
      className={wished ? 'muted' : 'warn-text'}
      title="So long ago its changes were applied last, as far as there were any"
    >
      {duration(Math.floor(ms / 1000) * 1000)}
    </span>
  );
}

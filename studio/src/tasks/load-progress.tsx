import type { TaskTable } from '@sluice/contract';
import { compact, count, counted, duration, percent } from '../format/numbers.ts';
import { loadSoFar } from './load-so-far.ts';

/** How far the full loads are, with an estimate; nothing where none is under way. */
export function LoadProgress({ tables }: { tables: readonly TaskTable[] }) {
  const load = loadSoFar(tables);
  if (load === null) return null;
  const { share, rows, expected, rowsPerSecond, secondsLeft } = load;
  return (
    <section className="card" aria-label="Full load">
      <div className="inside stack">
        <div className="row apart">
          <span>
            <strong>Full load</strong>{' '}
            <span className="muted">
              {counted(load.tables, 'table')} on the way, {count(load.done)} done
            </span>
          </span>
          <strong className="number">{percent(share)}</strong>
        </div>
        <div
          className="bar"
          role="progressbar"
          aria-label="Full load"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.floor(share * 100)}
        >
          <i style={{ width: `${share * 100}%` }} />
        </div>
        <div className="row apart small muted number">
          <span>
            {compact(rows)} {expected === null ? 'rows so far' : `of about ${compact(expected)} rows`}
            {rowsPerSecond > 0 && ` · ${compact(rowsPerSecond)} rows/s`}
          </span>
          <span>
            {secondsLeft === null ? 'time left not known yet' : `about ${duration(secondsLeft * 1000)} left`}
          </span>
        </div>
      </div>
    </section>
  );
}

/** Of one table: what is known of its load beside the rows. */
export function loadText(table: TaskTable): string {
  const { rowsEstimated: rows, loadRowsPerSecond: rate, loadSecondsLeft: left } = table;
  return [
    ...(rows === null
      ? []
      : [`${table.rowsLoaded > rows ? 'more than' : 'of'} about ${count(rows)} rows at the source`]),
    ...(rate === null ? [] : [`${count(rate)} rows/s`]),
    ...(left === null ? [] : [`about ${duration(left * 1000)} left`]),
  ].join(' · ');
}

import { comparisonText, type TableVerdict, type Verification } from '@sluice/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { Badge, type Tone } from '../design/badge.tsx';
import { Button, Copyable } from '../design/button.tsx';
import { Empty, ErrorNotice, Notice, ProblemNotice } from '../design/notice.tsx';
import { Term } from '../design/term.tsx';
import { count, duration } from '../format/numbers.ts';
import { Ago } from '../format/time.tsx';
import { useQueryValue } from '../routing/location.tsx';
import { ComparisonSheet } from './comparison-sheet.tsx';
import { nameOf } from './table-filter.ts';

const LOOKS: Readonly<Record<TableVerdict['verdict'], readonly [Tone, string]>> = {
  equal: ['good', 'equal'],
  different: ['bad', 'different'],
  unsettled: ['warn', 'not settled'],
  skipped: ['idle', 'skipped'],
};
const EXAMPLES = 5;
const POLL_MS = 1000;

/** Whether the lake holds what the source holds, row by row; while both go on. */
export function ComparisonView({ task, running }: { task: string; running: boolean }) {
  const queries = useQueryClient();
  const key = ['verifications', task];
  const known = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => call('listVerifications', { params: { ref: task }, signal }),
    refetchInterval: ({ state }) => (state.data?.[0]?.state === 'running' ? POLL_MS : false),
  });
  const start = useMutation({
    mutationFn: () => call('startVerification', { params: { ref: task }, body: {} }),
    onSettled: () => queries.invalidateQueries({ queryKey: key }),
  });
  const newest = known.data?.[0];
  const busy = start.isPending || newest?.state === 'running';
  const compare = (
    <Button
      look="primary"
      disabled={busy}
      why={running ? null : 'The task has to run: the lake is compared where it has caught up'}
      onClick={() => start.mutate()}
    >
      {busy ? 'Comparing …' : 'Compare with the source'}
    </Button>
  );
  if (known.data === undefined) return <ErrorNotice error={known.error} />;
  return (
    <div className="stack">
      <ErrorNotice error={start.error} />
      {newest === undefined ? (
        <div className="card">
          <Empty title="Not compared yet">
            <p>
              Every row of the source is compared with the lake's, value by value, while the task goes on and
              the source is written to. It reads as much as a full load; nothing is changed.
            </p>
            {compare}
          </Empty>
        </div>
      ) : (
        <>
          <div className="row apart">
            <span className="muted">
              {newest.by === 'schedule' ? 'By its schedule' : `Asked for by ${newest.by}`}, began{' '}
              <Ago time={newest.startedAt} />
              {newest.endedAt !== null &&
                `, took ${duration(Date.parse(newest.endedAt) - Date.parse(newest.startedAt))}`}
            </span>
            {compare}
          </div>
          <Result task={task} verification={newest} />
        </>
      )}
    </div>
  );
}

function Result({ task, verification }: { task: string; verification: Verification }) {
  const { state, equal, error, tables } = verification;
  const [open, setOpen] = useQueryValue('compared');
  const opened = tables.find(({ source }) => nameOf(source) === open);
  const wrong = tables.filter(({ verdict }) => verdict === 'different');
  const allEqual = tables.length > 0 && tables.every(({ verdict }) => verdict === 'equal');
  if (error !== null) return <ProblemNotice problem={error} />;
  return (
    <>
      <Notice
        tone={state === 'running' ? 'busy' : !equal ? 'bad' : allEqual ? 'good' : 'warn'}
        title={state === 'running' ? 'The tables are read on both sides' : comparisonText(tables)}
      >
        {wrong.length > 0 && (
          <>
            <p className="muted">
              This brings the rows that differ over again, by backfills that name their keys, and compares
              once more:
            </p>
            <Copyable text={`sluice verify '${task.replaceAll("'", "'\\''")}' --repair`} label="the repair" />
          </>
        )}
      </Notice>
      {tables.length > 0 && (
        <section className="card scroll" aria-label="Tables compared">
          <table className="list">
            <thead>
              <tr>
                <th>Table</th>
                <th>Verdict</th>
                <th className="right">At the source</th>
                <th className="right">In the lake</th>
                <th className="right">Missing</th>
                <th className="right">Extra</th>
                <th className="right">Changed</th>
                <th className="right spare">
                  <Term about="The longest time from the end of the source's log to its visibility">
                    Freshness
                  </Term>
                </th>
              </tr>
            </thead>
            <tbody>
              {tables.map((table) => (
                <Line key={nameOf(table.source)} table={table} onOpen={() => setOpen(nameOf(table.source))} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {opened !== undefined && <ComparisonSheet table={opened} onClose={() => setOpen('')} />}
    </>
  );
}

/** The columns whose types or nulls are not alike. */
function OddColumns({ columns }: Pick<TableVerdict, 'columns'>) {
  const odd = columns.filter(
    ({ mapping, sourceNulls, lakeNulls }) => mapping !== 'exact' || sourceNulls !== lakeNulls,
  );
  return odd.map((one) => (
    <div key={one.column} className="small muted">
      {one.column}: {one.sourceType} is {one.lakeType ?? 'missing'}
      {one.mapping === 'wider' && ', which holds all of it'}; null in {count(one.sourceNulls)} rows at the
      source, in {count(one.lakeNulls)} of the lake
    </div>
  ));
}

function Line({ table, onOpen }: { table: TableVerdict; onOpen: () => void }) {
  const [tone, text] = LOOKS[table.verdict];
  return (
    <tr className="top">
      <td>
        <button type="button" className="link" onClick={onOpen}>
          {nameOf(table.source)}
        </button>
        {table.reason !== null && <div className="small muted">{table.reason}</div>}
        <OddColumns columns={table.columns} />
        {table.examples.slice(0, EXAMPLES).map(({ difference, key }) => (
          <div key={difference + JSON.stringify(key)} className="small muted mono">
            {difference}:{' '}
            {Object.entries(key)
              .map(([column, value]) => `${column} = ${value ?? 'null'}`)
              .join(', ')}
          </div>
        ))}
      </td>
      <td>
        <Badge tone={tone}>{text}</Badge>
      </td>
      <td className="right number">{count(table.sourceRows)}</td>
      <td className="right number">{count(table.lakeRows)}</td>
      <td className="right number">{count(table.missing)}</td>
      <td className="right number">{count(table.extra)}</td>
      <td className="right number">{count(table.changed)}</td>
      <td className="right number spare">{table.freshnessMs === null ? '–' : duration(table.freshnessMs)}</td>
    </tr>
  );
}

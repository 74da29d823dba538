import type { ColumnDifference, ColumnSides, TableException, TableOrder, TaskTable } from '@sluice/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/calls.ts';
import { Badge } from '../design/badge.tsx';
import { Button } from '../design/button.tsx';
import { Empty, ErrorNotice } from '../design/notice.tsx';
import { bytes, counted } from '../format/numbers.ts';
import { When } from '../format/time.tsx';
import { useQueryValue } from '../routing/location.tsx';
import { OrderDialog } from './order-dialog.tsx';
import { ORDERS, possibleFor } from './orders.ts';
import { tableLook } from './state.ts';
import { nameOf } from './table-filter.ts';

/** Shown at once; a filter finds the others. */
const SHOWN = 50;

const WORDS: Readonly<Record<ColumnDifference, string>> = {
  added: 'new at the source',
  dropped: 'no longer at the source',
  renamed: 'has another name',
  widened: 'wider type',
  retyped: 'other type',
  key: 'key differs',
};

/** The tables that something is wrong with: why, both schemas side by side, what mends it, and the button for it. */
export function ExceptionsView({
  task,
  running,
  tables,
}: {
  task: string;
  running: boolean;
  tables: readonly TaskTable[];
}) {
  const [text, setText] = useQueryValue('find');
  const [ordering, setOrdering] = useState<{ order: TableOrder; table: TaskTable } | null>(null);
  // A table that comes into trouble, or out of it, asks anew by itself.
  const troubled = tables
    .filter(({ error }) => error !== null)
    .map(({ id, state }) => `${id}${state}`)
    .join();
  const exceptions = useQuery({
    queryKey: ['exceptions', task, troubled],
    queryFn: ({ signal }) => call('taskExceptions', { params: { ref: task }, signal }),
    refetchInterval: 10_000,
    placeholderData: (before) => before,
  });
  if (exceptions.data === undefined) return <ErrorNotice error={exceptions.error} />;
  if (exceptions.data.length === 0)
    return (
      <div className="card">
        <Empty title="Nothing is wrong with any table">
          <p>
            A table that cannot be followed any more is shown here, with its columns at the source and in the
            lake, and what mends it. The others go on meanwhile.
          </p>
        </Empty>
      </div>
    );
  const shown = exceptions.data.filter(({ source }) =>
    nameOf(source).toLowerCase().includes(text.toLowerCase()),
  );
  return (
    <div className="stack wide">
      <div className="row apart">
        <input
          className="input narrow"
          type="search"
          placeholder="Find a table"
          aria-label="Find a table"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <span className="muted small number">
          {shown.length > SHOWN
            ? `the first ${SHOWN} of ${counted(shown.length, 'table')}`
            : counted(shown.length, 'table')}
        </span>
      </div>
      {shown.slice(0, SHOWN).map((exception) => {
        const table = tables.find(({ id }) => id === exception.id);
        return (
          <Exception
            key={exception.id}
            exception={exception}
            onOrder={table === undefined ? null : (order) => setOrdering({ order, table })}
          />
        );
      })}
      {ordering !== null && (
        <OrderDialog
          task={task}
          order={ordering.order}
          tables={[ordering.table]}
          running={running}
          onClose={() => setOrdering(null)}
        />
      )}
    </div>
  );
}

function Exception({
  exception,
  onOrder,
}: {
  exception: TableException;
  onOrder: ((order: TableOrder) => void) | null;
}) {
  const [all, setAll] = useState(!exception.differs);
  const { source, target, state, since, error, waiting, startsWith, columns } = exception;
  const look = tableLook(state as TaskTable['state']);
  const orders = onOrder === null ? [] : possibleFor([{ state: state as TaskTable['state'] }]);
  const shown = all ? columns : columns.filter(({ differs }) => differs.length > 0);
  return (
    <section className="card" aria-label={nameOf(source)}>
      <header>
        <div className="row">
          <h2>{nameOf(source)}</h2>
          <Badge tone={look.tone} title={look.about}>
            {look.text}
          </Badge>
          <span className="muted small">
            since <When time={since} />
          </span>
        </div>
        <div className="row">
          {orders.map((order, at) => (
            <Button key={order} look={at === 0 ? 'primary' : 'plain'} onClick={() => onOrder?.(order)}>
              {ORDERS[order].text}
            </Button>
          ))}
        </div>
      </header>
      <dl className="inside reasons">
        <dt>What is wrong</dt>
        <dd>
          <strong>{error.message}</strong> <code className="faint">{error.code}</code>
        </dd>
        <dt>What mends it</dt>
        <dd>{error.remedy}</dd>
        <dt>Then</dt>
        <dd className="muted">
          {startsWith === 'changes' && 'Start applies the changes that were kept; nothing is loaded anew. '}
          {startsWith === 'load' && 'Start loads the table anew beside what is visible, and swaps both. '}
          {waiting === null
            ? 'Its changes are dropped meanwhile.'
            : `${counted(waiting.changes, 'change')} (${bytes(waiting.bytes)}) kept and not applied.`}
        </dd>
      </dl>
      {columns.length > 0 && (
        <>
          <div className="scroll">
            <table className="list sides">
              <thead>
                <tr>
                  <th>{nameOf(source)} at the source</th>
                  <th>Type</th>
                  <th>{nameOf(target)} in the lake</th>
                  <th>Type</th>
                  <th>Difference</th>
                </tr>
              </thead>
              <tbody>
                {shown.map((column) => (
                  <Sides key={`${column.source?.name ?? ''}\n${column.target?.name ?? ''}`} column={column} />
                ))}
              </tbody>
            </table>
          </div>
          {exception.differs && (
            <div className="inside">
              <Button small look="quiet" onClick={() => setAll(!all)}>
                {all ? 'Only what differs' : `All ${counted(columns.length, 'column')}`}
              </Button>
            </div>
          )}
        </>
      )}
    </section>
  );
}

function Sides({ column }: { column: ColumnSides }) {
  const { source, target, differs } = column;
  return (
    <tr className={differs.length > 0 ? 'differs' : ''}>
      {[source, target].map((side, at) => [
        // biome-ignore lint/suspicious/noArrayIndexKey: the source is the first side, the lake the second
        <td key={`name${at}`}>
          {side === null ? <span className="faint">–</span> : side.name}
          {side?.inKey && <span className="small muted"> key</span>}
        </td>,
        // biome-ignore lint/suspicious/noArrayIndexKey: as above
        <td key={`type${at}`} className="mono">
          {side === null ? '' : `${side.type}${side.nullable ? '' : ' not null'}`}
        </td>,
      ])}
      <td>
        {differs.map((one) => (
          <Badge key={one} tone={one === 'key' || one === 'retyped' ? 'bad' : 'warn'}>
            {WORDS[one]}
          </Badge>
        ))}
      </td>
    </tr>
  );
}

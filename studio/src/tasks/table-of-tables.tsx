import type { TableOrder, TaskTable } from '@sluice/contract';
import { useMemo, useState } from 'react';
import './table-of-tables.css';
import { Button } from '../design/button.tsx';
import { Empty } from '../design/notice.tsx';
import { count } from '../format/numbers.ts';
import { useQueryValue } from '../routing/location.tsx';
import { OrderDialog } from './order-dialog.tsx';
import { ORDERS, possibleFor } from './orders.ts';
import { chosenTables, kindOf, SHOWS, type Sort } from './table-filter.ts';
import { TableLines } from './table-lines.tsx';
import { TableSheet } from './table-sheet.tsx';

interface Ordering {
  readonly order: TableOrder;
  readonly tables: readonly TaskTable[];
}

/** Every table of a task; thousands. Only the lines that are seen are in the document. */
export function TableOfTables({
  task,
  running,
  still,
  tables,
}: {
  task: string;
  running: boolean;
  still: string | null;
  tables: readonly TaskTable[];
}) {
  const [text, setText] = useQueryValue('find');
  const [show, setShow] = useQueryValue('show');
  const [sort, setSort] = useQueryValue('sort', 'state');
  const [picked, setPicked] = useState<ReadonlySet<number>>(new Set());
  const [open, setOpen] = useQueryValue('table');
  const [ordering, setOrdering] = useState<Ordering | null>(null);
  const shown = useMemo(
    () => chosenTables(tables, { text, show, sort: sort as Sort }),
    [tables, text, show, sort],
  );
  const kinds = useMemo(() => {
    const sums: Record<string, number> = { '': tables.length };
    for (const table of tables) sums[kindOf(table)] = (sums[kindOf(table)] ?? 0) + 1;
    return sums;
  }, [tables]);
  const opened = open === '' ? undefined : tables.find(({ id }) => String(id) === open);
  const chosen = tables.filter(({ id }) => picked.has(id));
  const toggle = (id: number) =>
    setPicked((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  if (tables.length === 0)
    return (
      <div className="card">
        <Empty title="No tables yet">
          <p>
            {running
              ? 'The source is being looked at; its tables appear in a moment.'
              : 'The tables are known when the task has been published and started.'}
          </p>
        </Empty>
      </div>
    );
  return (
    <section className="card" aria-label="Tables of the task">
      <header>
        <div className="row">
          <input
            className="input narrow"
            type="search"
            placeholder="Find a table"
            aria-label="Find a table"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <fieldset className="pills" aria-label="Which tables">
            {SHOWS.map(([id, label]) => (
              <button key={id} type="button" aria-pressed={show === id} onClick={() => setShow(id)}>
                {label} <span className="number">{count(kinds[id] ?? 0)}</span>
              </button>
            ))}
          </fieldset>
          <label className="row small muted">
            <span className="label">Order</span>
            <select
              aria-label="Order"
              className="input small"
              value={sort}
              onChange={(event) => setSort(event.target.value)}
            >
              <option value="state">by state</option>
              <option value="name">by name</option>
              <option value="latency">by latency</option>
              <option value="rows">by rows</option>
            </select>
          </label>
        </div>
        <Batch
          shown={shown}
          chosen={chosen}
          onPick={(ids) => setPicked(new Set(ids))}
          onOrder={(order) => setOrdering({ order, tables: chosen })}
        />
      </header>
      {shown.length === 0 ? (
        <Empty title="No table is like that">
          <p>Take a filter away.</p>
        </Empty>
      ) : (
        <TableLines
          tables={shown}
          picked={picked}
          still={still}
          onToggle={toggle}
          onOpen={(id) => setOpen(String(id))}
          onOrder={(order, table) => setOrdering({ order, tables: [table] })}
        />
      )}
      {opened !== undefined && (
        <TableSheet
          key={opened.id}
          task={task}
          table={opened}
          still={still}
          onOrder={(order) => setOrdering({ order, tables: [opened] })}
          onClose={() => setOpen('')}
        />
      )}
      {ordering !== null && (
        <OrderDialog
          task={task}
          order={ordering.order}
          tables={ordering.tables}
          running={running}
          onClose={() => setOrdering(null)}
        />
      )}
    </section>
  );
}

function Batch({
  shown,
  chosen,
  onPick,
  onOrder,
}: {
  shown: readonly TaskTable[];
  chosen: readonly TaskTable[];
  onPick: (ids: readonly number[]) => void;
  onOrder: (order: TableOrder) => void;
}) {
  const orders = possibleFor(chosen);
  return (
    <div className="row batch">
      {chosen.length === 0 ? (
        <Button small look="quiet" onClick={() => onPick(shown.map(({ id }) => id))}>
          {`Select ${shown.length === 1 ? 'it' : `all ${count(shown.length)}`}`}
        </Button>
      ) : (
        <>
          <span className="muted small number">{count(chosen.length)} selected</span>
          {orders.length === 0 && <span className="muted small">nothing can be ordered for all of them</span>}
          {orders.map((order) => (
            <Button key={order} small onClick={() => onOrder(order)}>
              {ORDERS[order].text}
            </Button>
          ))}
          <Button small look="quiet" onClick={() => onPick([])}>
            Select none
          </Button>
        </>
      )}
    </div>
  );
}

import type { TableOrder, TaskTable } from '@sluice/contract';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useRef } from 'react';
import { Badge } from '../design/badge.tsx';
import { Button } from '../design/button.tsx';
import { Term } from '../design/term.tsx';
import { count, percent } from '../format/numbers.ts';
import { Ago } from '../format/time.tsx';
import { Link } from '../routing/location.tsx';
import { Behind } from './behind.tsx';
import { loadText } from './load-progress.tsx';
import { ORDERS, possibleFor, remedyFor } from './orders.ts';
import { tableLook } from './state.ts';
import { nameOf } from './table-filter.ts';

const LINE = 37;
const WIDTHS = [
  ['selected', '40px'],
  ['table', 'auto'],
  ['state', '168px'],
  ['loaded', '112px'],
  ['changes', '104px'],
  ['latency', '92px'],
  ['updated', '132px'],
  ['orders', '128px'],
] as const;
/** Not shown in a narrow window. */
const SPARE: ReadonlySet<string> = new Set(['loaded', 'changes', 'updated']);
const COLUMNS = WIDTHS.length;

interface Does {
  readonly onToggle: (id: number) => void;
  readonly onOpen: (id: number) => void;
  readonly onOrder: (order: TableOrder, table: TaskTable) => void;
}

/** The lines that are seen, and some around them; the others are two empty spaces. */
export function TableLines({
  tables,
  picked,
  still,
  ...does
}: { tables: readonly TaskTable[]; picked: ReadonlySet<number>; still: string | null } & Does) {
  const box = useRef<HTMLElement>(null);
  const lines = useVirtualizer({
    count: tables.length,
    getScrollElement: () => box.current,
    // A line with a reason is higher; it is measured when it is drawn.
    estimateSize: (at) => (tables[at]?.error == null ? LINE : LINE * 2),
    getItemKey: (at) => tables[at]?.id ?? at,
    overscan: 12,
  });
  const items = lines.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = lines.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls is reached by the keyboard
    <section ref={box} className="tables" aria-label="List of tables" tabIndex={0}>
      <table className="list" aria-rowcount={tables.length + 1}>
        <colgroup>
          {WIDTHS.map(([column, width]) => (
            <col key={column} className={SPARE.has(column) ? 'spare' : ''} style={{ width }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            <th>
              <span className="unseen">Selected</span>
            </th>
            <th>Source table</th>
            <th>State</th>
            <th className="right spare">Rows loaded</th>
            <th className="right spare">
              <Term about="Rows of the source's log that were applied to it">Changes</Term>
            </th>
            <th className="right">
              <Term about="From the commit at the source until it is visible; of a table whose changes are not applied, how long that has been so">
                Latency
              </Term>
            </th>
            <th className="right spare">Updated</th>
            <th>
              <span className="unseen">Orders</span>
            </th>
          </tr>
        </thead>
        <Space height={above} />
        {items.map((item) => {
          const table = tables[item.index];
          return table === undefined ? null : (
            <tbody key={item.key} ref={lines.measureElement} data-index={item.index}>
              <Line at={item.index} table={table} picked={picked.has(table.id)} still={still} {...does} />
            </tbody>
          );
        })}
        <Space height={below} />
      </table>
    </section>
  );
}

function Space({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tbody aria-hidden="true">
      <tr>
        <td colSpan={COLUMNS} className="space" style={{ height }} />
      </tr>
    </tbody>
  );
}

const Line = memo(function Line({
  at,
  table,
  picked,
  still,
  onToggle,
  onOpen,
  onOrder,
}: { at: number; table: TaskTable; picked: boolean; still: string | null } & Does) {
  const look = tableLook(table.state);
  const name = nameOf(table.source);
  const target = nameOf(table.target);
  const first = remedyFor(table.state);
  const rest = possibleFor([table]).filter((order) => order !== first);
  const { error, nulledValues, loadProgress } = table;
  return (
    <>
      <tr aria-rowindex={at + 2} className={error === null && nulledValues === 0 ? '' : 'with-reason'}>
        <td>
          <input
            type="checkbox"
            aria-label={`Select ${name}`}
            checked={picked}
            onChange={() => onToggle(table.id)}
          />
        </td>
        <td className="cut" title={`${name} → ${target}`}>
          <button type="button" className="link" onClick={() => onOpen(table.id)}>
            {name}
          </button>
          {target !== name && <span className="faint"> → {target}</span>}
        </td>
        <td className="cut">
          <Badge
            tone={still !== null && look.tone === 'good' ? 'idle' : look.tone}
            title={
              still !== null && look.tone === 'good'
                ? 'Its changes are applied when the task runs'
                : look.about
            }
          >
            {look.text}
          </Badge>
          {loadProgress !== null && look.tone === 'busy' && (
            <span className="small muted number"> {percent(loadProgress)}</span>
          )}
        </td>
        <td className="right number spare" title={loadText(table)}>
          {count(table.rowsLoaded)}
        </td>
        <td className="right number spare">{count(table.rowsApplied)}</td>
        <td className="right number">
          <Behind table={table} still={still} />
        </td>
        <td className="right small spare">
          <Ago time={table.updatedAt} />
        </td>
        <td className="right orders">
          {first !== null && (
            <Button small onClick={() => onOrder(first, table)}>
              {ORDERS[first].text}
            </Button>
          )}
          {rest.length > 0 && (
            <select
              className="input small more"
              aria-label={`Orders for ${name}`}
              value=""
              onChange={(event) => onOrder(event.target.value as TableOrder, table)}
            >
              <option value="">⋯</option>
              {rest.map((order) => (
                <option key={order} value={order}>
                  {ORDERS[order].text}
                </option>
              ))}
            </select>
          )}
        </td>
      </tr>
      {(error !== null || nulledValues > 0) && (
        <tr className="reason small">
          <td />
          <td colSpan={COLUMNS - 1}>
            {error !== null && (
              <>
                <span className={look.tone === 'bad' ? 'bad-text' : ''}>{error.message}</span>{' '}
                <span className="muted">{error.remedy}</span> <code className="faint">{error.code}</code>{' '}
                <Link to={`?tab=exceptions&find=${encodeURIComponent(name)}`}>Both schemas</Link>{' '}
              </>
            )}
            {nulledValues > 0 && (
              <span className="muted">
                {count(nulledValues)} values that its types cannot hold became null.
              </span>
            )}
          </td>
        </tr>
      )}
    </>
  );
});

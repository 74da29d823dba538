import type { SqlResult } from '@sluice/contract';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import './sql.css';
import { cellText } from './csv.ts';

const LINE = 30;

/** Exact numbers come as text; their column says what they are, in DuckDB's words or in Iceberg's. */
const NUMERIC = /^(u?(tiny|small|big|huge)?int(eger)?|long|decimal|numeric|float|double|real)\b/i;
const sideOf = (type: string): string => (NUMERIC.test(type) ? 'right number' : '');

/** Rows as SQL gave them; only those that are seen are in the document. */
export function ResultGrid({ result }: { result: SqlResult }) {
  const box = useRef<HTMLElement>(null);
  const lines = useVirtualizer({
    count: result.rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE,
    overscan: 20,
  });
  const items = lines.getVirtualItems();
  const below = lines.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls is reached by the keyboard
    <section ref={box} className="results" aria-label="Result" tabIndex={0}>
      <table className="list grid" aria-rowcount={result.rows.length + 1}>
        <thead>
          <tr>
            {result.columns.map((column, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two columns of a result may have one name
              <th key={at} className={sideOf(column.type)}>
                {column.name} <span className="faint">{column.type}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(items[0]?.start ?? 0) > 0 && (
            <tr>
              <td colSpan={result.columns.length} className="space" style={{ height: items[0]?.start }} />
            </tr>
          )}
          {items.map((item) => (
            <tr key={item.key} aria-rowindex={item.index + 2}>
              {(result.rows[item.index] ?? []).map((value, at) => (
                <td
                  // biome-ignore lint/suspicious/noArrayIndexKey: two columns of a result may have one name
                  key={at}
                  className={`${sideOf(result.columns[at]?.type ?? '')} ${value === null ? 'faint' : ''}`}
                  title={cellText(value).slice(0, 2000)}
                >
                  {value === null ? 'null' : cellText(value).slice(0, 500)}
                </td>
              ))}
            </tr>
          ))}
          {below > 0 && (
            <tr>
              <td colSpan={result.columns.length} className="space" style={{ height: below }} />
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}

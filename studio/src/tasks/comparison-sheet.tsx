import type { ColumnFigures, TableVerdict } from '@sluice/contract';
import { Badge, type Tone } from '../design/badge.tsx';
import { Sheet } from '../design/sheet.tsx';
import { Term } from '../design/term.tsx';
import { count, counted, duration, percent } from '../format/numbers.ts';
import { When } from '../format/time.tsx';
import { nameOf } from './table-filter.ts';

const MAPPINGS: Readonly<Record<ColumnFigures['mapping'], readonly [Tone, string]>> = {
  exact: ['good', 'exact'],
  wider: ['good', 'wider'],
  other: ['warn', 'other type'],
  missing: ['bad', 'missing'],
};

/** What a comparison found of one table, column by column. */
export function ComparisonSheet({ table, onClose }: { table: TableVerdict; onClose: () => void }) {
  const { followed, ops, columns, looks } = table;
  const rows = Object.values(ops).reduce((sum, one) => sum + one, 0);
  return (
    <Sheet title={nameOf(table.source)} onClose={onClose}>
      <dl className="pairs">
        <dt>
          <Term about="A change that was committed at the source while the tables were compared">
            A change followed
          </Term>
        </dt>
        <dd>
          {followed === null ? (
            'none arrived meanwhile'
          ) : (
            <>
              committed <When time={followed.committedAt} />, visible {duration(followed.ms)} later
            </>
          )}
        </dd>
        <dt>
          <Term about="What last made each row of the lake: I insert or full load, U update, D deleted where deletes are kept">
            Rows by _op
          </Term>
        </dt>
        <dd>
          {rows === 0
            ? 'no rows'
            : Object.entries(ops)
                .map(([op, number]) => `${op} ${count(number)} (${percent(number / rows)})`)
                .join(', ')}
        </dd>
        <dt>Looked again</dt>
        <dd>{counted(looks, 'time')} at keys that differed</dd>
      </dl>
      {columns.length > 0 && (
        <section className="card scroll" aria-label="Columns compared">
          <table className="list">
            <thead>
              <tr>
                <th>Column</th>
                <th>At the source</th>
                <th>In the lake</th>
                <th>
                  <Term about="exact: the type that the mapping gives; wider: one that holds all of it; other: values that do not fit differ">
                    Type
                  </Term>
                </th>
                <th className="right">
                  <Term about="At the source, and in the lake where that differs">Nulls</Term>
                </th>
              </tr>
            </thead>
            <tbody>
              {columns.map((column) => (
                <Line key={column.column} column={column} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </Sheet>
  );
}

function Line({ column }: { column: ColumnFigures }) {
  const [tone, text] = MAPPINGS[column.mapping];
  const { sourceNulls, lakeNulls } = column;
  return (
    <tr>
      <td>{column.column}</td>
      <td className="mono">{column.sourceType}</td>
      <td className="mono">{column.lakeType ?? '–'}</td>
      <td>
        <Badge tone={tone}>{text}</Badge>
      </td>
      <td className="right number">
        {count(sourceNulls)}
        {lakeNulls !== sourceNulls && <span className="bad-text"> / {count(lakeNulls)}</span>}
      </td>
    </tr>
  );
}

import { useQuery } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { Button } from '../design/button.tsx';
import { TextField } from '../design/field.tsx';
import { ErrorNotice } from '../design/notice.tsx';
import { counted } from '../format/numbers.ts';
import {
  type DraftRule,
  type DraftSource,
  type DraftVirtualTable,
  emptyTable,
  NO_PARTS,
  PARTS,
  type Part,
} from './merge-draft.ts';
import { MergePreview } from './merge-preview.tsx';
import type { StepProps } from './new-sync-page.tsx';

/** Which source tables, of which servers, become which target tables; what that comes to is shown beside it. */
export function MergeStep({ draft, change }: StepProps) {
  const { virtualTables } = draft;
  const put = (at: number, table: DraftVirtualTable) =>
    change({ virtualTables: virtualTables.map((one, place) => (place === at ? table : one)) });
  const fresh = () => emptyTable(Math.max(0, ...virtualTables.map(({ key }) => key)) + 1);
  return (
    <div className="stack wide">
      <Sources sources={draft.sources} onChange={(sources) => change({ sources })} />
      <section className="stack" aria-label="Virtual tables">
        <h2>Virtual tables</h2>
        <p className="muted">
          Each becomes one table in the lake, of every source table whose name matches. Patterns are regular
          expressions over the whole name, and case counts: <code>orders_\d+</code>. An empty one matches any
          name.
        </p>
        {virtualTables.map((table, at) => (
          <VirtualTable
            key={table.key}
            table={table}
            onChange={(next) => put(at, next)}
            onRemove={
              virtualTables.length === 1
                ? null
                : () => change({ virtualTables: virtualTables.filter((_, place) => place !== at) })
            }
          />
        ))}
        <div>
          <Button onClick={() => change({ virtualTables: [...virtualTables, fresh()] })}>
            Add a virtual table
          </Button>
        </div>
      </section>
      <MergePreview draft={draft} />
    </div>
  );
}

function Sources({
  sources,
  onChange,
}: {
  sources: readonly DraftSource[];
  onChange: (sources: readonly DraftSource[]) => void;
}) {
  const known = useQuery({
    queryKey: ['data-sources'],
    queryFn: ({ signal }) => call('listDataSources', { signal }),
  });
  const left = (known.data ?? []).filter(
    ({ name }) => !sources.some(({ dataSource }) => dataSource === name),
  );
  const put = (dataSource: string, part: Partial<DraftSource>) =>
    onChange(sources.map((one) => (one.dataSource === dataSource ? { ...one, ...part } : one)));
  return (
    <section className="stack" aria-label="Data sources of the merge">
      <h2>Data sources</h2>
      <ErrorNotice error={known.error} />
      <div className="card scroll">
        <table className="list">
          <thead>
            <tr>
              <th>Data source</th>
              <th title="What patterns and extended fields call it; it stays when the data source is renamed">
                Called in patterns and rows
              </th>
              <th title="Parted by commas">Only these databases</th>
              <th>
                <span className="unseen">Remove</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {sources.map(({ dataSource, server, databases }) => (
              <tr key={dataSource}>
                <td>{dataSource}</td>
                <td>
                  <input
                    className="input"
                    aria-label={`What ${dataSource} is called`}
                    placeholder={dataSource}
                    value={server}
                    onChange={(event) => put(dataSource, { server: event.target.value })}
                  />
                </td>
                <td>
                  <input
                    className="input"
                    aria-label={`Databases of ${dataSource}`}
                    placeholder="each that a pattern can match"
                    value={databases}
                    onChange={(event) => put(dataSource, { databases: event.target.value })}
                  />
                </td>
                <td className="right">
                  <Button
                    small
                    look="quiet"
                    why={sources.length === 1 ? 'A merge needs one' : null}
                    aria-label={`Remove ${dataSource}`}
                    onClick={() => onChange(sources.filter((one) => one.dataSource !== dataSource))}
                  >
                    Remove
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {left.length > 0 && (
        <div>
          <select
            className="input narrow"
            aria-label="Add a data source to the merge"
            value=""
            onChange={(event) =>
              onChange([...sources, { dataSource: event.target.value, server: '', databases: '' }])
            }
          >
            <option value="">Add a data source …</option>
            {left.map(({ id, name }) => (
              <option key={id}>{name}</option>
            ))}
          </select>
        </div>
      )}
    </section>
  );
}

const FIELD_HINTS: Readonly<Record<Part, string>> = {
  server: '_server',
  database: '_database',
  schema: '_schema',
  table: '_table',
};

function VirtualTable({
  table,
  onChange,
  onRemove,
}: {
  table: DraftVirtualTable;
  onChange: (table: DraftVirtualTable) => void;
  onRemove: (() => void) | null;
}) {
  const title = table.table.trim() === '' ? 'New virtual table' : `${table.schema}.${table.table}`;
  const { rules, fields } = table;
  const rule = (at: number, next: DraftRule) =>
    onChange({ ...table, rules: rules.map((one, place) => (place === at ? next : one)) });
  const named = PARTS.some((part) => fields[part].trim() !== '');
  return (
    <fieldset className="card virtual-table" aria-label={title}>
      <div className="row apart">
        <h3>{title}</h3>
        {onRemove !== null && (
          <Button small look="quiet" onClick={onRemove} aria-label={`Remove ${title}`}>
            Remove
          </Button>
        )}
      </div>
      <div className="fields">
        <TextField
          label="Schema in the lake"
          value={table.schema}
          onText={(schema) => onChange({ ...table, schema })}
        />
        <TextField
          label="Table in the lake"
          value={table.table}
          placeholder="orders"
          onText={(text) => onChange({ ...table, table: text })}
        />
      </div>
      {table.listed !== undefined && (
        <p className="muted">
          {counted(table.listed.length, 'source table')} by name, from a file. They stay as they are; the
          command line takes another list.
        </p>
      )}
      <div className="rules" hidden={table.listed !== undefined}>
        <div className="rule small muted" aria-hidden="true">
          {PARTS.map((part) => (
            <span key={part}>{part}</span>
          ))}
          <span />
        </div>
        {rules.map((one, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a rule is its place; it has no other name
          <div key={at} className="rule">
            {PARTS.map((part) => (
              <input
                key={part}
                className="input mono"
                aria-label={`Pattern of the ${part}, rule ${at + 1} of ${title}`}
                placeholder="any"
                spellCheck={false}
                value={one[part]}
                onChange={(event) => rule(at, { ...one, [part]: event.target.value })}
              />
            ))}
            <Button
              small
              look="quiet"
              why={rules.length === 1 ? 'A virtual table needs one' : null}
              aria-label={`Remove rule ${at + 1} of ${title}`}
              onClick={() => onChange({ ...table, rules: rules.filter((_, place) => place !== at) })}
            >
              ✕
            </Button>
          </div>
        ))}
        <div>
          <Button small onClick={() => onChange({ ...table, rules: [...rules, NO_PARTS] })}>
            Or another rule
          </Button>
        </div>
      </div>
      <div className="rules">
        <p className="small muted">
          Extended fields: columns that say where a row came from. Name those that you want.
        </p>
        <div className="rule">
          {PARTS.map((part) => (
            <input
              key={part}
              className="input mono"
              aria-label={`Column for the ${part}, of ${title}`}
              placeholder={FIELD_HINTS[part]}
              spellCheck={false}
              value={fields[part]}
              onChange={(event) => onChange({ ...table, fields: { ...fields, [part]: event.target.value } })}
            />
          ))}
          <span />
        </div>
        <label className="row">
          <input
            type="checkbox"
            checked={table.extendedKey && named}
            disabled={!named}
            onChange={(event) => onChange({ ...table, extendedKey: event.target.checked })}
          />
          They are part of the primary key: rows of equal keys in two shards are two rows
        </label>
      </div>
    </fieldset>
  );
}

import { useQuery } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { Choice } from '../design/field.tsx';
import { ErrorNotice } from '../design/notice.tsx';
import { counted } from '../format/numbers.ts';
import { MergeStep } from './merge-step.tsx';
import type { StepProps } from './new-sync-page.tsx';
import { TablePicker } from './table-picker.tsx';

export function ObjectsStep({ draft, change }: StepProps) {
  const objects = useQuery({
    queryKey: ['objects', draft.source, draft.database],
    queryFn: ({ signal }) =>
      call('listObjects', { params: { ref: draft.source, catalog: draft.database }, signal }),
  });
  const schemas = [...new Set((objects.data ?? []).map(({ schema }) => schema))].sort();
  const within = (objects.data ?? []).filter(
    ({ schema }) => draft.schemas.length === 0 || draft.schemas.includes(schema),
  );
  return (
    <div className="stack wide">
      <fieldset className="stack">
        <legend>What to sync</legend>
        <Choice
          name="mode"
          title="The whole database"
          checked={draft.mode === 'database'}
          onChoose={() => change({ mode: 'database' })}
        >
          Every table of {draft.database}, and those that are made later: they join by themselves.
        </Choice>
        <Choice
          name="mode"
          title="Tables that I choose"
          checked={draft.mode === 'tables'}
          onChoose={() => change({ mode: 'tables' })}
        >
          By search, by pattern, or by a list.
        </Choice>
        <Choice
          name="mode"
          title="Sharded tables that become one"
          checked={draft.mode === 'merge'}
          onChoose={() =>
            change({
              mode: 'merge',
              ...(draft.sources.length > 0
                ? {}
                : { sources: [{ dataSource: draft.source, server: '', databases: '' }] }),
            })
          }
        >
          Tables of one form over databases and servers, by rules: one table in the lake of each virtual
          table.
        </Choice>
      </fieldset>
      {draft.mode === 'merge' && <MergeStep draft={draft} change={change} />}
      {draft.mode !== 'merge' && <ErrorNotice error={objects.error} />}
      {objects.isPending && draft.mode !== 'merge' && <p className="muted">Reading the tables …</p>}
      {objects.data !== undefined && draft.mode === 'database' && (
        <>
          {schemas.length > 1 && (
            <fieldset className="stack">
              <legend>Which schemas</legend>
              <div className="row">
                {schemas.map((schema) => (
                  <label key={schema} className="row">
                    <input
                      type="checkbox"
                      checked={draft.schemas.includes(schema)}
                      onChange={(event) =>
                        change({
                          schemas: event.target.checked
                            ? [...draft.schemas, schema]
                            : draft.schemas.filter((one) => one !== schema),
                        })
                      }
                    />
                    {schema}
                  </label>
                ))}
              </div>
              <p className="muted small">None chosen: all of them, later ones too.</p>
            </fieldset>
          )}
          <p>{counted(within.length, 'table')} now.</p>
        </>
      )}
      {objects.data !== undefined && draft.mode === 'tables' && (
        <TablePicker
          known={objects.data}
          chosen={draft.tables}
          readFile={(body) =>
            call('readTableFile', { params: { ref: draft.source, catalog: draft.database }, body })
          }
          onChoose={(tables) => change({ tables })}
        />
      )}
      <fieldset className="stack">
        <legend>How it begins</legend>
        <Choice
          name="sync"
          title="Full load, then changes"
          checked={draft.syncMode === 1}
          onChoose={() => change({ syncMode: 1 })}
        >
          The rows that are there now are read once; changes follow without a gap.
        </Choice>
        <Choice
          name="sync"
          title="Changes only"
          checked={draft.syncMode === 2}
          onChoose={() => change({ syncMode: 2 })}
        >
          Rows that are there now do not come, until they are changed.
        </Choice>
      </fieldset>
    </div>
  );
}

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError, call } from '../api/calls.ts';
import { Button } from '../design/button.tsx';
import { TextField } from '../design/field.tsx';
import { ErrorNotice, Notice } from '../design/notice.tsx';
import { counted } from '../format/numbers.ts';
import { Link } from '../routing/location.tsx';
import { missing, specOf, stepsOf } from './draft.ts';
import type { StepProps } from './new-sync-page.tsx';
import { ParametersForm } from './parameters-form.tsx';

function whatOf({ mode, database, schemas, tables, sources, virtualTables }: StepProps['draft']): string {
  if (mode === 'merge')
    return `${counted(virtualTables.length, 'virtual table')} ${virtualTables.length === 1 ? 'gathers' : 'gather'} every source table that matches, of ${sources.map(({ dataSource }) => dataSource).join(', ')}; later ones too.`;
  if (mode === 'database')
    return `Every table of ${database}${schemas.length > 0 ? ` in ${schemas.join(', ')}` : ''} is mirrored, later ones too.`;
  return `${counted(tables.length, 'table')} of ${database} ${tables.length === 1 ? 'is' : 'are'} mirrored.`;
}

/** How far to go: the draft alone, its first version, or a run. */
type Until = 'draft' | 'published' | 'started';

export function SummaryStep({
  draft,
  change,
  task,
  onMade,
}: StepProps & { task: string | null; onMade: (name: string) => void }) {
  const queries = useQueryClient();
  const [made, setMade] = useState<string | null>(task);
  const folders = useQuery({
    queryKey: ['folders'],
    queryFn: ({ signal }) => call('listFolders', { signal }),
  });
  const make = useMutation({
    mutationFn: async (until: Until) => {
      const name = draft.name.trim();
      const folder = draft.folder.trim();
      if (task === null)
        await call('createFolder', { body: { name: folder } }).catch((error: unknown) => {
          if (!(error instanceof ApiError) || error.code !== 'ALREADY_EXISTS') throw error;
        });
      // A draft that could not be published is there already; it is changed, not made again.
      if (made === name) await call('configureTask', { params: { ref: name }, body: specOf(draft) });
      else await call('createTask', { body: { name, folder, spec: specOf(draft) } });
      setMade(name);
      if (until !== 'draft') await call('publishTask', { params: { ref: name } });
      if (until === 'started') await call('startTask', { params: { ref: name }, body: {} });
      return name;
    },
    onSuccess: async (name) => {
      await queries.invalidateQueries();
      onMade(name);
    },
  });
  const why = [0, 1, 2, 3].map((step) => missing(draft, step)).find((one) => one !== null) ?? null;
  return (
    <div className="stack wide">
      <div className="fields">
        <TextField
          label="Name of the task"
          value={draft.name}
          disabled={task !== null}
          onText={(name) => change({ name })}
          placeholder="shop-mirror"
        />
        <TextField
          label="Folder"
          value={draft.folder}
          list="folders"
          disabled={task !== null}
          onText={(folder) => change({ folder })}
          hint={task === null ? 'It is made where it is not there yet' : undefined}
        />
        <datalist id="folders">
          {folders.data?.map(({ id, name }) => (
            <option key={id} value={name} />
          ))}
        </datalist>
      </div>
      <section className="stack">
        <h2>What will happen</h2>
        <ul className="what">
          <li>{whatOf(draft)}</li>
          <li>
            {draft.syncMode === 1
              ? 'The rows that are there now are read once, table by table, without locks; changes follow.'
              : 'Changes from the start on are mirrored; rows that are there now do not come.'}
          </li>
          {draft.mode !== 'merge' && (
            <li>
              Tables are named <code>{draft.targetSchema}</code>.<code>{draft.targetTable}</code> in the lake.
            </li>
          )}
          <li>
            At the source, PostgreSQL gets a replication slot and a publication for this task; MySQL and
            MariaDB get nothing. No table of the source is changed.
          </li>
        </ul>
      </section>
      <ParametersForm values={draft.parameters} onChange={(parameters) => change({ parameters })} />
      <ErrorNotice error={make.error} />
      {make.isError && made !== null && task === null && (
        <Notice tone="warn" title={`What is made so far is kept as ${made}`}>
          <p>
            Mend what is said above and go on from here, or go on from{' '}
            <Link to={`/tasks/${encodeURIComponent(made)}`}>the task</Link>.
          </p>
        </Notice>
      )}
      <div className="row">
        <Button onClick={() => change({ step: stepsOf(draft).at(-2) ?? 0 })}>Back</Button>
        {task === null && (
          <Button look="primary" why={why} disabled={make.isPending} onClick={() => make.mutate('started')}>
            {make.isPending ? 'Working …' : 'Publish and start'}
          </Button>
        )}
        <Button
          look={task === null ? 'plain' : 'primary'}
          why={why}
          disabled={make.isPending}
          onClick={() => make.mutate('published')}
        >
          {task === null ? 'Publish' : 'Save and publish'}
        </Button>
        <Button why={why} disabled={make.isPending} onClick={() => make.mutate('draft')}>
          Save the draft
        </Button>
        {why !== null && <span className="muted">{why}</span>}
      </div>
    </div>
  );
}

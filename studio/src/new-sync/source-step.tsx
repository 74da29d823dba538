import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ApiError, call } from '../api/calls.ts';
import { Checklist } from '../data-sources/checklist.tsx';
import { ConnectionDialog } from '../data-sources/connection-dialog.tsx';
import '../data-sources/data-sources.css';
import { kindText } from '../data-sources/kinds.ts';
import { Button } from '../design/button.tsx';
import { Choice, SelectField } from '../design/field.tsx';
import { Empty, ErrorNotice } from '../design/notice.tsx';
import { EMPTY } from './draft.ts';
import type { StepProps } from './new-sync-page.tsx';

export function SourceStep({ draft, change }: StepProps) {
  const [adding, setAdding] = useState(false);
  const sources = useQuery({
    queryKey: ['data-sources'],
    queryFn: ({ signal }) => call('listDataSources', { signal }),
  });
  const chosen = sources.data?.find(({ name }) => name === draft.source);
  // Whoever comes from the page of a data source has chosen it there.
  useEffect(() => {
    if (chosen !== undefined && draft.database === '') change({ database: chosen.database });
  });
  const add = <Button onClick={() => setAdding(true)}>Add a data source</Button>;
  return (
    <div className="stack wide">
      <ErrorNotice error={sources.error} />
      {sources.data?.length === 0 ? (
        <div className="card">
          <Empty title="No data source yet">
            <p>First of all, Sluice needs the address of the database, and an account.</p>
            {add}
          </Empty>
        </div>
      ) : (
        <fieldset className="stack">
          <legend>Which data source</legend>
          <div className="choices">
            {sources.data?.map((source) => (
              <Choice
                key={source.id}
                name="source"
                title={source.name}
                checked={source.name === draft.source}
                onChoose={() => change({ ...EMPTY, source: source.name, database: source.database })}
              >
                {kindText(source.type)} at {source.host}:{source.port}
              </Choice>
            ))}
          </div>
          <div>{add}</div>
        </fieldset>
      )}
      {chosen !== undefined && draft.database !== '' && (
        <>
          <Databases
            source={chosen.name}
            chosen={draft.database}
            onChoose={(database) => change({ database, schemas: [], tables: [] })}
          />
          <Check source={chosen.name} database={draft.database} />
        </>
      )}
      {adding && <ConnectionDialog source={null} onClose={() => setAdding(false)} />}
    </div>
  );
}

function Databases({
  source,
  chosen,
  onChoose,
}: {
  source: string;
  chosen: string;
  onChoose: (database: string) => void;
}) {
  const catalogs = useQuery({
    queryKey: ['catalogs', source],
    queryFn: ({ signal }) => call('listCatalogs', { params: { ref: source }, signal }),
  });
  // What is wrong with the connection is said by the check beneath.
  const said = catalogs.error instanceof ApiError && catalogs.error.code.startsWith('SOURCE_');
  const names = [...new Set([chosen, ...(catalogs.data ?? []).map(({ name }) => name)])];
  return (
    <>
      <ErrorNotice error={said ? null : catalogs.error} />
      <SelectField
        label="Which database"
        value={chosen}
        onText={onChoose}
        options={names.map((name) => [name, name] as const)}
      />
    </>
  );
}

function Check({ source, database }: { source: string; database: string }) {
  const check = useQuery({
    queryKey: ['check', source, database],
    queryFn: ({ signal }) => call('checkCdc', { params: { ref: source }, body: { database }, signal }),
    retry: false,
    staleTime: 60_000,
  });
  return (
    <section className="stack" aria-label="Check">
      <div className="row apart">
        <h2>Can its changes be captured</h2>
        <Button small onClick={() => void check.refetch()} disabled={check.isFetching}>
          {check.isFetching ? 'Checking …' : 'Check again'}
        </Button>
      </div>
      <ErrorNotice error={check.error} />
      {check.data !== undefined && (
        <Checklist
          result={{
            ...check.data,
            // What is fine needs no reading here; the page of the data source has it.
            findings: check.data.findings.filter(({ level }) => level === 'error' || level === 'warning'),
          }}
        />
      )}
    </section>
  );
}

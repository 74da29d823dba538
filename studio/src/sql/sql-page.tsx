import type { SQLNamespace } from '@codemirror/lang-sql';
import type { LakeTable, SqlResult } from '@sluice/contract';
import { useQueries, useQuery } from '@tanstack/react-query';
import { useMemo, useRef, useState } from 'react';
import './sql.css';
import { call } from '../api/calls.ts';
import { Button } from '../design/button.tsx';
import { Empty, ErrorNotice } from '../design/notice.tsx';
import { counted, duration } from '../format/numbers.ts';
import { When } from '../format/time.tsx';
import { useQueryValue } from '../routing/location.tsx';
import { PageHead } from '../shell/page-head.tsx';
import { csv } from './csv.ts';
import { Editor } from './editor.tsx';
import { mentioned, namespaceOf } from './known-names.ts';
import { keepStatement, pastStatements } from './past-statements.ts';
import { ResultGrid } from './result-grid.tsx';

interface Outcome {
  readonly result: SqlResult | null;
  readonly error: unknown;
  readonly ms: number;
}

const NONE: readonly LakeTable[] = [];
const LIMITS = ['100', '1000', '10000', '100000'] as const;

export default function SqlPage() {
  const [given] = useQueryValue('q');
  const [text, setText] = useState(given);
  const [limit, setLimit] = useQueryValue('limit', '1000');
  const [past, setPast] = useState(pastStatements);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const running = useRef<AbortController>(null);
  const [busy, setBusy] = useState(false);
  const tables = useQuery({
    queryKey: ['lake-tables'],
    queryFn: ({ signal }) => call('listLakeTables', { signal }),
  });
  const names = useNames(text, tables.data ?? NONE);

  const run = async () => {
    if (text.trim() === '' || busy) return;
    const controller = new AbortController();
    running.current = controller;
    setBusy(true);
    const began = performance.now();
    const end = (result: SqlResult | null, error: unknown) => {
      const ms = performance.now() - began;
      setOutcome({ result, error, ms });
      const said = result === null ? (error as Error).message : counted(result.rows.length, 'row');
      setPast(keepStatement({ sql: text, at: new Date().toISOString(), outcome: said }));
    };
    try {
      end(await call('sql', { body: { sql: text, limit: Number(limit) }, signal: controller.signal }), null);
    } catch (error) {
      end(null, controller.signal.aborted ? new Error('Cancelled.') : error);
    } finally {
      setBusy(false);
    }
  };
  const result = outcome?.result ?? null;
  return (
    <>
      <PageHead title="SQL" about="Read-only, over all tables of the warehouse at one moment" />
      <section className="card" aria-label="Statement">
        <Editor text={text} schema={names} onText={setText} onRun={() => void run()} />
        <div className="inside row apart">
          <div className="row">
            <Button look="primary" onClick={() => void run()} disabled={busy || text.trim() === ''}>
              {busy ? 'Running …' : 'Run'}
            </Button>
            <Button onClick={() => running.current?.abort()} disabled={!busy}>
              Cancel
            </Button>
            <span className="muted small">Ctrl-Enter, or ⌘-Enter</span>
          </div>
          <label className="row small muted">
            At most
            <select className="input small" value={limit} onChange={(event) => setLimit(event.target.value)}>
              {LIMITS.map((one) => (
                <option key={one} value={one}>
                  {Number(one).toLocaleString('en-US')} rows
                </option>
              ))}
            </select>
          </label>
        </div>
      </section>
      <ErrorNotice error={outcome?.error ?? null} />
      {result !== null && (
        <section className="card" aria-label="Rows">
          <header>
            <span className="number">
              {counted(result.rows.length, 'row')}
              {result.truncated && <span className="muted">, and there are more</span>}{' '}
              <span className="muted">in {duration(outcome?.ms ?? 0)}</span>
            </span>
            <Button small onClick={() => download(result)}>
              Save as CSV
            </Button>
          </header>
          {result.rows.length === 0 ? <Empty title="No row is like that" /> : <ResultGrid result={result} />}
        </section>
      )}
      {past.length === 0 && outcome === null && (
        <Empty title="Nothing was asked yet">
          <p>
            Write a SELECT over tables as <code>schema.table</code>; the names are completed as you type. All
            tables are read as they were at one moment.
          </p>
        </Empty>
      )}
      {past.length > 0 && (
        <section className="card past" aria-label="Statements run before">
          <header>
            <h2>Before</h2>
            <span className="muted small">kept in this browser</span>
          </header>
          <ul>
            {past.slice(0, 10).map((statement) => (
              <li key={statement.at}>
                <button type="button" onClick={() => setText(statement.sql)}>
                  <code className="cut">{statement.sql}</code>
                  <span className="small muted cut">
                    <When time={statement.at} /> · {statement.outcome}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** Columns are asked for when their table is named. */
function useNames(text: string, tables: readonly LakeTable[]): SQLNamespace {
  const columns = useQueries({
    queries: mentioned(text, tables).map(({ schema, table }) => ({
      queryKey: ['lake-columns', schema, table],
      queryFn: async ({ signal }: { signal: AbortSignal }) => {
        const detail = await call('describeLakeTable', { query: { schema, table }, signal });
        return [`${schema}.${table}`, detail.columns.map(({ name }) => name)] as const;
      },
      staleTime: 60_000,
    })),
    combine: (answers) => JSON.stringify(answers.flatMap(({ data }) => (data === undefined ? [] : [data]))),
  });
  return useMemo(() => namespaceOf(tables, new Map(JSON.parse(columns))), [tables, columns]);
}

function download(result: SqlResult): void {
  const text = csv(
    result.columns.map(({ name }) => name),
    result.rows,
  );
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = 'result.csv';
  link.click();
  URL.revokeObjectURL(url);
}

import type { MirrorTable, ObjectSummary, TableFile, TableFileContent, TableRef } from '@sluice/contract';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import { Badge } from '../design/badge.tsx';
import { Button } from '../design/button.tsx';
import { ErrorNotice, Notice } from '../design/notice.tsx';
import { compact, count, counted } from '../format/numbers.ts';
import { kindOfFile, tablesOfPattern, tablesOfText } from './draft.ts';

const nameOf = ({ schema, table }: TableRef): string => `${schema}.${table}`;
const refOf = ({ schema, table }: TableRef): MirrorTable => ({ schema, table });

/** Chooses among thousands: by eye, by pattern, or by a list that somebody has. */
export function TablePicker({
  known,
  chosen,
  readFile,
  onChoose,
}: {
  known: readonly ObjectSummary[];
  chosen: readonly MirrorTable[];
  /** The server's reading of a file that has names in the lake too. */
  readFile: (file: TableFile) => Promise<TableFileContent>;
  onChoose: (tables: readonly MirrorTable[]) => void;
}) {
  const [text, setText] = useState('');
  const [unknown, setUnknown] = useState<readonly string[]>([]);
  const [error, setError] = useState<unknown>(null);
  const box = useRef<HTMLElement>(null);
  const picked = useMemo(() => new Set(chosen.map(nameOf)), [chosen]);
  const shown = useMemo(
    () =>
      text.includes('*')
        ? known.filter((object) => tablesOfPattern(text, [object]).length > 0)
        : known.filter((object) => nameOf(object).toLowerCase().includes(text.toLowerCase())),
    [known, text],
  );
  const lines = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    estimateSize: () => 30,
    overscan: 20,
  });
  const items = lines.getVirtualItems();
  const add = (tables: readonly TableRef[]) => {
    const names = new Set(picked);
    const more = tables.filter((table) => !names.has(nameOf(table)));
    onChoose([...chosen, ...more.map(refOf)]);
  };
  const upload = async (file: File | undefined) => {
    if (file === undefined) return;
    setError(null);
    setUnknown([]);
    try {
      const text = await file.text();
      const kind = kindOfFile(file.name, text);
      if (kind === 'list') {
        const listed = tablesOfText(text, known);
        add(listed.found);
        setUnknown(listed.unknown);
        return;
      }
      const { tables, missing } = await readFile({ format: kind, text });
      const lacking = new Set(missing.map(nameOf));
      const found = tables.filter((table) => !lacking.has(nameOf(table)));
      // What the file says of a table holds over what was chosen before.
      const named = new Set(found.map(nameOf));
      onChoose([...chosen.filter((table) => !named.has(nameOf(table))), ...found]);
      setUnknown(missing.map((one) => `${nameOf(one)} (line ${one.line})`));
    } catch (thrown) {
      setError(thrown);
    }
  };
  return (
    <section className="card" aria-label="Choose tables">
      <header>
        <div className="row">
          <input
            className="input narrow"
            type="search"
            placeholder="Find, or a pattern: order_*"
            aria-label="Find tables"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <Button small onClick={() => add(shown)} disabled={shown.length === 0}>
            {`Add ${text === '' ? 'all' : 'these'} ${count(shown.length)}`}
          </Button>
          <label className="button small plain">
            From a file …
            <input
              type="file"
              accept=".txt,.csv,.yaml,.yml"
              className="unseen"
              onChange={(event) => void upload(event.target.files?.[0])}
            />
          </label>
        </div>
        <span className="row">
          <span className="muted number">{counted(chosen.length, 'table')} chosen</span>
          <Button small look="quiet" onClick={() => onChoose([])} disabled={chosen.length === 0}>
            None
          </Button>
        </span>
      </header>
      <ErrorNotice error={error} />
      {unknown.length > 0 && (
        <Notice
          tone="warn"
          title={`${counted(unknown.length, 'name')} of the file are no table here, or several`}
        >
          <p>{unknown.slice(0, 20).join(', ')}</p>
        </Notice>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls is reached by the keyboard */}
      <section ref={box} className="picker" aria-label="Tables" tabIndex={0}>
        <div style={{ height: items[0]?.start ?? 0 }} />
        {items.map((item) => {
          const object = shown[item.index];
          if (object === undefined) return null;
          const name = nameOf(object);
          return (
            <label key={name} className="pick">
              <input
                type="checkbox"
                checked={picked.has(name)}
                onChange={(event) =>
                  event.target.checked
                    ? add([object])
                    : onChoose(chosen.filter((one) => nameOf(one) !== name))
                }
              />
              <span className="cut grow">{name}</span>
              {object.problem !== null && (
                <Badge tone="warn" title={`${object.problem.message} ${object.problem.remedy}`}>
                  not as it is
                </Badge>
              )}
              <span className="faint small number">
                {object.key.length === 0 ? 'no key · ' : ''}
                {object.estimatedRows === null ? '' : `≈ ${compact(object.estimatedRows)} rows`}
              </span>
            </label>
          );
        })}
        <div style={{ height: lines.getTotalSize() - (items.at(-1)?.end ?? 0) }} />
      </section>
    </section>
  );
}

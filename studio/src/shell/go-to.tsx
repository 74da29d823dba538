import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { call } from '../api/calls.ts';
import { tablePath } from '../lakehouse/lakehouse-page.tsx';
import { navigate } from '../routing/location.tsx';
import { found, type Place } from './places.ts';

const PAGES: readonly Place[] = [
  ['Overview', '/'],
  ['Tasks', '/tasks'],
  ['New sync', '/new-sync'],
  ['Data sources', '/data-sources'],
  ['Lakehouse', '/lakehouse'],
  ['Connect an engine', '/lakehouse/connect'],
  ['SQL', '/sql'],
  ['Alerts', '/alerts'],
].map(([name = '', to = '']) => ({ name, to, kind: 'page' }));

/** Every page, task, data source and table by its name, without a mouse: Ctrl-K, or ⌘-K. */
export default function GoTo({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  useEffect(() => dialog.current?.showModal(), []);
  const tasks = useQuery({
    queryKey: ['tasks'],
    queryFn: ({ signal }) => call('listTasks', { query: {}, signal }),
  });
  const sources = useQuery({
    queryKey: ['data-sources'],
    queryFn: ({ signal }) => call('listDataSources', { signal }),
  });
  const tables = useQuery({
    queryKey: ['lake-tables'],
    queryFn: ({ signal }) => call('listLakeTables', { signal }),
  });
  const places: readonly Place[] = [
    ...PAGES,
    ...(tasks.data ?? []).map(({ name }) => ({
      name,
      to: `/tasks/${encodeURIComponent(name)}`,
      kind: 'task',
    })),
    ...(sources.data ?? []).map(({ name }) => ({
      name,
      to: `/data-sources/${encodeURIComponent(name)}`,
      kind: 'data source',
    })),
    ...(tables.data ?? []).map(({ schema, table }) => ({
      name: `${schema}.${table}`,
      to: tablePath(schema, table),
      kind: 'table',
    })),
  ];
  const shown = found(places, text);
  const chosen = Math.min(at, shown.length - 1);
  const go = (place: Place | undefined) => {
    if (place === undefined) return;
    dialog.current?.close();
    navigate(place.to);
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) setAt((chosen + step + shown.length) % Math.max(1, shown.length));
    else if (event.key === 'Enter') go(shown[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape is the browser's; a click beside it is for the mouse
    <dialog
      ref={dialog}
      className="go-to"
      aria-label="Go to"
      onClose={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current?.close();
      }}
    >
      <input
        className="input"
        role="combobox"
        aria-label="Page, task, data source or table"
        aria-expanded="true"
        aria-controls="places"
        aria-activedescendant={chosen < 0 ? undefined : `place-${chosen}`}
        placeholder="Page, task, data source or table"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKey}
      />
      <div id="places" role="listbox" aria-label="Places">
        {shown.map((place, number) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field, which says which one is chosen
          // biome-ignore lint/a11y/useKeyWithClickEvents: as above
          <div
            key={place.to}
            id={`place-${number}`}
            role="option"
            aria-selected={number === chosen}
            onClick={() => go(place)}
          >
            <span className="cut">{place.name}</span>
            <span className="small muted">{place.kind}</span>
          </div>
        ))}
      </div>
      {shown.length === 0 && <p className="muted">Nothing has such a name.</p>}
    </dialog>
  );
}

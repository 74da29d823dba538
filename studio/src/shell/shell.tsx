import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useState } from 'react';
import { call } from '../api/calls.ts';
import { signOut } from '../api/session.ts';
import { Button } from '../design/button.tsx';
import { setZone, useZone, type Zone } from '../format/time.tsx';
import { Link, usePath } from '../routing/location.tsx';
import { NotFound, pageOf } from './pages.tsx';
import { applyTheme, chosenTheme, THEMES, type Theme } from './theme.ts';

const GoTo = lazy(() => import('./go-to.tsx'));

const PLACES = [
  ['/', 'Overview'],
  ['/tasks', 'Tasks'],
  ['/data-sources', 'Data sources'],
  ['/lakehouse', 'Lakehouse'],
  ['/sql', 'SQL'],
  ['/alerts', 'Alerts'],
] as const;

export function Shell() {
  const path = usePath();
  const page = pageOf(path);
  const title = page?.title ?? 'Not found';
  const [going, setGoing] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      event.preventDefault();
      setGoing(true);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  useEffect(() => {
    document.title = `${title} · Sluice`;
  }, [title]);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <nav aria-label="Studio">
        <Link to="/" className="brand">
          <img src="/favicon.svg" alt="" />
          Sluice
        </Link>
        <ul>
          {PLACES.map(([to, text]) => (
            <li key={to}>
              <Link to={to} aria-current={isWithin(path, to) ? 'page' : undefined}>
                {text}
              </Link>
            </li>
          ))}
        </ul>
        <button type="button" className="input find" onClick={() => setGoing(true)}>
          <span>Go to …</span>
          <kbd>Ctrl K</kbd>
        </button>
        <Foot />
      </nav>
      <main id="main">
        <Suspense fallback={<p className="muted">Loading …</p>}>{page?.element ?? <NotFound />}</Suspense>
      </main>
      {going && (
        <Suspense>
          <GoTo onClose={() => setGoing(false)} />
        </Suspense>
      )}
    </div>
  );
}

const isWithin = (path: string, place: string): boolean =>
  place === '/' ? path === '/' : path === place || path.startsWith(`${place}/`);

function Foot() {
  const zone = useZone();
  const [theme, setTheme] = useState(chosenTheme);
  const server = useQuery({ queryKey: ['status'], queryFn: ({ signal }) => call('status', { signal }) });
  return (
    <div className="foot">
      <label className="row apart">
        <span className="label">Times</span>
        <select
          aria-label="Times"
          className="input small"
          value={zone}
          onChange={(event) => setZone(event.target.value as Zone)}
        >
          <option value="local">local</option>
          <option value="utc">UTC</option>
        </select>
      </label>
      <label className="row apart">
        <span className="label">Theme</span>
        <select
          aria-label="Theme"
          className="input small"
          value={theme}
          onChange={(event) => {
            setTheme(event.target.value as Theme);
            applyTheme(event.target.value as Theme);
          }}
        >
          {THEMES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <div className="row apart">
        <span className="muted version">
          {server.data === undefined ? ' ' : `Version ${server.data.version}`}
        </span>
        <Button small look="quiet" onClick={signOut}>
          Sign out
        </Button>
      </div>
    </div>
  );
}

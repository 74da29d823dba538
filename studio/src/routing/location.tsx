import { type AnchorHTMLAttributes, type MouseEvent, useCallback, useSyncExternalStore } from 'react';

/** The address bar is the state of what is shown: pages, tabs and filters. */
const listeners = new Set<() => void>();
const tell = (): void => {
  for (const listener of listeners) listener();
};
window.addEventListener('popstate', tell);

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function navigate(to: string, options: { readonly replace?: boolean } = {}): void {
  if (to === location.pathname + location.search) return;
  if (options.replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  if (!options.replace) window.scrollTo(0, 0);
  tell();
}

export const usePath = (): string => useSyncExternalStore(subscribe, () => location.pathname);

/** One value of the query; the default is not written into the address. */
export function useQueryValue(name: string, byDefault = ''): [string, (value: string) => void] {
  const search = useSyncExternalStore(subscribe, () => location.search);
  const value = new URLSearchParams(search).get(name) ?? byDefault;
  const set = useCallback(
    (next: string) => {
      const params = new URLSearchParams(location.search);
      if (next === byDefault) params.delete(name);
      else params.set(name, next);
      const text = params.toString();
      navigate(location.pathname + (text === '' ? '' : `?${text}`), { replace: true });
    },
    [name, byDefault],
  );
  return [value, set];
}

/** @returns the decoded parts where the path has the pattern's form: `/tasks/:ref` */
export function match(pattern: string, path: string): readonly string[] | null {
  const wanted = pattern.split('/');
  const given = path.replace(/\/$/, '').split('/');
  if (path === '/' && pattern === '/') return [];
  if (wanted.length !== given.length) return null;
  const parts: string[] = [];
  for (const [at, part] of wanted.entries()) {
    if (part.startsWith(':')) parts.push(decodeURIComponent(given[at] ?? ''));
    else if (part !== given[at]) return null;
  }
  return parts;
}

export function Link({ to, ...rest }: { to: string } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  const go = (event: MouseEvent) => {
    // Other tabs and windows are the browser's.
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
    event.preventDefault();
    navigate(to);
  };
  return <a {...rest} href={to} onClick={go} />;
}

import { useSyncExternalStore } from 'react';

/**
 * The token of this browser. It is kept for the tab, or for good where the person says so; a link that ends in
 * `#token=…` signs in, for what stands behind # never leaves the browser.
 */
const KEY = 'sluice.token';
const listeners = new Set<() => void>();

function tokenOfLink(): string | null {
  const given = /^#token=([\w-]+)$/.exec(location.hash)?.[1] ?? null;
  if (given !== null) {
    history.replaceState(null, '', location.pathname + location.search);
    sessionStorage.setItem(KEY, given);
  }
  return given;
}

let token = tokenOfLink() ?? sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);

export const currentToken = (): string | null => token;

export function signIn(given: string, keep: boolean): void {
  token = given;
  sessionStorage.setItem(KEY, given);
  if (keep) localStorage.setItem(KEY, given);
  tell();
}

export function signOut(): void {
  token = null;
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
  tell();
}

const tell = (): void => {
  for (const listener of listeners) listener();
};

export function useToken(): string | null {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentToken);
}

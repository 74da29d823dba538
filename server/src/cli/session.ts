import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '@sluice/contract';

/** The server that the command line talks to, and with what right. */
export interface Session {
  readonly url: string;
  readonly token: string;
}

export interface SessionOptions {
  readonly dataDir?: string | undefined;
  readonly url?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export const DEFAULT_PORT = 8470;

export function dataDirOf(option: string | undefined, env: Environment): string {
  return option ?? (nonEmpty(env.SLUICE_DATA_DIR) || join(homedir(), '.sluice'));
}

/** `sluice serve` leaves its address there for as long as it runs, so that nobody has to type it on the same machine. */
export function addressFile(dataDir: string): string {
  return join(dataDir, 'server.url');
}

/**
 * Address: --url, SLUICE_URL, what the running server of the data folder wrote, the default port. Token:
 * SLUICE_TOKEN, the data folder's. The folder's token is sent to this machine only.
 */
export async function openSession(options: SessionOptions, env: Environment): Promise<Session> {
  const dataDir = dataDirOf(options.dataDir, env);
  const url = readUrl(
    options.url ??
      (nonEmpty(env.SLUICE_URL) ||
        (await readText(addressFile(dataDir))) ||
        `http://127.0.0.1:${DEFAULT_PORT}`),
  );
  const given = nonEmpty(env.SLUICE_TOKEN);
  if (given !== '') return { url, token: given };
  const file = join(dataDir, 'token');
  const token = isLoopback(url) ? await readText(file) : '';
  if (token === '') {
    throw new SluiceError(
      'UNAUTHORIZED',
      isLoopback(url) ? `There is no token: ${file} cannot be read.` : `There is no token for ${url}.`,
      {
        remedy:
          'Set SLUICE_TOKEN to the content of <data-dir>/token, or SLUICE_DATA_DIR to the data folder of the server on this machine.',
      },
    );
  }
  return { url, token };
}

function readUrl(text: string): string {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  try {
    const url = new URL(withScheme);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url.origin;
  } catch {
    // Said below, together with the other schemes.
  }
  throw new SluiceError('USAGE', `${JSON.stringify(text)} is no http address of a server.`, {
    remedy: `Give it as http://127.0.0.1:${DEFAULT_PORT}.`,
  });
}

export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

async function readText(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}

const nonEmpty = (text: string | undefined): string => text?.trim() ?? '';

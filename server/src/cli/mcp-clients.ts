import { homedir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '@sluice/contract';

/** Programs that speak MCP, and where each keeps its servers. */
export const MCP_CLIENTS = [
  'claude-code',
  'claude-desktop',
  'cursor',
  'vscode',
  'windsurf',
  'gemini-cli',
] as const;
export type McpClient = (typeof MCP_CLIENTS)[number];

export interface Place {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  /** Windows' folder of settings. */
  readonly appData: string | undefined;
  /** The project. */
  readonly folder: string;
}

export function placeOfProcess(env: Readonly<Record<string, string | undefined>>): Place {
  return { platform: process.platform, home: homedir(), appData: env.APPDATA, folder: process.cwd() };
}

interface ClientFile {
  /** Whether the file is of the project in the working folder, or of the account. */
  readonly of: 'project' | 'account';
  readonly path: string;
  readonly key: 'mcpServers' | 'servers';
}

export function clientFile(client: McpClient, { platform, home, appData, folder }: Place): ClientFile {
  const account = (...path: string[]): ClientFile => ({
    of: 'account',
    path: join(home, ...path),
    key: 'mcpServers',
  });
  switch (client) {
    case 'claude-code':
      return { of: 'project', path: join(folder, '.mcp.json'), key: 'mcpServers' };
    case 'claude-desktop': {
      const file = ['Claude', 'claude_desktop_config.json'];
      if (platform === 'darwin') return account('Library', 'Application Support', ...file);
      if (platform === 'win32' && appData !== undefined)
        return { of: 'account', path: join(appData, ...file), key: 'mcpServers' };
      return account('.config', ...file);
    }
    case 'cursor':
      return account('.cursor', 'mcp.json');
    case 'vscode':
      return { of: 'project', path: join(folder, '.vscode', 'mcp.json'), key: 'servers' };
    case 'windsurf':
      return account('.codeium', 'windsurf', 'mcp_config.json');
    case 'gemini-cli':
      return account('.gemini', 'settings.json');
  }
}

/** How a client starts `sluice mcp serve`. Paths are whole: programs with windows have another PATH. */
export interface ServerEntry {
  readonly type?: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
}

export function serverEntry(client: McpClient, command: string, args: readonly string[]): ServerEntry {
  // Only these two know several kinds; to the others the field is foreign.
  const kind = client === 'vscode' || client === 'claude-code' ? ({ type: 'stdio' } as const) : {};
  return { ...kind, command, args };
}

/**
 * The file of a client with the server in it; everything else stays.
 * @param text null where there is no file yet
 * @throws SluiceError CONFLICT where it is no JSON that could be written again
 */
export function withServer(text: string | null, path: string, key: string, entry: ServerEntry): string {
  const file = parsed(text, path);
  const servers = file[key] ?? {};
  if (!isObject(servers)) throw notOurs(path, `${key} in it is no object`);
  return `${JSON.stringify({ ...file, [key]: { ...servers, sluice: entry } }, null, 2)}\n`;
}

function parsed(text: string | null, path: string): Record<string, unknown> {
  if (text === null || text.trim() === '') return {};
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    // Comments and trailing commas would be lost.
    throw notOurs(path, 'it is no plain JSON');
  }
  if (!isObject(file)) throw notOurs(path, 'it is no JSON object');
  return file;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const notOurs = (path: string, why: string): SluiceError =>
  new SluiceError('CONFLICT', `${path} is left as it is: ${why}.`, {
    remedy: 'Put in by hand what sluice mcp init --print shows.',
  });

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Terminal } from './command.ts';
import { clientFile, MCP_CLIENTS, type Place, serverEntry, withServer } from './mcp-clients.ts';
import { runCommandLine } from './program.ts';

const place: Place = { platform: 'linux', home: '/home/u', appData: undefined, folder: '/project' };

describe('programs that speak MCP', () => {
  it('keep their servers where each of them looks', () => {
    expect(Object.fromEntries(MCP_CLIENTS.map((one) => [one, clientFile(one, place).path]))).toEqual({
      'claude-code': join('/project', '.mcp.json'),
      'claude-desktop': join('/home/u', '.config', 'Claude', 'claude_desktop_config.json'),
      cursor: join('/home/u', '.cursor', 'mcp.json'),
      vscode: join('/project', '.vscode', 'mcp.json'),
      windsurf: join('/home/u', '.codeium', 'windsurf', 'mcp_config.json'),
      'gemini-cli': join('/home/u', '.gemini', 'settings.json'),
    });
    const desktop = (more: Partial<Place>) => clientFile('claude-desktop', { ...place, ...more }).path;
    expect(desktop({ platform: 'darwin' })).toContain(join('Library', 'Application Support', 'Claude'));
    expect(desktop({ platform: 'win32', appData: '/roaming' })).toContain(join('/roaming', 'Claude'));
  });

  it('find what else is in their file as it was', () => {
    const entry = serverEntry('cursor', 'node', ['sluice.js']);
    const before = { theme: 'dark', mcpServers: { other: { command: 'x' }, sluice: { command: 'old' } } };
    expect(JSON.parse(withServer(JSON.stringify(before), 'f', 'mcpServers', entry))).toEqual({
      theme: 'dark',
      mcpServers: { other: { command: 'x' }, sluice: { command: 'node', args: ['sluice.js'] } },
    });
    expect(JSON.parse(withServer(null, 'f', 'servers', entry))).toEqual({ servers: { sluice: entry } });
    for (const text of ['{ // my own\n}', '[]', '{"mcpServers": 3}'])
      expect(() => withServer(text, 'f', 'mcpServers', entry)).toThrow(/f is left as it is/);
  });

  it('are told of this server by sluice mcp init', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-mcp-'));
    const before = process.cwd();
    let out = '';
    const terminal = { env: {}, stdoutIsTerminal: false, write: (text: string) => (out += text) };
    try {
      process.chdir(folder);
      await writeFile('.mcp.json', '{"mcpServers":{"other":{"command":"x"}}}');
      const line = ['mcp', 'init', '--client', 'claude-code', '--data-dir', 'data', '--read-only'];
      expect(await runCommandLine([...line, '--print'], terminal as unknown as Terminal)).toBe(0);
      const { data } = JSON.parse(out) as { data: { written: boolean; mcpServers: object } };
      expect(data).toMatchObject({ written: false, of: 'project' });
      expect(await readFile('.mcp.json', 'utf8')).not.toContain('sluice');
      expect(await runCommandLine(line, terminal as unknown as Terminal)).toBe(0);
      expect(JSON.parse(await readFile('.mcp.json', 'utf8'))).toEqual({
        mcpServers: { other: { command: 'x' }, ...data.mcpServers },
      });
      expect(data.mcpServers).toMatchObject({
        sluice: {
          type: 'stdio',
          command: process.execPath,
          args: [
            expect.any(String),
            'mcp',
            'serve',
            '--read-only',
            '--data-dir',
            expect.stringMatching(/data$/),
          ],
        },
      });
    } finally {
      process.chdir(before);
      await rm(folder, { recursive: true, force: true });
    }
  });
});

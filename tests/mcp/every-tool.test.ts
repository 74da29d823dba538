import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { Agent } from './agent.ts';
import { everyTool } from './every-tool.ts';

const SLUICE = fileURLToPath(new URL('../../server/bin/sluice.js', import.meta.url));
const MINUTES = 300_000;

let lake: TestLake;
beforeAll(async () => {
  lake = await TestLake.start();
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

async function onStdio(lake: TestLake, mode: 'legacy' | 'auto', ...options: string[]): Promise<Agent> {
  const agent = new Agent(mode);
  const args = [SLUICE, 'mcp', 'serve', '--data-dir', lake.dataDir, ...options];
  await agent.client.connect(new StdioClientTransport({ command: process.execPath, args }));
  return agent;
}

async function overHttp(lake: TestLake, mode: 'legacy' | 'auto', query = ''): Promise<Agent> {
  const agent = new Agent(mode);
  const token = (await readFile(join(lake.dataDir, 'token'), 'utf8')).trim();
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await agent.client.connect(
    new StreamableHTTPClientTransport(new URL(`${lake.url}/mcp${query}`), { requestInit }),
  );
  return agent;
}

describe('the tools for agents', () => {
  it.each([
    ['stdio', 'the handshake of 2025', (own: TestLake) => onStdio(own, 'legacy')],
    ['HTTP', 'the revision of 2026', (own: TestLake) => overHttp(own, 'auto')],
  ])(
    'are all listed and called over %s, with %s',
    async (_transport, _era, connect) => {
      await using database = await sharedPostgres().createDatabase();
      await using own = await TestLake.start();
      await using agent = await connect(own);
      const { tools } = await agent.client.listTools();
      await everyTool(agent, database);
      expect(tools.map(({ name }) => name).filter((name) => !agent.called.has(name))).toEqual([]);
    },
    MINUTES,
  );

  it('are the same by each way, and say what they do to what', async () => {
    const lists = [];
    for (const connect of [
      () => onStdio(lake, 'legacy'),
      () => onStdio(lake, 'auto'),
      () => overHttp(lake, 'legacy'),
      () => overHttp(lake, 'auto'),
    ]) {
      await using agent = await connect();
      lists.push((await agent.client.listTools()).tools);
    }
    const [first = [], ...others] = lists;
    for (const other of others) expect(other).toEqual(first);
    for (const { name, description, annotations, inputSchema } of first) {
      expect(description?.length, name).toBeGreaterThan(10);
      expect(inputSchema.type, name).toBe('object');
      const asks = 'confirmation' in (inputSchema.properties ?? {});
      expect(annotations?.readOnlyHint === true || annotations?.destructiveHint === asks, name).toBe(true);
    }
  });

  it('are only those that read, where that is asked for', async () => {
    for (const connect of [
      () => onStdio(lake, 'auto', '--read-only'),
      () => overHttp(lake, 'legacy', '?read_only=true'),
    ]) {
      await using agent = await connect();
      const { tools } = await agent.client.listTools();
      expect(tools.length).toBeGreaterThan(20);
      expect(tools.filter(({ annotations }) => annotations?.readOnlyHint !== true)).toEqual([]);
      await expect(agent.call('stop_task', { task_id: 1 })).rejects.toThrow();
    }
  });

  it('want the token over HTTP, and tell an agent on stdio that the server is away', async () => {
    const agent = new Agent('legacy');
    await expect(
      agent.client.connect(new StreamableHTTPClientTransport(new URL(`${lake.url}/mcp`))),
    ).rejects.toThrow();
    await using other = await onStdio(lake, 'auto');
    await other.call('get_server_status');
    await lake.killServer();
    expect(await other.refused('get_server_status')).toMatchObject({ code: 'SERVER_UNREACHABLE' });
    await lake.restart();
    // At another port.
    await other.call('get_server_status');
  });
});

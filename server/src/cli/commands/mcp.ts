import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Call } from '@sluice/contract';
import { type Command, Option } from 'commander';
import { callerName, createCall } from '../client.ts';
import { addCommonOptions, type CommonOptions, formatOf, type Terminal } from '../command.ts';
import {
  clientFile,
  MCP_CLIENTS,
  type McpClient,
  placeOfProcess,
  serverEntry,
  withServer,
} from '../mcp-clients.ts';
import { present } from '../present.ts';
import { dataDirOf, openSession } from '../session.ts';

interface ServeOptions extends CommonOptions {
  readonly readOnly?: boolean;
}

interface InitOptions extends ServeOptions {
  readonly client: McpClient;
  readonly print?: boolean;
}

/** `script`: what the shell started, which the client is to start too. */
export function addMcpCommands(program: Command, terminal: Terminal, script = process.argv[1] ?? ''): void {
  const group = program.command('mcp').description('Tools for agents (Model Context Protocol)');
  const readOnly = 'only the tools that change nothing';

  const serve = group
    .command('serve')
    .description('Serve the tools on standard input and output, for the program that starts this')
    .option('--read-only', readOnly);
  addCommonOptions(serve);
  serve.action(async () => {
    const options = serve.opts<ServeOptions>();
    const caller = `${callerName()} (mcp)`;
    // Anew for each request: the server may be started again meanwhile, at another port.
    const session = () => openSession(options, terminal.env);
    const call: Call = async (name, request) => createCall(await session(), caller)(name, request);
    const { serveOnStdio } = await import('../../mcp/stdio.ts');
    serveOnStdio(call, async () => (await session()).url, options.readOnly === true);
  });

  const init = group
    .command('init')
    .description('Register the tools with a program that speaks MCP')
    .addOption(new Option('--client <program>', 'which').choices(MCP_CLIENTS).makeOptionMandatory())
    .option('--read-only', readOnly)
    .option('--print', 'show what would be written, and write nothing');
  addCommonOptions(init);
  init.action(async () => {
    const options = init.opts<InitOptions>();
    const { of, path, key } = clientFile(options.client, placeOfProcess(terminal.env));
    const args = [
      resolve(script),
      'mcp',
      'serve',
      ...(options.readOnly === true ? ['--read-only'] : []),
      ...(options.url === undefined
        ? ['--data-dir', resolve(dataDirOf(options.dataDir, terminal.env))]
        : ['--url', options.url]),
    ];
    const entry = serverEntry(options.client, process.execPath, args);
    const write = options.print !== true;
    if (write) await writeWhole(path, withServer(await readOrNull(path), path, key, entry));
    const data = { client: options.client, file: path, of, written: write, [key]: { sluice: entry } };
    const token =
      options.url === undefined
        ? ''
        : '\nSet SLUICE_TOKEN in the environment of the program: it is not written here.';
    const view = write
      ? `The tools are registered in ${path}; start ${options.client} again.${token}\n`
      : `${JSON.stringify({ [key]: { sluice: entry } }, null, 2)}\nbelongs into ${path}.${token}\n`;
    terminal.write(present({ data, view }, formatOf(options.format, terminal.stdoutIsTerminal)));
  });
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The program may read it at any moment. */
async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const beside = `${path}.sluice-${process.pid}`;
  await writeFile(beside, text);
  await rename(beside, path);
}

import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Call } from '@sluice/contract';
import { Confirmations } from './confirmations.ts';
import { mcpServer } from './mcp-server.ts';

/** Serves the program that started this process, on its standard input and output, until it closes them. */
export function serveOnStdio(call: Call, studio: () => Promise<string>, readOnly: boolean): void {
  const confirmations = new Confirmations();
  serveStdio(() => mcpServer({ call, studio, confirmations, readOnly }));
}

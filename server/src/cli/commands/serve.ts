import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import type { Terminal } from '../command.ts';
import { DEFAULT_PORT, dataDirOf } from '../session.ts';

interface ServeOptions {
  readonly dataDir?: string;
  readonly host: string;
  readonly port: string;
  readonly openMetrics?: boolean;
}

export function addServeCommand(program: Command, terminal: Terminal): void {
  program
    .command('serve')
    .description('Run the server until it is asked to stop (Ctrl-C, SIGTERM); its log goes to standard error')
    .option('--data-dir <folder>', 'where everything is kept (SLUICE_DATA_DIR; default ~/.sluice)')
    .option(
      '--host <host>',
      'address to listen at; any but loopback opens the API to the network',
      '127.0.0.1',
    )
    .option('--port <port>', 'port to listen at; 0: any free one', String(DEFAULT_PORT))
    .option('--open-metrics', 'GET /metrics wants no token (SLUICE_OPEN_METRICS=1)')
    .action(async (options: ServeOptions) => {
      const port = wholeNumber('--port', options.port, 0, 65_535);
      // Only here: the other commands need not load a database engine to send a request.
      const { serve } = await import('../../serve.ts');
      await serve({
        dataDir: dataDirOf(options.dataDir, terminal.env),
        host: options.host,
        port,
        openMetrics: options.openMetrics ?? terminal.env.SLUICE_OPEN_METRICS === '1',
      });
    });
}

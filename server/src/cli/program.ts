import { errorBody, SluiceError } from '@sluice/contract';
import { Command, CommanderError } from 'commander';
import { VERSION } from '../control/server-status.ts';
import { formatOf, type Terminal } from './command.ts';
import { addAlertCommands } from './commands/alert.ts';
import { addBackupCommands } from './commands/backup.ts';
import { addDataSourceCommands } from './commands/datasource.ts';
import { addErrorsCommand } from './commands/errors.ts';
import { addServerEvents } from './commands/events.ts';
import { addLakeCommands } from './commands/lake.ts';
import { addMcpCommands } from './commands/mcp.ts';
import { addRunCommands } from './commands/runs.ts';
import { addServeCommand } from './commands/serve.ts';
import { addSetupCommand } from './commands/setup.ts';
import { addStatusCommands } from './commands/status.ts';
import { addTaskCommands } from './commands/task.ts';
import { addVerifyCommand } from './commands/verify.ts';
import { type Format, presentError } from './present.ts';

export function createProgram(terminal: Terminal): Command {
  const program = new Command('sluice')
    .description('Mirrors whole operational databases into an open lakehouse, in real time')
    .version(VERSION)
    .showSuggestionAfterError()
    // `task export T --version 2` is not the question of the program's own version.
    .enablePositionalOptions()
    .helpCommand(false);
  addServeCommand(program, terminal);
  addStatusCommands(program, terminal);
  addSetupCommand(program, terminal);
  addDataSourceCommands(program, terminal);
  addTaskCommands(program, terminal);
  addRunCommands(program, terminal);
  addServerEvents(program, terminal);
  addLakeCommands(program, terminal);
  addAlertCommands(program, terminal);
  addBackupCommands(program, terminal);
  addVerifyCommand(program, terminal);
  addErrorsCommand(program, terminal);
  addMcpCommands(program, terminal);
  // commander hands these down to subcommands made later only, and would exit by itself with 1 for a usage error.
  for (const command of allCommands(program)) {
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => terminal.write(text), writeErr: () => undefined });
  }
  return program;
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/**
 * Runs one command line (without node and script).
 * @returns the exit code: 0, 1 for an error, 2 for one of usage
 */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await createProgram(terminal).parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    // --help and --version have been answered.
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const known = error instanceof CommanderError ? usageError(error, argv) : error;
    const body = errorBody(known);
    terminal.note(presentError(body, formatOf(wantedFormat(argv), terminal.stderrIsTerminal)));
    return body.error.code === 'USAGE' ? 2 : 1;
  }
}

function usageError(error: CommanderError, argv: readonly string[]): SluiceError {
  // A group without its subcommand: commander would print its whole help as the error.
  const message =
    error.code === 'commander.help'
      ? `${['sluice', ...argv].join(' ')} is no whole command.`
      : error.message.replace(/^error: /, '').replace(/\.?$/, '.');
  return new SluiceError('USAGE', message.replace(/\s*\n\s*/g, ' '));
}

/** `--format` of a command line that could not be parsed; it says how errors are wanted, too. */
function wantedFormat(argv: readonly string[]): Format | undefined {
  const at = argv.findIndex((argument) => argument === '--format' || argument.startsWith('--format='));
  if (at < 0) return undefined;
  const value = argv[at] === '--format' ? argv[at + 1] : argv[at]?.slice('--format='.length);
  return value === 'json' || value === 'table' ? value : undefined;
}

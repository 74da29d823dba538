import type { Command } from 'commander';
import { addCommonOptions, type CommonOptions, formatOf, type Terminal } from '../command.ts';
import { type Answer, present } from '../present.ts';
import { dataDirOf } from '../session.ts';
import { confirm } from './task.ts';

/** They work on the data folder itself: a back-up of a server that does not start is wanted most. */
export function addBackupCommands(program: Command, terminal: Terminal): void {
  const add = <O>(
    usage: string,
    summary: string,
    declare: (command: Command) => Command,
    run: (folder: string, dataDir: string, options: O) => Promise<Answer>,
  ): void => {
    const command = declare(program.command(usage).description(summary));
    addCommonOptions(command);
    command.action(async (folder: string) => {
      const options = command.opts() as O & CommonOptions;
      const answer = await run(folder, dataDirOf(options.dataDir, terminal.env), options);
      terminal.write(present(answer, formatOf(options.format, terminal.stdoutIsTerminal)));
    });
  };

  add(
    'backup <folder>',
    'Copy the metastore and its key into a new folder; the server may run',
    (command) => command,
    async (folder, dataDir) => {
      const { backup } = await import('../../control/backup.ts');
      return { data: await backup(dataDir, folder) };
    },
  );
  add<{ readonly yes?: boolean }>(
    'restore <folder>',
    'Put a back-up in the place of the metastore; the server must not run',
    (command) => command.option('-y, --yes', 'agree beforehand'),
    async (folder, dataDir, { yes }) => {
      const { restore, restorePlan } = await import('../../control/backup.ts');
      const plan = await restorePlan(dataDir, folder);
      if (yes !== true) await confirm(terminal, plan);
      return { data: await restore(dataDir, folder) };
    },
  );
}

import type { AppliedTask, AppliedTasks, SpecChange } from '@sluice/contract';
import type { Command } from 'commander';
import { usage, wholeNumber } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { pick } from '../present.ts';
import { cellText } from '../text-table.ts';
import { textFile } from './list-file.ts';

const LAST_VERSION = 1_000_000_000;

/** Tasks as files: what stands in git is what runs. */
export function addTaskFileCommands(group: Command, terminal: Terminal): void {
  addLeaf<{ readonly version?: string; readonly folder?: string; readonly all?: boolean }>(group, terminal, {
    usage: 'export [task]',
    summary: 'A task as a YAML document, without secrets; what is not in it has its default',
    options: (command) =>
      command
        .option('--version <n>', 'this published version instead of the draft')
        .option('--folder <folder>', 'instead of one task, all tasks of this folder, a document each')
        .option('--all', 'all tasks'),
    run: async ({ call, args: [ref = ''], options: { version, folder, all } }) => {
      if ([ref !== '', folder !== undefined, all === true].filter(Boolean).length !== 1)
        throw usage('export takes a task, --folder or --all.');
      if (version !== undefined && ref === '') throw usage('--version goes with one task.');
      const query =
        version === undefined ? {} : { version: wholeNumber('--version', version, 1, LAST_VERSION) };
      const refs =
        ref !== ''
          ? [ref]
          : (await call('listTasks', { query: folder === undefined ? {} : { folder } })).map(({ id }) =>
              String(id),
            );
      const documents: string[] = [];
      for (const one of refs)
        documents.push((await call('exportTask', { params: { ref: one }, query })).yaml);
      const yaml = documents.join('');
      return { data: { yaml }, file: yaml };
    },
  });

  addLeaf<{ readonly file: string; readonly publish?: boolean; readonly dryRun?: boolean }>(group, terminal, {
    usage: 'apply',
    summary: 'Make or change the drafts of the tasks that a file describes: all of them, or none',
    options: (command) =>
      command
        .requiredOption('-f, --file <file>', 'YAML documents, as export writes them; -: standard input')
        .option('--publish', 'check the drafts against their sources, and publish those that are new')
        .option('--dry-run', 'say what would be done, and do nothing'),
    run: async ({ call, options: { file, publish = false, dryRun = false }, terminal: { readStdin } }) => {
      const yaml = file === '-' ? await readStdin() : await textFile(file);
      if (yaml.trim() === '') throw usage('The file is empty.');
      const data = await call('applyTasks', { body: { yaml, publish, dryRun } });
      return { data, view: appliedText(data) };
    },
  });

  addLeaf(group, terminal, {
    usage: 'versions <task>',
    summary: 'The published versions of a task, newest first',
    run: async ({ call, args: [ref = ''] }) => {
      const data = await call('listTaskVersions', { params: { ref } });
      return {
        data,
        view: pick(data, { version: (row) => row.version, published: (row) => row.publishedAt }),
      };
    },
  });

  addLeaf(group, terminal, {
    usage: 'diff <task> [from] [to]',
    summary:
      'What differs between two versions (numbers, or draft); without them: the published one and the draft',
    run: async ({ call, args: [ref = '', from = '', to = ''] }) => {
      const query = {
        ...(from === '' ? {} : { from: versionOf(from) }),
        ...(to === '' ? {} : { to: versionOf(to) }),
      };
      const data = await call('diffTask', { params: { ref }, query });
      const called = (side: number | 'draft'): string => (side === 'draft' ? 'the draft' : `version ${side}`);
      const head = `${called(data.from)} → ${called(data.to)}: ${data.changes.length === 0 ? 'no difference' : ''}`;
      return { data, view: `${head.trimEnd()}\n${changesText(data.changes)}` };
    },
  });
}

const versionOf = (text: string): number | 'draft' =>
  text === 'draft' ? text : wholeNumber('A version', text, 1, LAST_VERSION);

const SIGNS = { created: '+', changed: '~', unchanged: '=' } as const;

export function appliedText({ dryRun, foldersMade, tasks }: AppliedTasks): string {
  const lines = foldersMade.map((folder) => `+ folder ${folder}\n`);
  for (const { name, action, changes, published } of tasks) {
    lines.push(`${SIGNS[action]} ${name}: ${action}${publishedText(published)}\n${changesText(changes)}`);
  }
  if (dryRun) lines.push('nothing was done (--dry-run)\n');
  return lines.join('');
}

function publishedText(published: AppliedTask['published']): string {
  if (published === null) return '';
  const { version, takesEffect, waits = [] } = published;
  if (version === null) return ', published as the next version';
  const why = waits.length === 0 ? '' : ` (${waits.join(', ')})`;
  return `, published as version ${version}, which counts ${takesEffect ?? 'at the next start'}${why}`;
}

function changesText(changes: readonly SpecChange[]): string {
  const text = (value: string): string => cellText(value, Number.POSITIVE_INFINITY);
  return changes
    .map(({ at, before, after }) => {
      if (before === null) return `    + ${at}: ${text(after ?? '')}\n`;
      if (after === null) return `    - ${at}: ${text(before)}\n`;
      return `    ~ ${at}: ${text(before)} → ${text(after)}\n`;
    })
    .join('');
}

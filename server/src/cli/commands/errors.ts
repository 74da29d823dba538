import {
  ERRORS,
  type ErrorCode,
  type ErrorPage,
  errorPage,
  isErrorCode,
  SluiceError,
} from '@sluice/contract';
import type { Command } from 'commander';
import { addCommonOptions, type CommonOptions, formatOf, type Terminal } from '../command.ts';
import { type Answer, pick, present } from '../present.ts';

const CODES = Object.keys(ERRORS) as ErrorCode[];

/** Help for a bad night: it asks no server, since that may be what is broken. */
export function addErrorsCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('errors [code]')
    .description('What an error code means, where it comes from and what to do; without a code, all of them');
  addCommonOptions(command);
  command.action((code: string | undefined) => {
    const { format } = command.opts<CommonOptions>();
    const answer = code === undefined ? everyCode() : oneCode(code.toUpperCase());
    terminal.write(present(answer, formatOf(format, terminal.stdoutIsTerminal)));
  });
}

function everyCode(): Answer {
  const data = CODES.map(errorPage);
  return {
    data,
    view: pick(data, {
      code: (row) => row.code,
      'tried again': (row) => row.retry,
      means: (row) => row.means,
    }),
  };
}

function oneCode(code: string): Answer {
  if (isErrorCode(code)) {
    const data = errorPage(code);
    return { data, view: pageView(data) };
  }
  const like = CODES.filter((one) => one.includes(code) || code.includes(one));
  throw new SluiceError('NOT_FOUND', `There is no error code ${code}.`, {
    remedy:
      like.length > 0
        ? `Did you mean ${like.join(', ')}?`
        : '`sluice errors` without a code shows all of them.',
  });
}

function pageView({ code, means, comesFrom, toDo, reach, again, page }: ErrorPage): string {
  const parts: readonly (readonly [string, string])[] = [
    ['Means', means],
    ['Comes from', comesFrom],
    ['Do', toDo],
    ['Reaches', reach],
    ['Tried again by itself?', again],
    ['Page', page],
  ];
  return `${code}\n${parts.map(([title, text]) => `\n${title}\n${wrapped(readable(text))}`).join('')}`;
}

/** Markdown's links, as somebody without a browser can follow them. */
function readable(markdown: string): string {
  return markdown.replaceAll(/\[([^\]]+)\]\((?!https?:)([^)]+)\)/g, '$1 (docs/$2)');
}

const WIDTH = 96;

function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.map((line) => `  ${line}\n`).join('');
}

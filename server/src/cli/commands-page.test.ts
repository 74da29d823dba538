import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { Terminal } from './command.ts';
import { createProgram } from './program.ts';

const PAGE = readFileSync(fileURLToPath(new URL('../../../docs/cli.md', import.meta.url)), 'utf8');

/** Said once, at the top of the page. */
const EVERYWHERE = new Set(['--format', '--data-dir', '--url']);

interface Leaf {
  readonly words: string;
  /** Each as it may be written: `--file` and `-f`. */
  readonly options: readonly (readonly string[])[];
}

function leavesOf(command: Command, words: readonly string[]): Leaf[] {
  if (command.commands.length > 0)
    return command.commands.flatMap((inner) => leavesOf(inner, [...words, inner.name()]));
  const options = command.options.map(({ long, short }) => [long, short].filter((one) => one != null));
  return [{ words: words.join(' '), options: options.filter(([long = '']) => !EVERYWHERE.has(long)) }];
}

const leaves = leavesOf(createProgram({} as Terminal), []);

/** `cdc pause-table\|recover-table` stands for both. */
const written = PAGE.replaceAll('\\|', '|');
const rows = written.split('\n').filter((line) => line.startsWith('|'));

/** The rows of a command, also where a row names several together. */
function textOf(words: string): string {
  const [last = '', ...before] = words.split(' ').reverse();
  const group = before.reverse().join(' ');
  const start = group === '' ? '`' : `\`${group} `;
  const own = rows.filter((row) =>
    [...row.matchAll(/`[^`]*`/g)].some(
      ([code]) =>
        code.startsWith(start) && code.slice(start.length, -1).split(' ', 1)[0]!.split('|').includes(last),
    ),
  );
  // Said of what is like the command above it.
  return own
    .map((row) => (row.includes('with the same options') ? rows[rows.indexOf(row) - 1] + row : row))
    .join('\n');
}

describe('the page of the command line', () => {
  it.each(leaves)('has $words with its options', ({ words, options }) => {
    const text = textOf(words);
    expect(text, words).not.toBe('');
    const has = (option: string): boolean => new RegExp(`(?<![\\w-])${option}(?![\\w-])`).test(text);
    expect(options.filter((names) => !names.some(has))).toEqual([]);
  });

  it('names no option that no command has', () => {
    const real = new Set([
      ...leaves.flatMap(({ options }) => options.flat()),
      ...EVERYWHERE,
      '--help',
      '--version',
    ]);
    const named = [...written.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([option]) => option);
    expect([...new Set(named)].filter((option) => !real.has(option))).toEqual([]);
  });
});

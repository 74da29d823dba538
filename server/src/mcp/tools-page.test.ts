import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { TOOLS } from './tools/all.ts';

const PAGE = readFileSync(fileURLToPath(new URL('../../../docs/mcp.md', import.meta.url)), 'utf8');
const KINDS = { read: '', write: 'changes', destructive: 'asks first' } as const;

it('the page of the tools has each of them, with what it takes', () => {
  const rows = PAGE.split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  expect(rows.map(([, name, kind, , takes]) => `${name} ${kind} ${takes}`)).toEqual(
    TOOLS.map(({ name, kind, input }) => {
      const takes = Object.keys(input.shape).map((one) => `\`${one}\``);
      return `\`${name}\` ${KINDS[kind]} ${takes.join(', ')}`;
    }),
  );
});

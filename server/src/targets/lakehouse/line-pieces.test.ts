import { readdir, rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FRONT, readLines } from './change-lines.ts';
import { cut, inPieces } from './line-pieces.ts';
import { withSql } from './sql.ts';
import { Bench } from './testing/change-batches.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

async function read(files: readonly string[]): Promise<unknown[]> {
  return withSql(bench.engine, AbortSignal.timeout(60_000), async (sql) => {
    const rows = await sql.rows(`SELECT f0, f1 FROM ${readLines(files, 2, 1000)}`);
    return rows.map((row) => [...row]);
  });
}

const LINES = [
  ['\ufeff', 'a'],
  ['\ufeff\ufeff', 'b,\n"c"'],
  ['d', '\ufeff'],
  ['', null],
] as const;
const csv = (lines: readonly (readonly (string | null)[])[], quoted: boolean): string =>
  lines
    .map((line) =>
      line
        .map((text) => {
          if (text === null) return '';
          return quoted || !/^[^",\n]+$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
        })
        .join(','),
    )
    .map((line) => `${line}\n`)
    .join('');

it.each([true, false])('a file that begins with U+FEFF is read whole (quoted: %s)', async (quoted) => {
  const file = await bench.scratch(csv(LINES, quoted));
  expect(await inPieces(file, 100, read)).toEqual(LINES);
  await rm(file);
  expect(
    (await readdir(bench.folder)).filter((name) => name.endsWith('.csv') || /csv\.\d/.test(name)),
  ).toEqual([]);
});

it('is whole in pieces too, wherever it is cut', async () => {
  const lines = Array.from({ length: 50 }, (_, n) => LINES[n % LINES.length]!);
  const file = await bench.scratch(csv(lines, false));
  for (const bytes of [1, 7, 50, 1000]) {
    const pieces: string[] = [];
    await cut(file, bytes, pieces);
    expect(await read(pieces)).toEqual(lines);
    for (const piece of pieces) await rm(piece);
  }
});

it('a file without one is taken as it is', async () => {
  const file = await bench.scratch('d,e\n');
  expect(await inPieces(file, 100, async (files) => files)).toEqual([file]);
  expect(await read([await bench.scratch(Buffer.concat([FRONT, Buffer.from('\ufeffd,e\n')]))])).toEqual([
    ['\ufeffd', 'e'],
  ]);
});

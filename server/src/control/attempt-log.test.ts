import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AttemptLogWriter, readLogTail } from './attempt-log.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-log-'));
  path = join(folder, 'run-1', 'attempt-1.log');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('the log of an attempt', () => {
  it('keeps its end, whatever is written into it', async () => {
    const log = new AttemptLogWriter(path, 1000);
    for (let i = 0; i < 1000; i++) log.write(Buffer.from(`line ${i}\n`));
    log.close();
    log.write(Buffer.from('after the end'));
    expect((await stat(path)).size + (await stat(`${path}.1`)).size).toBeLessThanOrEqual(2000);
    const all = await readLogTail(path, 10_000);
    expect(all.lines.at(-1)).toBe('line 999');
    const first = Number(all.lines[0]?.slice(5));
    expect(all.lines).toEqual(Array.from({ length: 1000 - first }, (_, i) => `line ${first + i}`));
    expect(await readLogTail(path, 2)).toEqual({ lines: ['line 998', 'line 999'], truncated: true });
  });

  it('joins a line that two files share, and shows one that is not ended', async () => {
    const log = new AttemptLogWriter(path, 10);
    log.write(Buffer.from('aaaa\nbb'));
    log.write(Buffer.from('bb\ncccc'));
    log.close();
    expect(await readLogTail(path, 9)).toEqual({ lines: ['aaaa', 'bbbb', 'cccc'], truncated: false });
  });

  it('is empty before anything is written', async () => {
    expect(await readLogTail(path, 5)).toEqual({ lines: [], truncated: false });
  });

  it('never fails the run', async () => {
    await writeFile(join(folder, 'a file'), '');
    const log = new AttemptLogWriter(join(folder, 'a file', 'x.log'));
    log.write(Buffer.from('lost'));
    log.close();
  });
});

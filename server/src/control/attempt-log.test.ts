import * as fs from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AttemptLogWriter, readLogTail } from './attempt-log.ts';

// No file system runs out of files when it is told to.
const full = vi.hoisted(() => ({ next: false }));
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  return {
    ...real,
    openSync: (...given: Parameters<typeof real.openSync>) => {
      if (full.next) throw new Error('EMFILE: too many open files');
      return real.openSync(...given);
    },
  };
});

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

  it('lets go of its file for good where no new one can be opened', async () => {
    const log = new AttemptLogWriter(path, 10);
    log.write(Buffer.from('aaaa\n'));
    full.next = true;
    log.write(Buffer.from('bbbbbbbbbb\n'));
    full.next = false;
    // It gets the number that the log's file had.
    const other = join(folder, 'other');
    const fd = fs.openSync(other, 'w');
    log.write(Buffer.from('cc\n'));
    log.close();
    expect(fs.readFileSync(other, 'utf8')).toBe('');
    fs.closeSync(fd);
    expect((await readLogTail(path, 9)).lines).toEqual(['aaaa']);
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

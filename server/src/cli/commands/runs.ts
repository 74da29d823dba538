import { type Attempt, type Call, type Run, SluiceError, type WaitRunResult } from '@sluice/contract';
import type { Command } from 'commander';
import { id, wholeNumber } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { pick } from '../present.ts';

const SLICE_SECONDS = 240;

export function addRunCommands(program: Command, terminal: Terminal): void {
  const runs = program.command('runs').description('One start to stop of a task each');
  addLeaf<{ readonly task: string }>(runs, terminal, {
    usage: 'list',
    summary: 'The runs of a task, newest first',
    options: (command) => command.requiredOption('--task <task>', 'task whose runs are listed'),
    run: async ({ call, options }) => {
      const data = await call('listRuns', { params: { ref: options.task } });
      return { data, view: runTable(data) };
    },
  });
  addLeaf(runs, terminal, {
    usage: 'detail <run>',
    summary: 'A run with its attempts',
    run: async ({ call, args: [run = ''] }) => {
      const data = await call('getRun', { params: { id: id(run, 'a run') } });
      return { data };
    },
  });
  addLeaf<{ readonly timeout: string }>(runs, terminal, {
    usage: 'wait <run>',
    summary: 'Wait until the run has ended',
    options: (command) => command.option('--timeout <seconds>', 'give up after so long', '300'),
    run: async ({ call, args: [run = ''], options }) => ({
      data: await waitForRun(call, id(run, 'a run'), wholeNumber('--timeout', options.timeout, 0, 604_800)),
    }),
  });

  const attempts = program.command('attempts').description('The lives of the process of a run');
  addLeaf(attempts, terminal, {
    usage: 'list <run>',
    summary: 'The attempts of a run, oldest first',
    run: async ({ call, args: [run = ''] }) => {
      const data = await call('listAttempts', { params: { id: id(run, 'a run') } });
      return { data, view: attemptTable(data) };
    },
  });
  addLeaf<{ readonly attempt?: string; readonly tail: string }>(attempts, terminal, {
    usage: 'log <run>',
    summary: 'The end of the log of the newest attempt of a run',
    options: (command) =>
      command
        .option('--attempt <number>', 'another attempt of the run: 1 is the first')
        .option('--tail <lines>', 'at most so many lines', '1000'),
    run: async ({ call, args: [run = ''], options }) => {
      const all = await call('listAttempts', { params: { id: id(run, 'a run') } });
      const wanted =
        options.attempt === undefined ? undefined : wholeNumber('--attempt', options.attempt, 1, 1e9);
      const attempt = wanted === undefined ? all.at(-1) : all.find(({ number }) => number === wanted);
      if (attempt === undefined) {
        throw new SluiceError(
          'NOT_FOUND',
          `Run ${run} has no attempt${wanted === undefined ? '' : ` ${wanted}`}.`,
        );
      }
      const tail = wholeNumber('--tail', options.tail, 1, 10_000);
      const data = await call('attemptLog', { params: { id: attempt.id }, query: { tail } });
      return { data, view: data.lines.map(logLine).join('') || '(empty)\n' };
    },
  });
}

export async function waitForRun(call: Call, run: number, timeoutSeconds: number): Promise<WaitRunResult> {
  const end = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const timeout = Math.min(Math.max(0, (end - Date.now()) / 1000), SLICE_SECONDS);
    const result = await call('waitRun', { params: { id: run }, query: { timeout } });
    if (result.ended) return result;
    if (Date.now() >= end) {
      throw new SluiceError('TIMEOUT', `Run ${run} is still ${result.run.state} after ${timeoutSeconds} s.`);
    }
  }
}

const runTable = (runs: readonly Run[]) =>
  pick(runs, {
    id: (run) => run.id,
    state: (run) => run.state,
    version: (run) => run.version,
    from: (run) => run.startPosition ?? run.startMode,
    started: (run) => run.startedAt,
    ended: (run) => run.endedAt,
    failovers: (run) => run.failovers,
    problem: (run) => run.error?.message ?? '',
  });

const attemptTable = (attempts: readonly Attempt[]) =>
  pick(attempts, {
    number: (attempt) => attempt.number,
    id: (attempt) => attempt.id,
    state: (attempt) => attempt.state,
    pid: (attempt) => attempt.pid,
    started: (attempt) => attempt.startedAt,
    ended: (attempt) => attempt.endedAt,
    problem: (attempt) => attempt.error?.message ?? '',
  });

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** A line of pino as a person reads it; any other line as it is. */
export function logLine(line: string): string {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return `${line}\n`;
  }
  if (typeof entry !== 'object' || entry === null || !('msg' in entry)) return `${line}\n`;
  const { time, level, msg, pid: _pid, hostname: _hostname, ...rest } = entry as Record<string, unknown>;
  const when = typeof time === 'number' ? new Date(time).toISOString() : String(time ?? '');
  const more = Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : '';
  return `${when} ${(LEVELS[Number(level)] ?? String(level)).padEnd(5)} ${String(msg)}${more}\n`;
}

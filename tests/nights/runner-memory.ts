import { readFile } from 'node:fs/promises';
import type { TestLake } from '../support/lake.ts';

/** Linux tells a process's highest resident memory; elsewhere the tests that ask only check the rows. */
export const MEMORY_IS_KNOWN = process.platform === 'linux';

/** The process of the task's running attempt. @throws Error where none runs */
export async function runnerPid(lake: TestLake, task: string): Promise<number> {
  const run = await lake.newestRun(task);
  const pid = run?.attempts.findLast((attempt) => attempt.state === 'running')?.pid;
  if (pid === undefined || pid === null) throw new Error(`no attempt of ${task} runs`);
  return pid;
}

/** The highest resident memory that the running attempt's process ever had (VmHWM), in MiB; 0 where that is not told. */
export async function runnerPeak(lake: TestLake, task: string): Promise<number> {
  if (!MEMORY_IS_KNOWN) return 0;
  const status = await readFile(`/proc/${await runnerPid(lake, task)}/status`, 'utf8');
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) / 1024);
}

/** Attempts so far: 1 means that the process whose memory was measured did all the work. */
export async function attempts(lake: TestLake, task: string): Promise<number> {
  return (await lake.newestRun(task))?.attempts.length ?? 0;
}

/** Figures that a person may want to see in the run's output. */
export function note(text: string): void {
  process.stdout.write(`    ${text}\n`);
}

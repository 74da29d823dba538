import { readFile } from 'node:fs/promises';

/** Whether a process of this id exists (another user's too). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The arguments of a process, or null where it is gone or the platform does not tell. */
export async function processArguments(pid: number): Promise<readonly string[] | null> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
  } catch {
    return null;
  }
}

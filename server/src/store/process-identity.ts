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

/**
 * When a process began, in a form that only compares equal for the same process, or null where the platform does not
 * tell. Linux: the boot and field 22 of /proc/<pid>/stat (proc(5)); the name in field 2 may hold spaces and brackets.
 */
export async function processBirth(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return startTime === undefined ? null : `${boot.trim()}:${startTime}`;
  } catch {
    return null;
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

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Ends a server that an earlier start could not end (it was killed with kill -9), by the process id in a file. Only
 * where that process really names the folder on its command line: the number may be somebody else's by now.
 */
export async function endLeftover(pidFile: string, folder: string, signal: NodeJS.Signals): Promise<void> {
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  if (!(await commandOf(pid)).includes(folder)) return;
  process.kill(pid, signal);
  for (let waited = 0; (await commandOf(pid)).includes(folder); waited += 100) {
    if (waited > 30_000) throw new Error(`process ${pid} of an earlier start does not end`);
    await sleep(100);
  }
}

/**
 * Makes this process the one that has a folder, by a file with its process id.
 * @param mark what the command line of such a process holds
 * @returns what gives it back
 * @throws Error where another one has it
 */
export async function claim(pidFile: string, mark: string): Promise<() => Promise<void>> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (pid !== process.pid && pid > 1 && (await commandOf(pid)).includes(mark)) {
    throw new Error(`another one runs already (process ${pid}): stop it first`);
  }
  await mkdir(dirname(pidFile), { recursive: true });
  await writeFile(pidFile, String(process.pid));
  return () => rm(pidFile, { force: true });
}

/** Linux tells it; elsewhere the server's own lock says that it is still there. */
export async function commandOf(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
}

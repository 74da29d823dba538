import { setTimeout as pause } from 'node:timers/promises';
import { commandLine } from '../store/process-identity.ts';

/**
 * Ends a runner that an earlier server left behind. Its id may belong to another process by now, so it is killed only
 * where the command line is that of this attempt.
 * @returns whether it was there
 */
export async function endOrphan(pid: number, attemptId: number, dataDir: string): Promise<boolean> {
  const ours = async () => {
    const line = await commandLine(pid);
    return line.includes(` --data-dir ${dataDir} `) && line.endsWith(` --attempt ${attemptId}`);
  };
  if (!(await ours())) return false;
  // SIGKILL cannot be refused, but a process in a system call ends only after it.
  for (let waits = 0; (await ours()) && waits < 100; waits++) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      break;
    }
    await pause(50);
  }
  return true;
}

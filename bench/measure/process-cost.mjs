// What a process has cost so far, as Linux counts it: proc(5).
import { readdir, readFile } from 'node:fs/promises';

/** In 1/100 s on every machine that Linux has (sysconf _SC_CLK_TCK). */
const TICKS = 100;

/** Processor seconds of the process with all its threads, and of its children that have ended. */
export async function cpuSeconds(pid) {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the program may hold anything, so the fields are counted from behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number);
  return (user + system + childUser + childSystem) / TICKS;
}

/** Resident memory at its highest, in megabytes. */
export async function peakMemoryMb(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

/** The process itself, and children of it that live. */
export async function withChildren(pid) {
  const pids = [pid];
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const text = await readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '');
    pids.push(...text.split(' ').filter(Boolean).map(Number));
  }
  return pids;
}

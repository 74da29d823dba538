import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestLake } from '../support/lake.ts';

/** The process of `sluice serve`, as it wrote it down. */
export async function serverPid(lake: TestLake): Promise<number> {
  return Number(await readFile(join(lake.dataDir, 'server.pid'), 'utf8'));
}

/** SIGTERM, and until the process is gone. */
export async function terminateServer(lake: TestLake): Promise<void> {
  const pid = await serverPid(lake);
  process.kill(pid, 'SIGTERM');
  await gone(pid);
}

export async function gone(pid: number, seconds = 60): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await pause(20))
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
  throw new Error(`process ${pid} did not end within ${seconds} s`);
}

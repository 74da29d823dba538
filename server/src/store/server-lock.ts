import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, unlink } from 'node:fs/promises';
import { SluiceError } from '@sluice/contract';
import type { DataDir } from './data-dir.ts';
import { isAlive, processBirth } from './process-identity.ts';

interface Holder {
  readonly pid: number;
  /** Tells a process from a later one with the same pid; null where the platform does not say. */
  readonly birth: string | null;
}

/**
 * One server has a data folder at a time. The lock is a file that names its holder; that of a dead one is taken over.
 * @returns what gives the lock back
 * @throws SluiceError CONFLICT where another server that lives has it
 */
export async function lockDataDir(layout: DataDir): Promise<() => Promise<void>> {
  const mine: Holder = { pid: process.pid, birth: await processBirth(process.pid) };
  const text = JSON.stringify(mine);
  const beside = `${layout.lock}.${randomBytes(6).toString('hex')}`;
  const file = await open(beside, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    for (;;) {
      if (await linked(beside, layout.lock)) break;
      const seen = await readFile(layout.lock, 'utf8').catch(() => null);
      if (seen === null) continue;
      const holder = parseHolder(seen);
      if (holder !== null && (await lives(holder)))
        throw new SluiceError(
          'CONFLICT',
          `Another server (process ${holder.pid}) works with the data folder ${layout.root}.`,
          { remedy: 'Use that server, stop it, or choose another folder with --data-dir.' },
        );
      await removeStale(layout.lock, seen);
    }
  } finally {
    await unlink(beside).catch(() => {});
  }
  return async () => {
    const seen = await readFile(layout.lock, 'utf8').catch(() => null);
    if (seen === text) await unlink(layout.lock).catch(() => {});
  };
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Of two servers that see the same dead lock, one could remove the new lock of the other. So the file is moved away
 * first, looked at, and put back where it is not the one that was seen.
 */
async function removeStale(path: string, seen: string): Promise<void> {
  const away = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, away);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = await readFile(away, 'utf8');
  if (moved !== seen) await linked(away, path);
  await unlink(away);
}

function parseHolder(text: string): Holder | null {
  try {
    const { pid, birth } = JSON.parse(text) as Partial<Holder>;
    return typeof pid === 'number' ? { pid, birth: typeof birth === 'string' ? birth : null } : null;
  } catch {
    return null;
  }
}

async function lives(holder: Holder): Promise<boolean> {
  if (!isAlive(holder.pid)) return false;
  const birth = await processBirth(holder.pid);
  return holder.birth === null || birth === null || holder.birth === birth;
}

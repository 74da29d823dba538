import { closeSync, openSync } from 'node:fs';

/**
 * Places in the sequence of a commit where a test can end the process as `kill -9` does. `SLUICE_CRASH_AT=name:n`
 * means the nth time that it is reached; `name:n:file` once only, whichever process gets there first: it makes the file.
 * Without the variable this does nothing.
 */
export const CRASH_POINTS = [
  'after-chunk-file',
  'after-data-file',
  'after-delete-file',
  'after-segment-file',
  'before-commit',
  'after-commit',
  'before-acknowledge',
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

const [wanted, countText, once] = (process.env.SLUICE_CRASH_AT ?? '').split(':');
let left = Number(countText ?? 1);

export function crashPoint(name: CrashPoint): void {
  if (wanted !== name) return;
  left--;
  if (left === 0 && isFirst()) process.kill(process.pid, 'SIGKILL');
}

function isFirst(): boolean {
  if (once === undefined) return true;
  try {
    closeSync(openSync(once, 'wx'));
    return true;
  } catch {
    return false;
  }
}

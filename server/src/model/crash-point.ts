/**
 * Places in the sequence of a commit where a test can end the process as `kill -9` does. `SLUICE_CRASH_AT=name:n`
 * means the nth time that it is reached. Without the variable this does nothing.
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

const [wanted, countText] = (process.env.SLUICE_CRASH_AT ?? '').split(':');
let left = Number(countText ?? 1);

export function crashPoint(name: CrashPoint): void {
  if (wanted !== name) return;
  left--;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
}

import { randomBytes } from 'node:crypto';

/**
 * What a task is called at its source: readable there, and its own even where another installation mirrors the same
 * server. PostgreSQL takes slot names of up to 63 lower-case letters, digits and _ (manual, "Replication Slots");
 * `sluice_` and this are at most 54.
 */
export function makeSourceKey(taskName: string): string {
  const readable = taskName
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 38);
  return `${readable === '' ? 'task' : readable}_${randomBytes(4).toString('hex')}`;
}

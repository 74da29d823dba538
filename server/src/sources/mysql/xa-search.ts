import type { Dump } from './binlog/dump.ts';
import { EVENT } from './binlog/event-types.ts';
import { comparePlaces, type FilePlace, fileNumber } from './log-place.ts';
import type { KeptEvent } from './xa.ts';
import { parseXaPrepare } from './xa-event.ts';

const FIRST_OFFSET = 4;

/** A dump that ends where the log does. */
export type OpenStretch = (from: FilePlace, signal: AbortSignal) => Promise<Dump>;

export const GROUP_BEGINS: ReadonlySet<number> = new Set([
  EVENT.GTID,
  EVENT.ANONYMOUS_GTID,
  EVENT.GTID_TAGGED,
  EVENT.MARIADB_GTID,
]);

const FED: ReadonlySet<number> = new Set([
  EVENT.TABLE_MAP,
  EVENT.WRITE_ROWS,
  EVENT.UPDATE_ROWS,
  EVENT.DELETE_ROWS,
  EVENT.WRITE_ROWS_V1,
  EVENT.UPDATE_ROWS_V1,
  EVENT.DELETE_ROWS_V1,
  EVENT.PARTIAL_UPDATE_ROWS,
  EVENT.QUERY,
  EVENT.EXECUTE_LOAD_QUERY,
]);

/** Reads the group that begins at a place again, up to its XA PREPARE. */
export async function readPrepared(
  open: OpenStretch,
  from: FilePlace,
  each: (event: KeptEvent) => void | Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await using dump = await open(from, signal);
  while (await dump.next()) {
    if (dump.type === EVENT.XA_PREPARE) return;
    if (FED.has(dump.type)) await each(dump);
  }
}

/**
 * The place of the group that prepared a transaction, looked for from the file of `before` backwards; of several with
 * this xid the last one. null: it is in none of the files that there are.
 */
export async function findPrepared(
  open: OpenStretch,
  files: readonly string[],
  xid: string,
  before: FilePlace,
  signal: AbortSignal,
): Promise<FilePlace | null> {
  const candidates = files
    .filter((file) => fileNumber(file) <= fileNumber(before.file))
    .sort((a, b) => fileNumber(b) - fileNumber(a));
  for (const file of candidates) {
    const found = await lastIn(open, file, xid, before, signal);
    if (found !== null) return found;
  }
  return null;
}

async function lastIn(
  open: OpenStretch,
  file: string,
  xid: string,
  before: FilePlace,
  signal: AbortSignal,
): Promise<FilePlace | null> {
  await using dump = await open({ file, offset: FIRST_OFFSET }, signal);
  let group: FilePlace | null = null;
  let found: FilePlace | null = null;
  while (await dump.next()) {
    if (dump.file !== file) break;
    const end = { file: dump.file, offset: dump.nextPos };
    if (comparePlaces(end, before) > 0) break;
    if (GROUP_BEGINS.has(dump.type)) group = { file, offset: dump.nextPos - dump.length };
    if (dump.type !== EVENT.XA_PREPARE || group === null) continue;
    const prepared = parseXaPrepare(dump.bytes, dump.start, dump.end);
    if (!prepared.onePhase && prepared.xid === xid) found = group;
  }
  return found;
}

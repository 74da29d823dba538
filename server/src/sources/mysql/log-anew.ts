import type { Dump } from './binlog/dump.ts';
import { comparePlaces, type FilePlace } from './log-place.ts';
import type { BinlogPosition } from './position.ts';
import { GROUP_BEGINS } from './xa-search.ts';

/**
 * A server may number the files of its log anew: after RESET BINARY LOGS AND GTIDS, under another base name, where the
 * list of its files was lost, or because it is another one with the same identity. Its GTIDs go on; the files and
 * offsets of before mean nothing any more, and may lie behind the new ones for good.
 *
 * So a position names its log by the server and, from the second numbering on, by a count behind it: `<server>/2`.
 * Places of two numberings are then compared as those of two servers, by their GTID sets.
 */
const COUNT = /\/(\d+)$/;

/** `log`: as BinlogPosition.server. */
export function serverOfLog(log: string): string {
  return log.replace(COUNT, '');
}

/** The log of this server that the position is of; where it is of another server: the first one. */
export function logNameOf({ server: log }: BinlogPosition, server: string): string {
  return log !== null && serverOfLog(log) === server ? log : server;
}

export function nextLogName(log: string): string {
  return `${serverOfLog(log)}/${Number(COUNT.exec(log)?.[1] ?? 1) + 1}`;
}

/** What a file is called before its number. */
function baseName(file: string): string {
  return file.slice(0, file.lastIndexOf('.'));
}

/**
 * Whether the files are numbered anew since the place was read: the log ends before it, or what was not read begins
 * before it. Where neither is so, nothing that was not read lies before the place, whatever the numbers.
 * @param unread a dump by the GTID set of the place, which ends where the log does
 */
export async function isNumberedAnew(
  place: FilePlace,
  end: BinlogPosition['file'],
  unread: () => Promise<Dump>,
): Promise<boolean> {
  if (end !== null) {
    if (baseName(end.name) !== baseName(place.file)) return true;
    if (comparePlaces(place, { file: end.name, offset: end.offset }) > 0) return true;
  }
  await using dump = await unread();
  while (await dump.next())
    if (GROUP_BEGINS.has(dump.type))
      return comparePlaces({ file: dump.file, offset: dump.nextPos - dump.length }, place) < 0;
  return false;
}

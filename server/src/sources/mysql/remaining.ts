import type { Position } from '../source.ts';
import type { Session } from './connect.ts';
import { type BinlogPosition, formatPosition, readHead, requirePosition } from './position.ts';

export interface LogFile {
  readonly name: string;
  readonly bytes: number;
}

/** The end of the log, and how many bytes of it lie behind a position. */
export async function readRemaining(
  session: Session,
  from: Position,
): Promise<{ readonly end: Position; readonly bytes: number | null }> {
  const head = await readHead(session);
  const end = formatPosition(head);
  const read = requirePosition(from);
  if (read.file === null || head.file === null || read.server !== head.server) return { end, bytes: null };
  // One file is the usual case, and needs no list of all.
  if (read.file.name === head.file.name)
    return { end, bytes: Math.max(0, head.file.offset - read.file.offset) };
  const rows = await session.rows<{ Log_name: string; File_size: string }>('SHOW BINARY LOGS');
  const files = rows.map((row) => ({ name: row.Log_name, bytes: Number(row.File_size) }));
  return { end, bytes: bytesBetween(files, read.file, head.file) };
}

/** null: the files between are not all there. */
export function bytesBetween(
  files: readonly LogFile[],
  from: NonNullable<BinlogPosition['file']>,
  to: NonNullable<BinlogPosition['file']>,
): number | null {
  const first = files.findIndex((file) => file.name === from.name);
  const last = files.findIndex((file) => file.name === to.name);
  if (first < 0 || last < 0 || last < first) return null;
  const between = files.slice(first, last).reduce((sum, file) => sum + file.bytes, 0);
  return Math.max(0, between - from.offset + to.offset);
}

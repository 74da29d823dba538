import { open, rm, stat } from 'node:fs/promises';
import { storageError } from '../../lakehouse/file-storage.ts';
import { FRONT } from './change-lines.ts';

/** DuckDB takes this many rows at a time, whatever their size. */
const ROWS_AT_ONCE = 2048;
/** What those may come to. A file is taken by itself, so shorter files bound it; a single line is never cut. */
const PIECE_BYTES = 32 << 20;

const QUOTE = 0x22;
const NEWLINE = 0x0a;

/**
 * Gives `work` a file of CSV lines in pieces that can be read in bounded memory, and whole (FRONT): the file itself
 * where its lines are short, else files of about 32 MiB beside it, which are removed afterwards.
 * @throws SluiceError STORAGE_*
 */
export async function inPieces<T>(
  file: string,
  longestLine: number,
  work: (pieces: readonly string[]) => Promise<T>,
): Promise<T> {
  const short = longestLine * ROWS_AT_ONCE <= PIECE_BYTES || (await stat(file)).size <= PIECE_BYTES;
  if (short && !(await looksMarked(file))) return work([file]);
  const pieces: string[] = [];
  try {
    await cut(file, short ? Infinity : PIECE_BYTES, pieces);
    return await work(pieces);
  } finally {
    await Promise.all(pieces.map((piece) => rm(piece, { force: true })));
  }
}

/** Whether its first line begins with what would be taken for a byte order mark. */
async function looksMarked(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(FRONT.length), 0, FRONT.length, 0);
    return bytesRead === FRONT.length && buffer.equals(FRONT);
  } finally {
    await handle.close();
  }
}

/** Cuts a file behind the first line that ends at or after `bytes`, again and again. `pieces` gets each name before it is made. */
export async function cut(file: string, bytes: number, pieces: string[]): Promise<void> {
  const from = await open(file, 'r');
  const buffer = Buffer.allocUnsafe(1 << 20);
  let to: Awaited<ReturnType<typeof open>> | null = null;
  let written = 0;
  let quoted = false;
  try {
    for (;;) {
      const { bytesRead } = await from.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return;
      let start = 0;
      for (let i = 0; i < bytesRead; i++) {
        const byte = buffer[i];
        // A quote within a quoted field is there twice, which leaves the state as it was.
        if (byte === QUOTE) quoted = !quoted;
        if (byte !== NEWLINE || quoted || written + i + 1 - start < bytes) continue;
        to ??= await next();
        await to.writeFile(buffer.subarray(start, i + 1));
        await to.close();
        to = null;
        written = 0;
        start = i + 1;
      }
      if (start === bytesRead) continue;
      to ??= await next();
      await to.writeFile(buffer.subarray(start, bytesRead));
      written += bytesRead - start;
    }
  } catch (error) {
    throw storageError('write', pieces.at(-1) ?? file, error);
  } finally {
    await to?.close();
    await from.close();
  }

  async function next(): Promise<Awaited<ReturnType<typeof open>>> {
    const name = `${file}.${pieces.length}`;
    pieces.push(name);
    const piece = await open(name, 'w');
    await piece.writeFile(FRONT);
    return piece;
  }
}

import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A log keeps its last 8 to 16 MiB: a full file moves to `<path>.1`, over the one before it. */
const FILE_BYTES = 8 * 1024 * 1024;

/** Writes what a runner says into its attempt's log. Synchronous: the pipe from the runner is its backpressure. */
export class AttemptLogWriter {
  readonly #path: string;
  readonly #limit: number;
  #fd = -1;
  #bytes = 0;

  constructor(path: string, limit: number = FILE_BYTES) {
    this.#path = path;
    this.#limit = limit;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      this.#fd = openSync(path, 'a', 0o600);
      this.#bytes = fstatSync(this.#fd).size;
    } catch {
      // as below
    }
  }

  /** A disk that is full costs log lines, never the run. */
  write(chunk: Buffer): void {
    if (this.#fd < 0) return;
    try {
      if (this.#bytes + chunk.length > this.#limit && this.#bytes > 0) this.#rotate();
      this.#bytes += writeSync(this.#fd, chunk);
    } catch {
      // nothing to be done: this is where errors would be written
    }
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd >= 0) closeSync(fd);
  }

  #rotate(): void {
    renameSync(this.#path, `${this.#path}.1`);
    this.close();
    this.#fd = openSync(this.#path, 'a', 0o600);
    this.#bytes = 0;
  }
}

/** How much of the end of a log is looked at. */
const TAIL_BYTES = 4 * 1024 * 1024;

/** The last lines of a log, oldest first. `truncated`: there were lines before them. */
export async function readLogTail(
  path: string,
  lines: number,
): Promise<{ readonly lines: string[]; readonly truncated: boolean }> {
  const current = await readEnd(path, TAIL_BYTES);
  const older = await readEnd(`${path}.1`, TAIL_BYTES - current.text.length);
  const cut = older.cut || current.cut;
  // The piece that a cut leaves at the beginning is no line.
  const whole = (older.text + current.text).split('\n').slice(cut ? 1 : 0);
  if (whole.at(-1) === '') whole.pop();
  return { lines: whole.slice(-lines), truncated: cut || whole.length > lines };
}

async function readEnd(path: string, most: number): Promise<{ text: string; cut: boolean }> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return { text: '', cut: false };
  try {
    const { size } = await file.stat();
    const length = Math.min(size, Math.max(most, 0));
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return { text: buffer.toString('utf8', 0, bytesRead), cut: size > length };
  } finally {
    await file.close();
  }
}

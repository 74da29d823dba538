import type { RowWriter } from '../../source.ts';

/** For tests: lines of model/change.ts without what stands before the op, in one growing buffer. */
export class LineWriter implements RowWriter {
  buffer = Buffer.allocUnsafe(64);
  at = 0;
  readonly key: readonly number[] = [];
  lossyRows = 0;
  readonly #mask: number[];
  #masked = false;

  constructor(columns: number) {
    this.#mask = new Array<number>(columns);
  }

  begin(op: number): void {
    this.room(1);
    this.buffer[this.at++] = op;
    this.#mask.fill(0x30);
    this.#masked = false;
  }

  text(bytes: Buffer, start: number, end: number): void {
    const text = Buffer.from(`,"${bytes.toString('latin1', start, end).replaceAll('"', '""')}"`, 'latin1');
    this.room(text.length);
    this.at += text.copy(this.buffer, this.at);
  }

  null(): void {
    this.room(1);
    this.buffer[this.at++] = 0x2c;
  }

  unchanged(column: number): void {
    this.#mask[column] = 0x31;
    this.#masked = true;
    this.null();
  }

  untold(column: number): void {
    this.#mask[column] = 0x32;
    this.#masked = true;
    this.null();
  }

  end(): void {
    this.room(this.#mask.length + 2);
    this.buffer[this.at++] = 0x2c;
    if (this.#masked) for (const one of this.#mask) this.buffer[this.at++] = one;
    this.buffer[this.at++] = 0x0a;
  }

  lossy(): void {
    this.lossyRows++;
  }

  room(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    // Exactly what was asked for, so that code that writes more than that loses it.
    const larger = Buffer.allocUnsafe(this.at + bytes);
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }

  get lines(): string {
    return this.buffer.toString('utf8', 0, this.at);
  }
}

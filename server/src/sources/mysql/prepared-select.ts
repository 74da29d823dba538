import { SluiceError } from '@sluice/contract';
import { TypedFile } from '../../model/typed-rows/typed-file.ts';
import type { LoadedTypedRows } from '../source.ts';
import type { TypedField } from './typed-select.ts';
import { BinaryRows } from './wire/binary-rows.ts';
import { commandPacket, lengthEncoded, PAYLOAD, PacketFramer, readError } from './wire/packets.ts';

const COM_STMT_PREPARE = Buffer.from([0x16]);
const COM_STMT_EXECUTE = Buffer.from([0x17]);
const COM_STMT_CLOSE = Buffer.from([0x19]);
/** Without a cursor, once. */
const EXECUTE_ONCE = Buffer.from([0, 1, 0, 0, 0]);
const EOF_BYTES = 5;
/** Longer rows go as text, which is cut into pieces for the reader. */
const LONGEST_ROW = 1 << 20;

/** What a prepared statement needs of a connection between two commands. */
export interface Wire {
  readonly send: (packet: Buffer) => void;
  /** The next chunk. @throws where the connection has ended */
  readonly more: () => Promise<Buffer>;
}

/**
 * A SELECT by the binary protocol ("Prepared Statements"): numbers and dates come as their bytes, which the server need
 * not write as text and nobody has to read.
 * @returns null where some value, or the server, is better asked for text; the connection is of no more use where rows
 *   were under way
 */
export async function readTyped(
  wire: Wire,
  sql: string,
  fields: readonly TypedField[],
  write: (bytes: Buffer) => Promise<void>,
): Promise<LoadedTypedRows | null> {
  const packets = new Packets(wire);
  packets.send(commandPacket(COM_STMT_PREPARE, Buffer.from(sql)));
  await packets.next();
  // No more prepared statements (max_prepared_stmt_count), none of this kind: text needs none.
  if (packets.first === PAYLOAD.error) return null;
  const statement = Buffer.from(packets.bytes.subarray(packets.start + 1, packets.start + 5));
  const columns = packets.bytes.readUInt16LE(packets.start + 5);
  await packets.skipDefinitions(columns, fields.length);
  packets.send(commandPacket(COM_STMT_EXECUTE, statement, EXECUTE_ONCE));
  await packets.next();
  if (packets.first === PAYLOAD.error) throw packets.error();
  await packets.skipDefinitions(lengthEncoded(packets.bytes, packets.start), fields.length);
  const file = new TypedFile(fields.map(({ row }) => row));
  const rows = new BinaryRows(
    fields.map(({ size }) => size),
    fields.map(({ reader }, index) => reader(file.values[index]!)),
  );
  for (;;) {
    while (!packets.here()) {
      // Before all of it is in memory.
      if (packets.underWay > LONGEST_ROW) return null;
      rows.drain();
      if (rows.special) return null;
      if (file.full) await file.writeGroup(write);
      await packets.more();
    }
    const { bytes, start, end } = packets;
    const first = bytes[start];
    if (first === PAYLOAD.error) throw packets.error();
    if (first === PAYLOAD.eof) break;
    if (end - start > LONGEST_ROW) return null;
    rows.add(bytes, start, end);
  }
  rows.drain();
  if (rows.special) return null;
  await file.finish(write);
  packets.send(commandPacket(COM_STMT_CLOSE, statement));
  return {
    rows: rows.rows,
    longestLine: rows.longest,
    lossy: false,
    typed: fields.map(({ row }) => row.kind === 'typed'),
  };
}

/** The server's answers, payload by payload. */
class Packets {
  readonly #wire: Wire;
  readonly #framer = new PacketFramer();

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  get bytes(): Buffer {
    return this.#framer.bytes;
  }

  get start(): number {
    return this.#framer.start;
  }

  get end(): number {
    return this.#framer.end;
  }

  get first(): number | undefined {
    return this.bytes[this.start];
  }

  send(packet: Buffer): void {
    this.#framer.begin();
    this.#wire.send(packet);
  }

  /** Goes on to the next payload, where it has come already. */
  here(): boolean {
    return this.#framer.next();
  }

  get underWay(): number {
    return this.#framer.underWay;
  }

  async more(): Promise<void> {
    this.#framer.push(await this.#wire.more());
  }

  async next(): Promise<void> {
    while (!this.here()) await this.more();
  }

  error(): Error {
    return readError(this.bytes, this.start, this.end);
  }

  /** The definitions of the columns and the EOF packet behind them, which this connection has not agreed to do without. */
  async skipDefinitions(columns: number, expected: number): Promise<void> {
    if (columns !== expected)
      throw new SluiceError('SOURCE_PROTOCOL', `${columns} columns instead of ${expected}`);
    for (let n = 0; n < columns; n++) await this.next();
    await this.next();
    if (this.first !== PAYLOAD.eof || this.end - this.start !== EOF_BYTES)
      throw new SluiceError('SOURCE_PROTOCOL', 'no end of the definitions of columns');
  }
}

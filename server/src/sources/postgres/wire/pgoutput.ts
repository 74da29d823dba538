import { SluiceError } from '@sluice/contract';
import { OP } from '../../../model/change.ts';
import { tableText } from '../../../model/table.ts';
import type { ChangeSink, LogRelation, RowWriter } from '../../source.ts';
import { formatLsn, type Lsn } from './lsn.ts';
import { EPOCH_2000_US } from './messages.ts';
import { parseRelation } from './relation.ts';
import { FIELD, Tuple } from './tuple.ts';

const INSERT = OP.insert.charCodeAt(0);
const UPDATE = OP.update.charCodeAt(0);
const DELETE = OP.delete.charCodeAt(0);
const MOVED = OP.moved.charCodeAt(0);

interface KnownRelation {
  readonly relation: LogRelation;
  /** The message it was read from: the server repeats it whenever its cache was emptied, mostly unchanged. */
  readonly message: Buffer;
  /** undefined: the sink has not been told yet. null: of no interest. */
  writer: RowWriter | null | undefined;
}

/**
 * Reads pgoutput's messages, protocol version 1 with text values (PostgreSQL manual, "Logical Replication Message
 * Formats"), and writes the rows' bytes into the sink's writers without making an object a row.
 */
export class PgoutputDecoder {
  readonly #sink: ChangeSink;
  readonly #from: Lsn;
  readonly #markPrefix: string;
  readonly #relations = new Map<number, KnownRelation>();
  #epoch = -1;
  readonly #old = new Tuple();
  readonly #new = new Tuple();
  #inTransaction = false;
  #skipping = false;

  /** Transactions that were committed before `from` are skipped; marks are those messages with this prefix. */
  constructor(sink: ChangeSink, options: { from: Lsn; markPrefix: string }) {
    this.#sink = sink;
    this.#from = options.from;
    this.#markPrefix = options.markPrefix;
  }

  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** One message, at [start, end) of the bytes. A promise is the sink's wish to read no further until it settles. */
  message(bytes: Buffer, start: number, end: number): void | Promise<void> {
    switch (bytes[start]) {
      case 0x49: // I
        return this.#insert(bytes, start + 1, end);
      case 0x55: // U
        return this.#update(bytes, start + 1, end);
      case 0x44: // D
        return this.#delete(bytes, start + 1, end);
      case 0x42: // B
        return this.#begin(bytes, start + 1, end);
      case 0x43: // C
        return this.#commit(bytes, start + 1, end);
      case 0x52: // R
        return this.#relation(bytes, start + 1, end);
      case 0x54: // T
        return this.#truncate(bytes, start + 1, end);
      case 0x4d: // M
        return this.#mark(bytes, start + 1, end);
      // Type names (values are text) and the origin of replicated transactions: nothing that we use.
      case 0x59: // Y
      case 0x4f: // O
        return;
      default:
        throw protocolError(`an unknown message of the log (0x${bytes[start]?.toString(16)})`);
    }
  }

  #begin(bytes: Buffer, at: number, end: number): void {
    if (this.#inTransaction || at + 20 > end) throw protocolError('a transaction inside another');
    const commitLsn = bytes.readBigUInt64BE(at);
    this.#inTransaction = true;
    this.#skipping = commitLsn < this.#from;
    if (this.#skipping) return;
    this.#sink.begin({
      committedAt: bytes.readBigInt64BE(at + 8) + EPOCH_2000_US,
      xid: bytes.readUInt32BE(at + 16),
    });
  }

  #commit(bytes: Buffer, at: number, end: number): void | Promise<void> {
    if (!this.#inTransaction || at + 25 > end) throw protocolError('a commit without a transaction');
    this.#inTransaction = false;
    if (this.#skipping) return;
    return this.#sink.commit(formatLsn(bytes.readBigUInt64BE(at + 9)));
  }

  #relation(bytes: Buffer, at: number, end: number): void {
    const message = Buffer.from(bytes.subarray(at, end));
    const relationId = message.readUInt32BE(0);
    if (this.#relations.get(relationId)?.message.equals(message)) return;
    this.#relations.set(relationId, { relation: parseRelation(message), message, writer: undefined });
  }

  #known(relationId: number): KnownRelation {
    const known = this.#relations.get(relationId);
    if (!known) throw protocolError(`a change of table ${relationId}, which was not described before`);
    return known;
  }

  #writer(known: KnownRelation): RowWriter | null {
    if (this.#epoch !== this.#sink.epoch) {
      this.#epoch = this.#sink.epoch;
      for (const other of this.#relations.values()) other.writer = undefined;
    }
    if (known.writer === undefined) {
      known.writer = this.#sink.relation(known.relation);
      if (known.writer) checkKey(known.relation, known.writer.key);
    }
    return known.writer;
  }

  #insert(bytes: Buffer, at: number, end: number): void {
    if (this.#skipping) return;
    const known = this.#known(bytes.readUInt32BE(at));
    const writer = this.#writer(known);
    if (!writer) return;
    if (bytes[at + 4] !== 0x4e) throw protocolError('an insert without its row');
    const columns = known.relation.columns.length;
    let q = at + 5;
    if (((bytes[q]! << 8) | bytes[q + 1]!) !== columns) throw protocolError('a row of another width');
    q += 2;
    writer.begin(INSERT);
    for (let i = 0; i < columns; i++) {
      const kind = bytes[q++];
      if (kind === FIELD.text) {
        const length = (bytes[q]! << 24) | (bytes[q + 1]! << 16) | (bytes[q + 2]! << 8) | bytes[q + 3]!;
        q += 4;
        if (length < 0 || q + length > end) throw protocolError('a value longer than its message');
        writer.text(bytes, q, q + length);
        q += length;
      } else if (kind === FIELD.null) writer.null();
      else throw protocolError(`a field of kind ${kind} in an inserted row`);
    }
    writer.end();
    if (q !== end) throw protocolError('a row shorter than its message');
  }

  #update(bytes: Buffer, at: number, end: number): void {
    if (this.#skipping) return;
    const known = this.#known(bytes.readUInt32BE(at));
    const writer = this.#writer(known);
    if (!writer) return;
    const columns = known.relation.columns.length;
    let q = at + 4;
    const mark = bytes[q++];
    const hasOld = mark === 0x4b || mark === 0x4f; // K, O
    if (hasOld) {
      q = this.#old.read(bytes, q, end, columns);
      if (bytes[q++] !== 0x4e) throw protocolError('an update without its new row');
    } else if (mark !== 0x4e) throw protocolError('an update of an unknown form');
    q = this.#new.read(bytes, q, end, columns);
    if (q !== end) throw protocolError('a row shorter than its message');

    const old = hasOld ? this.#old : null;
    if (writer.key.length === 0) {
      if (!old) throw noIdentity(known.relation, 'an updated row came without its old values');
      writeWhole(writer, DELETE, old, known.relation);
      writer.begin(INSERT);
      writeFields(writer, this.#new, old);
      writer.end();
      return;
    }
    if (old && keyMoved(known.relation, writer.key, old, this.#new)) writeKey(writer, MOVED, old);
    writer.begin(UPDATE);
    writeFields(writer, this.#new, old);
    writer.end();
  }

  #delete(bytes: Buffer, at: number, end: number): void {
    if (this.#skipping) return;
    const known = this.#known(bytes.readUInt32BE(at));
    const writer = this.#writer(known);
    if (!writer) return;
    const mark = bytes[at + 4];
    if (mark !== 0x4b && mark !== 0x4f) throw protocolError('a delete without its old row');
    const q = this.#old.read(bytes, at + 5, end, known.relation.columns.length);
    if (q !== end) throw protocolError('a row shorter than its message');
    if (writer.key.length === 0) writeWhole(writer, DELETE, this.#old, known.relation);
    else {
      for (const column of writer.key) requireKey(known.relation, column, this.#old);
      writeKey(writer, DELETE, this.#old);
    }
  }

  #truncate(bytes: Buffer, at: number, end: number): void {
    if (this.#skipping) return;
    const count = bytes.readUInt32BE(at);
    if (at + 5 + count * 4 !== end) throw protocolError('a truncate of an unknown form');
    for (let i = 0; i < count; i++) {
      const known = this.#known(bytes.readUInt32BE(at + 5 + i * 4));
      this.#writer(known);
      this.#sink.truncate(known.relation.objectId);
    }
  }

  #mark(bytes: Buffer, at: number, end: number): void {
    if (this.#skipping) return;
    const zero = bytes.indexOf(0, at + 9);
    if (zero < 0 || zero + 5 > end) throw protocolError('a message of an unknown form');
    if (bytes.toString('latin1', at + 9, zero) !== this.#markPrefix) return;
    this.#sink.mark(bytes.toString('utf8', zero + 5, end));
  }
}

/** A value that the log left out because it did not change is in the old row, if that was logged whole. */
function writeFields(writer: RowWriter, row: Tuple, old: Tuple | null): void {
  for (let i = 0; i < row.count; i++) {
    const kind = row.kinds[i];
    if (kind === FIELD.text) writer.text(row.bytes, row.starts[i]!, row.ends[i]!);
    else if (kind === FIELD.null) writer.null();
    // Only text is taken over: a value that was left out is stored out of line, so it is not null. A null here
    // means that the old row holds its key only (a partition's own identity, whatever the root's says).
    else if (old && old.kinds[i] === FIELD.text) writer.text(old.bytes, old.starts[i]!, old.ends[i]!);
    else writer.unchanged(i);
  }
}

function writeWhole(writer: RowWriter, op: number, row: Tuple, relation: LogRelation): void {
  writer.begin(op);
  for (let i = 0; i < row.count; i++) {
    if (row.kinds[i] === FIELD.text) writer.text(row.bytes, row.starts[i]!, row.ends[i]!);
    else if (row.kinds[i] === FIELD.null) writer.null();
    else throw noIdentity(relation, 'an old row came without all of its values');
  }
  writer.end();
}

function writeKey(writer: RowWriter, op: number, row: Tuple): void {
  writer.begin(op);
  for (let i = 0; i < row.count; i++) {
    if (writer.key.includes(i)) writer.text(row.bytes, row.starts[i]!, row.ends[i]!);
    else writer.null();
  }
  writer.end();
}

function keyMoved(relation: LogRelation, key: readonly number[], old: Tuple, row: Tuple): boolean {
  let moved = false;
  for (const column of key) {
    requireKey(relation, column, old);
    if (row.kinds[column] === FIELD.unchanged) continue;
    if (row.kinds[column] !== FIELD.text) throw noIdentity(relation, 'a key became null');
    if (!old.sameText(row, column)) moved = true;
  }
  return moved;
}

/** A key's columns are never null, so a null means that the log has another key than the one that is relied on. */
function requireKey(relation: LogRelation, column: number, old: Tuple): void {
  if (old.kinds[column] !== FIELD.text) throw noIdentity(relation, 'an old row came without its key');
}

function checkKey(relation: LogRelation, key: readonly number[]): void {
  if (relation.identity === 'full') return;
  for (const column of key) {
    const found = relation.columns[column];
    if (!found?.inKey)
      throw noIdentity(
        relation,
        `its replica identity no longer holds the key column ${found?.name ?? column}`,
      );
  }
}

function noIdentity(relation: LogRelation, what: string): SluiceError {
  return new SluiceError('TABLE_NO_IDENTITY', `${tableText(relation.name)}: ${what}`);
}

function protocolError(what: string): SluiceError {
  return new SluiceError('SOURCE_PROTOCOL', `the server sent ${what}`);
}

/**
 * Structs in Thrift's compact protocol, as far as Parquet's headers and footer need it (apache/thrift,
 * thrift-compact-protocol.md).
 */
const TYPE = { true: 1, false: 2, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

export class ThriftWriter {
  #bytes: Buffer = Buffer.allocUnsafe(256);
  #at = 0;
  /** Of the struct that is being written; ids are written as the distance from the one before. */
  #lastId = 0;
  readonly #outer: number[] = [];

  bool(id: number, value: boolean): this {
    return this.#header(id, value ? TYPE.true : TYPE.false);
  }

  i32(id: number, value: number): this {
    return this.#header(id, TYPE.i32).#zigzag(value);
  }

  /** A count or an offset: exact up to 2^53. */
  i64(id: number, value: number): this {
    return this.#header(id, TYPE.i64).#zigzag(value);
  }

  text(id: number, value: string): this {
    return this.#header(id, TYPE.binary).#string(value);
  }

  bytes(id: number, value: Uint8Array): this {
    return this.#header(id, TYPE.binary).#binary(value);
  }

  struct(id: number, write: (inner: this) => void): this {
    return this.#header(id, TYPE.struct).#body(write);
  }

  structs(id: number, items: readonly ((inner: this) => void)[]): this {
    this.#list(id, TYPE.struct, items.length);
    for (const item of items) this.#body(item);
    return this;
  }

  i32s(id: number, values: readonly number[]): this {
    this.#list(id, TYPE.i32, values.length);
    for (const value of values) this.#zigzag(value);
    return this;
  }

  texts(id: number, values: readonly string[]): this {
    this.#list(id, TYPE.binary, values.length);
    for (const value of values) this.#string(value);
    return this;
  }

  /** Ends the outermost struct. */
  finish(): Buffer {
    this.#byte(0);
    return this.#bytes.subarray(0, this.#at);
  }

  #body(write: (inner: this) => void): this {
    this.#outer.push(this.#lastId);
    this.#lastId = 0;
    write(this);
    this.#byte(0);
    this.#lastId = this.#outer.pop() ?? 0;
    return this;
  }

  #header(id: number, type: number): this {
    const distance = id - this.#lastId;
    if (distance < 1 || distance > 15) throw new Error(`field ${id} does not follow ${this.#lastId}`);
    this.#lastId = id;
    return this.#byte((distance << 4) | type);
  }

  #list(id: number, type: number, size: number): void {
    this.#header(id, TYPE.list);
    if (size < 15) this.#byte((size << 4) | type);
    else this.#byte(0xf0 | type).#varint(size);
  }

  #string(value: string): this {
    return this.#binary(Buffer.from(value));
  }

  #binary(bytes: Uint8Array): this {
    this.#varint(bytes.length).#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  #zigzag(value: number): this {
    return this.#varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  #varint(value: number): this {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#byte((rest % 0x80) | 0x80);
    return this.#byte(rest);
  }

  #byte(value: number): this {
    this.#room(1);
    this.#bytes[this.#at++] = value;
    return this;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(2 * (this.#at + bytes));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}

import { SluiceError } from '@sluice/contract';

const NAMES = [
  '',
  'POINT',
  'LINESTRING',
  'POLYGON',
  'MULTIPOINT',
  'MULTILINESTRING',
  'MULTIPOLYGON',
  'GEOMETRYCOLLECTION',
] as const;

/**
 * The text of a geometry from its stored bytes: the number of its spatial reference system in four bytes, little-endian,
 * and well-known binary (OGC Simple Features, 8.2). `SRID=n;` stands before it where n is not 0. Coordinates are in the
 * stored order, whatever the reference system's order of axes is.
 * @throws SluiceError SOURCE_PROTOCOL
 */
export function geometryText(bytes: Buffer, start: number, end: number): string {
  if (end - start < 9) throw malformed();
  const srid = bytes.readUInt32LE(start);
  const reader = new Reader(bytes, start + 4, end);
  const text = reader.geometry(0);
  if (reader.at !== end) throw malformed();
  return srid === 0 ? text : `SRID=${srid};${text}`;
}

/** Collections lie in each other; a malicious one must not take the stack. */
const MAX_DEPTH = 100;

class Reader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #little = true;
  at: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  geometry(depth: number): string {
    const kind = this.#head();
    const body = this.#body(kind, depth);
    return `${NAMES[kind]!}${body === '' ? ' EMPTY' : `(${body})`}`;
  }

  /** Byte order and kind. */
  #head(): number {
    this.#need(5);
    this.#little = this.#bytes[this.at] === 1;
    this.at++;
    const kind = this.#count();
    if (kind < 1 || kind > 7) throw malformed();
    return kind;
  }

  #body(kind: number, depth: number): string {
    if (depth > MAX_DEPTH) throw malformed();
    switch (kind) {
      case 1:
        return this.#point();
      case 2:
        return this.#list(() => this.#point());
      case 3:
        return this.#list(() => `(${this.#list(() => this.#point())})`);
      case 7:
        return this.#list(() => this.geometry(depth + 1));
      default:
        return this.#list(() => `(${this.#part(kind - 3, depth)})`);
    }
  }

  /** A part of a multipoint and its like, which repeats the head. */
  #part(kind: number, depth: number): string {
    if (this.#head() !== kind) throw malformed();
    return this.#body(kind, depth + 1);
  }

  #list(one: () => string): string {
    const parts: string[] = [];
    for (let count = this.#count(); count > 0; count--) parts.push(one());
    return parts.join(',');
  }

  #point(): string {
    const x = this.#double();
    return `${x} ${this.#double()}`;
  }

  #double(): string {
    this.#need(8);
    const value = this.#little ? this.#bytes.readDoubleLE(this.at) : this.#bytes.readDoubleBE(this.at);
    this.at += 8;
    return Object.is(value, -0) ? '-0' : String(value);
  }

  #count(): number {
    this.#need(4);
    const value = this.#little ? this.#bytes.readUInt32LE(this.at) : this.#bytes.readUInt32BE(this.at);
    this.at += 4;
    return value;
  }

  #need(bytes: number): void {
    if (this.at + bytes > this.#end) throw malformed();
  }
}

function malformed(): SluiceError {
  return new SluiceError('SOURCE_PROTOCOL', 'the server sent a geometry of an unknown form');
}

/** For tests: the server's messages as bytes. */

export function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

export function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

const letter = (text: string): Buffer => Buffer.from(text, 'latin1');

export function xlogData(lsn: bigint, body: Buffer): Buffer {
  return message('d', Buffer.concat([letter('w'), int64(lsn), int64(lsn), int64(0n), body]));
}

/** undefined: the value was left out. */
export function tuple(values: readonly (string | null | undefined)[]): Buffer {
  const fields = values.map((value) => {
    if (value === undefined) return letter('u');
    if (value === null) return letter('n');
    const text = Buffer.from(value);
    return Buffer.concat([letter('t'), int32(text.length), text]);
  });
  return Buffer.concat([int16(values.length), ...fields]);
}

export const log = {
  begin: (commitLsn: bigint, xid: number) =>
    Buffer.concat([letter('B'), int64(commitLsn), int64(1_000_000n), int32(xid)]),
  commit: (commitLsn: bigint, end: bigint) =>
    Buffer.concat([letter('C'), Buffer.alloc(1), int64(commitLsn), int64(end), int64(1_000_000n)]),
  relation: (
    oid: number,
    table: string,
    identity: string,
    columns: readonly (readonly [name: string, inKey: boolean])[],
  ) =>
    Buffer.concat([
      letter('R'),
      int32(oid),
      cstring('public'),
      cstring(table),
      letter(identity),
      int16(columns.length),
      ...columns.map(([name, inKey]) =>
        Buffer.concat([Buffer.from([inKey ? 1 : 0]), cstring(name), int32(25), int32(-1)]),
      ),
    ]),
  insert: (oid: number, row: readonly (string | null)[]) =>
    Buffer.concat([letter('I'), int32(oid), letter('N'), tuple(row)]),
  update: (
    oid: number,
    row: readonly (string | null | undefined)[],
    old?: readonly [mark: 'K' | 'O', row: readonly (string | null)[]],
  ) =>
    Buffer.concat([
      letter('U'),
      int32(oid),
      ...(old ? [letter(old[0]), tuple(old[1])] : []),
      letter('N'),
      tuple(row),
    ]),
  delete: (oid: number, mark: 'K' | 'O', row: readonly (string | null)[]) =>
    Buffer.concat([letter('D'), int32(oid), letter(mark), tuple(row)]),
  truncate: (...oids: readonly number[]) =>
    Buffer.concat([letter('T'), int32(oids.length), Buffer.alloc(1), ...oids.map(int32)]),
  mark: (prefix: string, text: string) => {
    const content = Buffer.from(text);
    return Buffer.concat([
      letter('M'),
      Buffer.alloc(1),
      int64(1n),
      cstring(prefix),
      int32(content.length),
      content,
    ]);
  },
  origin: () => Buffer.concat([letter('O'), int64(1n), cstring('elsewhere')]),
  type: () => Buffer.concat([letter('Y'), int32(16384), cstring('public'), cstring('mood')]),
};

import { describe, expect, it } from 'vitest';
import { freshSeed } from '../../../../../tests/support/seed.ts';
import { linesBuffer, type RowForms, TextRows } from './text-rows.ts';

const FULL = 0xffffff;

function length(n: number): Buffer {
  if (n < 0xfb) return Buffer.from([n]);
  const size = n < 0x10000 ? 2 : n < 0x1000000 ? 3 : 8;
  const bytes = Buffer.alloc(1 + size);
  bytes[0] = size === 2 ? 0xfc : size === 3 ? 0xfd : 0xfe;
  if (size === 8) bytes.writeBigUInt64LE(BigInt(n), 1);
  else bytes.writeUIntLE(n, 1, size);
  return bytes;
}

class Answer {
  #sequence = 1;
  readonly packets: Buffer[] = [];

  add(payload: Buffer): this {
    for (let at = 0; ; at += FULL) {
      const part = payload.subarray(at, at + FULL);
      const header = Buffer.alloc(4);
      header.writeUIntLE(part.length, 0, 3);
      header[3] = this.#sequence++ & 0xff;
      this.packets.push(header, part);
      if (part.length < FULL) return this;
    }
  }

  row(fields: readonly (Buffer | null)[]): this {
    return this.add(
      Buffer.concat(
        fields.flatMap((field) => (field === null ? [Buffer.from([0xfb])] : [length(field.length), field])),
      ),
    );
  }
}

const EOF = Buffer.from([0xfe, 0, 0, 2, 0]);
/** OK packet with the header of an EOF: no rows, no id, status, warnings. */
const OK = Buffer.from([0xfe, 0, 0, 2, 0, 0, 0]);

function begin(columns: number, deprecateEof: boolean): Answer {
  const answer = new Answer().add(length(columns));
  for (let i = 0; i < columns; i++) answer.add(Buffer.from('a definition'));
  return deprecateEof ? answer : answer.add(EOF);
}

function linesOf(rows: TextRows, bytes: Buffer, cut: () => number): string {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const chunk = Buffer.from(bytes.subarray(at, at + cut()));
    for (let read = 0; read < chunk.length; ) {
      read = rows.consume(chunk, read);
      if (read < chunk.length) parts.push(Buffer.from(rows.take(linesBuffer())));
    }
    at += chunk.length;
  }
  expect(rows.done).toBe(true);
  parts.push(Buffer.from(rows.take(linesBuffer())));
  return Buffer.concat(parts).toString('latin1');
}

const forms = (...fields: RowForms['fields']): RowForms => ({
  fields,
  geometry: (bytes, start, end) => bytes.toString('latin1', start, end),
});

describe('rows of the text protocol as lines', () => {
  it.each([false, true])('each form of a field, without EOF packets: %s', (deprecateEof) => {
    const answer = begin(6, deprecateEof);
    const row = (...fields: (string | null)[]) =>
      answer.row(fields.map((one) => (one === null ? null : Buffer.from(one, 'latin1'))));
    row('a "quoted"\n, text', '-12.5', '2024-02-29', '\0\xff', '\x01', 'POINT(1 2)');
    row('', '', '2024-02-29 12:00:00.5', '', '\0', 'x');
    row(null, null, null, null, null, null);
    answer.add(deprecateEof ? OK : EOF);
    const rows = new TextRows(forms('text', 'digits', 'date', 'hex', 'bit1', 'geometry'));
    expect(linesOf(rows, Buffer.concat(answer.packets), () => 7)).toBe(
      '"a ""quoted""\n, text",-12.5,2024-02-29,\\x00ff,1,"POINT(1 2)"\n"","",2024-02-29 12:00:00.5,\\x,0,"x"\n,,,,,\n',
    );
    expect([rows.rows, rows.longestLine, rows.lossy]).toEqual([3, 61, false]);
  });

  it.each([
    ['2024-00-01', true],
    ['2024-01-00 00:00:00', true],
    ['0000-00-00', true],
    ['2023-02-29', true],
    ['2024-04-31', true],
    ['1900-02-29', true],
    ['2000-02-29', false],
    ['2024-12-31', false],
    ['0000-01-01', false],
  ])('tells that %s may be lost: %s', (date, lossy) => {
    const answer = begin(1, false)
      .row([Buffer.from(date)])
      .add(EOF);
    const rows = new TextRows(forms('date'));
    linesOf(rows, Buffer.concat(answer.packets), () => 1000);
    expect(rows.lossy).toBe(lossy);
  });

  it('an empty result, and a table without columns that differ from NULL', () => {
    for (const [end, eof] of [
      [EOF, false],
      [OK, true],
    ] as const) {
      const rows = new TextRows(forms('text'));
      expect(linesOf(rows, Buffer.concat(begin(1, eof).add(end).packets), () => 3)).toBe('');
    }
  });

  it('rows of every size, however the bytes are cut, are the same lines', () => {
    const seed = freshSeed();
    let state = seed;
    const random = (n: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return Math.floor((state / 0x80000000) * n);
    };
    const fields: RowForms['fields'] = ['text', 'hex', 'text', 'digits', 'geometry', 'bit1'];
    const sizes = [0, 1, 47, 48, 250, 251, 252, 3000, 65_535, 65_536, 200_000, 600_000];
    const answer = begin(fields.length, random(2) === 0);
    let expected = '';
    let longest = 0;
    for (let row = 0; row < 60; row++) {
      const values = fields.map((form): Buffer | null => {
        if (random(6) === 0) return null;
        if (form === 'bit1') return Buffer.from([random(2)]);
        if (form === 'digits') return Buffer.from(String(random(1e9)));
        const size = sizes[random(row % 10 === 0 ? sizes.length : 8)]!;
        return Buffer.from(Array.from({ length: size }, () => (random(30) === 0 ? 0x22 : 0x20 + random(90))));
      });
      answer.row(values);
      const line = `${values
        .map((value, i) => {
          if (value === null) return '';
          const text = value.toString('latin1');
          switch (fields[i]) {
            case 'text':
              return `"${text.replaceAll('"', '""')}"`;
            case 'hex':
              return `\\x${value.toString('hex')}`;
            case 'geometry':
              return `"${text}"`;
            case 'bit1':
              return String(value[0]);
            default:
              return text;
          }
        })
        .join(',')}\n`;
      longest = Math.max(longest, line.length);
      expected += line;
    }
    answer.add(EOF);
    const bytes = Buffer.concat(answer.packets);
    for (const cut of [() => 65_536, () => 1 + random(100_000), () => 1 + random(50), () => bytes.length]) {
      const rows = new TextRows(forms(...fields));
      expect(linesOf(rows, bytes, cut) === expected, `seed ${seed}`).toBe(true);
      expect([rows.rows, rows.longestLine], `seed ${seed}`).toEqual([60, longest]);
    }
  });

  it('a row of more than two packets of 16 MB, and one that ends with a full packet', () => {
    const long = Buffer.alloc(2 * FULL + 1000, 'x');
    const full = Buffer.alloc(FULL - 4, 'y');
    const answer = begin(1, false)
      .row([long])
      .row([full])
      .row([Buffer.from('z')])
      .add(EOF);
    const rows = new TextRows(forms('text'));
    const lines = linesOf(rows, Buffer.concat(answer.packets), () => 65_536);
    expect(lines === `"${long.toString()}"\n"${full.toString()}"\n"z"\n`).toBe(true);
    expect(rows.longestLine).toBe(long.length + 3);
  });

  it('an error of the server among the rows is one', () => {
    const answer = begin(1, false)
      .row([Buffer.from('a')])
      .add(
        Buffer.concat([
          Buffer.from([0xff, 0x25, 0x05]),
          Buffer.from('#70100Query execution was interrupted'),
        ]),
      );
    const rows = new TextRows(forms('text'));
    expect(() => linesOf(rows, Buffer.concat(answer.packets), () => 1000)).toThrow(
      expect.objectContaining({ errno: 1317, message: 'Query execution was interrupted' }),
    );
  });

  it.each([
    ['a lost packet', (packets: Buffer[]) => packets.splice(6, 2)],
    ['another count of columns', (packets: Buffer[]) => packets.splice(0, 2, Buffer.from([1, 0, 0, 1, 3]))],
    ['a row that is cut off', (packets: Buffer[]) => (packets[9] = Buffer.from([5, 0x61, 0x62]))],
  ])('refuses %s', (_, spoil) => {
    const answer = begin(2, false);
    answer.row([Buffer.from('a'), Buffer.from('b')]).add(EOF);
    spoil(answer.packets);
    const rows = new TextRows(forms('text', 'text'));
    expect(() => linesOf(rows, Buffer.concat(answer.packets), () => 1000)).toThrow(
      expect.objectContaining({ code: 'SOURCE_PROTOCOL' }),
    );
  });
});

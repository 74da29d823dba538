import { describe, expect, it } from 'vitest';
import { parseQuery } from './query-event.ts';

function event(variables: string, schema: string, sql: Buffer | string, loadHeader = 0): Buffer {
  const status = Buffer.from(variables.replaceAll(' ', ''), 'hex');
  const head = Buffer.alloc(13);
  head[8] = Buffer.byteLength(schema);
  head.writeUInt16LE(status.length, 11);
  return Buffer.concat([
    head,
    Buffer.alloc(loadHeader),
    status,
    Buffer.from(`${schema}\0`),
    Buffer.from(sql),
  ]);
}

const parse = (bytes: Buffer, load = false) => parseQuery(bytes, 0, bytes.length, load);
const FLAGS = '00 00000000';
const LATIN1 = '04 0800 0800 0800';
const ANSI = '01 0400000000000000';
const NO_ESCAPES = '01 0000100000000000';

describe('a statement in the log', () => {
  it('comes with its database and the modes that say how it is read', () => {
    expect(parse(event(FLAGS, 'shop', 'DROP TABLE t'))).toEqual({
      sql: 'DROP TABLE t',
      schema: 'shop',
      ansiQuotes: false,
      noBackslashEscapes: false,
    });
    expect(parse(event(`${FLAGS} ${ANSI}`, '', 'x'))).toMatchObject({ schema: '', ansiQuotes: true });
    expect(parse(event(`${FLAGS} ${NO_ESCAPES} 06 03 737464 ${LATIN1}`, 's', 'x'))).toMatchObject({
      noBackslashEscapes: true,
    });
  });

  it("is read in the client's character set where it is not UTF-8", () => {
    const latin1 = event(`${FLAGS} ${LATIN1}`, 's', Buffer.from('DROP TABLE caf\xe9', 'latin1'));
    expect(parse(latin1).sql).toBe('DROP TABLE café');
    expect(parse(event(`${FLAGS} ${LATIN1}`, 's', 'DROP TABLE café')).sql).toBe('DROP TABLE café');
    const gbk = event(`${FLAGS} 04 1c00 1c00 1c00`, 's', Buffer.from('c4e3', 'hex'));
    expect(parse(gbk).sql).toBe('你');
  });

  it('of LOAD DATA has more before it', () => {
    expect(parse(event(FLAGS, 's', 'LOAD DATA …', 13), true)).toMatchObject({
      schema: 's',
      sql: 'LOAD DATA …',
    });
  });

  it('that is cut off is refused', () => {
    const whole = event(`${FLAGS} ${ANSI}`, 'shop', 'x');
    for (let end = 0; end < whole.length - 2; end++) expect(() => parseQuery(whole, 0, end)).toThrow();
  });
});

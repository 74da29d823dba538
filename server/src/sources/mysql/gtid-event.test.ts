import { describe, expect, it } from 'vitest';
import { parseGtid, parseMariadbGtid, parseTaggedGtid } from './gtid-event.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('the event that begins a transaction', () => {
  it('is read from MySQL 9.7, with the time of the commit', () => {
    const event = bytes(
      '01 3d1a6484e71e11f1b0d702fc00000001 3400000000000000 02 0300000000000000 0400000000000000 3d207e31ee6006 d0 50620100',
    );
    expect(parseGtid(event, 0, event.length, false)).toEqual({
      id: { kind: 'mysql', source: '3d1a6484-e71e-11f1-b0d7-02fc00000001', number: 52n },
      committedAt: 0x0660ee317e203dn,
      group: 'announced',
    });
  });

  it('is read from MySQL 5.6 and 5.7, which tell no time', () => {
    const old = bytes('01 3d1a6484e71e11f1b0d702fc00000001 0700000000000000');
    expect(parseGtid(old, 0, old.length, false)).toMatchObject({ id: { number: 7n }, committedAt: null });
    const newer = bytes(
      '01 3d1a6484e71e11f1b0d702fc00000001 0700000000000000 02 0300000000000000 0400000000000000',
    );
    expect(parseGtid(newer, 0, newer.length, false)).toMatchObject({ committedAt: null });
  });

  it('has no id where the server has none', () => {
    const event = bytes('00 00000000000000000000000000000000 0000000000000000');
    expect(parseGtid(event, 0, event.length, true).id).toBeNull();
  });

  it('is read with a tag', () => {
    const event = bytes(
      '027a000002027a34c811029d033c22c503c1025d0304f103000000020404061268656c6c6f5f74616708100a140c7f31337e31ee6006105d031283120b',
    );
    expect(parseTaggedGtid(event, 0, event.length)).toEqual({
      id: { kind: 'mysql', source: '3d1a6484-e71e-11f1-b0d7-02fc00000001:hello_tag', number: 1n },
      committedAt: 0x0660ee317e3331n,
      group: 'announced',
    });
    for (let end = 0; end < 40; end++) expect(() => parseTaggedGtid(event, 0, end)).toThrow('unknown form');
  });

  it('is read from MariaDB', () => {
    const event = (flags: string): Buffer => bytes(`0500000000000000 02000000 ${flags} 000000000000`);
    const groupOf = (flags: string): string => parseMariadbGtid(event(flags), 0, 19, 98).group;
    expect(parseMariadbGtid(event('0c'), 0, 19, 98).id).toEqual({
      kind: 'mariadb',
      domain: 2,
      server: 98,
      sequence: 5n,
    });
    expect([groupOf('0c'), groupOf('29'), groupOf('4c'), groupOf('81')]).toEqual([
      'open',
      'alone',
      'prepared',
      'alone',
    ]);
    // An ALTER that has begun, one that was done, one that failed; behind the number of a group commit too.
    const altered = (text: string): string => parseMariadbGtid(bytes(text), 0, bytes(text).length, 98).group;
    expect(altered('0500000000000000 02000000 29 02')).toBe('void');
    expect(altered('0500000000000000 02000000 29 04 0100000000000000')).toBe('alone');
    expect(altered('0500000000000000 02000000 29 08 0100000000000000')).toBe('void');
    expect(altered('0500000000000000 02000000 2b 0700000000000000 02')).toBe('void');
  });
});

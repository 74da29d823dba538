import { describe, expect, it } from 'vitest';
import { joinPosition, KeptGroup, PreparedTransactions, splitPosition } from './xa.ts';

const place = { file: 'b.000001', offset: 4711 };

describe('prepared XA transactions', () => {
  it('are written into the position and read from it again', () => {
    const prepared = new PreparedTransactions();
    prepared.add("X'6131',X'6231',7", place, []);
    prepared.add("X'00ff27',X'',-1", { file: 'b.000002', offset: 4 }, null);
    const text = '6131.6231.7@b.000001:4711,00ff27..-1@b.000002:4';
    expect(String(prepared)).toBe(text);
    const position = joinPosition('b.000002:99|me|', String(prepared));
    expect(splitPosition(position)).toEqual({ base: 'b.000002:99|me|', prepared: text });
    const again = PreparedTransactions.parse(text)!;
    expect(String(again)).toBe(text);
    expect(again.take("X'6131',X'6231',7")).toMatchObject({ place, events: null });
    expect(again.take("X'6131',X'6231',7")).toBeNull();
    expect(String(again)).toBe('00ff27..-1@b.000002:4');
    expect(PreparedTransactions.parse('nonsense')).toBeNull();
    expect(String(PreparedTransactions.parse(''))).toBe('');
  });

  it('are kept in memory up to a size', () => {
    const group = new KeptGroup(place);
    const event = { type: 30, timestamp: 1, bytes: Buffer.alloc(6 << 20), start: 0, end: 6 << 20 };
    group.add(event);
    group.add(event);
    expect(group.events).toHaveLength(2);
    const prepared = new PreparedTransactions();
    for (const xid of ["X'01',X'',1", "X'02',X'',1", "X'03',X'',1"]) prepared.add(xid, place, group.events);
    expect(prepared.take("X'01',X'',1")!.events).toHaveLength(2);
    expect(prepared.take("X'03',X'',1")!.events).toBeNull();
    group.add(event);
    expect(group.events).toBeNull();
  });
});

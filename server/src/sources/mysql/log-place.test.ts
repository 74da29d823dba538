import { describe, expect, it } from 'vitest';
import { LogPlace } from './log-place.ts';
import { requirePosition } from './position.ts';

const A = '3d1a6484-e71e-11f1-b0d7-02fc00000001';
const B = '4d1a6484-e71e-11f1-b0d7-02fc00000001';

function place(position: string, server = 'me'): LogPlace {
  return new LogPlace(requirePosition(position), server);
}

describe("the reader's place", () => {
  it('goes forward only', () => {
    const at = place('binlog.000009:500|me|');
    expect(at.moveTo('binlog.000009', 400)).toBe(false);
    expect(at.moveTo('binlog.000009', 600)).toBe(true);
    expect(at.moveTo('binlog.000010', 4)).toBe(true);
    expect(String(at)).toBe('binlog.000010:4|me|');
  });

  it("has no file where the position's is of another server", () => {
    const at = place(`binlog.000009:500|other|${A}:1-5`);
    expect(at.known).toBe(false);
    expect(at.moveTo('log.000001', 4)).toBe(true);
    expect(String(at)).toBe(`log.000001:4|me|${A}:1-5`);
  });

  it('writes the set of a growing log as the set itself does', () => {
    const at = place(`b.000001:4|me|${A}:1-5:9:some_tag:1-3,${B}:1`);
    const expected = requirePosition(String(at)).gtids!;
    if (expected.kind !== 'mysql') throw new Error('no set of MySQL');
    const steps: [string, bigint][] = [
      [A, 10n],
      [A, 11n],
      [A, 12n],
      [A, 6n],
      [A, 7n],
      [A, 8n],
      [A, 13n],
      [A, 14n],
      [B, 2n],
      [B, 3n],
      [B, 99n],
      [B, 100n],
      [B, 101n],
      [`${A}:some_tag`, 4n],
      [A, 15n],
      [`${B}:other`, 1n],
      [B, 102n],
      [B, 103n],
    ];
    for (const [source, number] of steps) {
      at.add({ kind: 'mysql', source, number });
      expected.add(source, number);
      expect(String(at)).toBe(`b.000001:4|me|${expected}`);
    }
  });

  it("keeps the last id of each of MariaDB's domains", () => {
    const at = place('b.000001:4|me|0-1-5');
    at.add({ kind: 'mariadb', domain: 0, server: 2, sequence: 6n });
    at.add({ kind: 'mariadb', domain: 7, server: 2, sequence: 1n });
    expect(String(at)).toBe('b.000001:4|me|0-2-6,7-2-1');
  });
});

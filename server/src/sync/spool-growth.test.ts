import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LaneSpool, type LineClock } from './spool.ts';

it('takes a value of quotes alone, as large as goes in one piece, wherever the buffer stands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-spool-'));
  try {
    const value = Buffer.alloc(64 << 10, '"');
    // Around the sizes that the buffer grows by.
    for (const before of [131_060, 131_062, 131_063, 131_064, 131_065, 131_066]) {
      const clock: LineClock = {
        nextOrd: 1,
        ts: Buffer.from('0'),
        xid: Buffer.from('0'),
        transaction: 1,
        touched: [],
      };
      const column = { name: 'c', typeId: 25, typeModifier: -1, inKey: false };
      const relation = {
        objectId: '1',
        name: { schema: 's', table: 't' },
        identity: 'full' as const,
        columns: Array.from({ length: before + 1 }, () => column),
        table: null,
      };
      const name = `lane-${before}`;
      const spool = new LaneSpool({ relation, key: [], clock, folder, name });
      spool.begin('I'.charCodeAt(0));
      for (let i = 0; i < before; i++) spool.null();
      spool.text(value, 0, value.length);
      spool.end();
      spool.commit();
      const part = spool.seal()!;
      const wanted = `1,I,0,0${','.repeat(before)},"${'"'.repeat(2 * value.length)}",\n`;
      expect(readFileSync(part.file, 'utf8') === wanted, `after ${before}`).toBe(true);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

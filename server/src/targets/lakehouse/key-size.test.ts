import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogicalType } from '../../model/logical-type.ts';
import { type KeyPart, keyLimitTrouble, withinKeyLimit } from './key-size.ts';
import { withSql } from './sql.ts';
import { Bench } from './testing/change-batches.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

const TABLE = { schema: 's', table: 't' };

function key(...types: readonly LogicalType[]): readonly KeyPart[] {
  return types.map((type, index) => ({ name: `k${index}`, type, sql: `c${index}` }));
}

/** What reading the first column of these values says: the value, or what is said of a key that is too long. */
async function read(parts: readonly KeyPart[], values: readonly string[], limit: number): Promise<unknown> {
  const row = values.map((value, index) => `${value} AS c${index}`).join(', ');
  const select = `SELECT ${withinKeyLimit('c0', parts, limit)} FROM (SELECT ${row})`;
  try {
    const [found] = await withSql(bench.engine, AbortSignal.timeout(60_000), (sql) => sql.rows(select));
    return found?.[0];
  } catch (error) {
    const trouble = keyLimitTrouble(error, TABLE, parts, limit);
    if (trouble === null) throw error;
    return `${trouble.code}: ${trouble.message}`;
  }
}

describe('the size of a key', () => {
  it('is in bytes, of all of its columns together', async () => {
    const parts = key({ kind: 'string' }, { kind: 'long' });
    expect(await read(parts, [`repeat('é', 4)`, '1'], 16)).toBe('éééé');
    expect(await read(parts, [`repeat('é', 4)`, '1'], 15)).toBe(
      'TABLE_KEY_LENGTH: Encoded key size 16 exceeds max size 15: a row of s.t, whose key ("k0", "k1") begins with "éééé, 1".',
    );
  });

  it.each<[string, LogicalType, string, number]>([
    ['bytes', { kind: 'binary' }, `unhex('00ff10')`, 3],
    ['a list of texts', { kind: 'list', element: { kind: 'string' } }, `['ab', NULL, 'é']`, 4],
    ['a list of numbers', { kind: 'list', element: { kind: 'int' } }, '[1, 2]', 8],
    ['an empty list', { kind: 'list', element: { kind: 'string' } }, 'CAST([] AS VARCHAR[])', 0],
  ])('counts %s', async (_, type, value, size) => {
    const parts = key(type, { kind: 'uuid' });
    const values = [value, 'uuid()'];
    expect(await read(parts, values, size + 15)).toMatch(`Encoded key size ${size + 16} exceeds`);
    expect(typeof (await read(parts, values, size + 16))).not.toBe('string');
  });

  it('is not looked at where no key of the types can be too long', () => {
    const kinds = ['boolean', 'int', 'date', 'long', 'time', 'timestamp', 'timestamptz', 'uuid'] as const;
    const parts = key(...kinds.map((kind) => ({ kind })), { kind: 'decimal', precision: 38, scale: 0 });
    expect(withinKeyLimit('c0', parts, 73)).toBe('c0');
    expect(withinKeyLimit('c0', parts, 72)).not.toBe('c0');
  });

  it('is no explanation of other errors', () => {
    expect(keyLimitTrouble(new Error('Conversion Error: x'), TABLE, key({ kind: 'string' }), 9)).toBe(null);
  });
});

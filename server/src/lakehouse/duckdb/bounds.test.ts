import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from './bounds.ts';
import { Engine, type EngineConnection } from './engine.ts';
import { quoteText } from './sql-text.ts';

const hex = (bytes: Buffer | null): string | null => bytes?.toString('hex') ?? null;

describe('bound', () => {
  it.each([
    ['boolean', 'lower', '0', '00'],
    ['boolean', 'upper', '1', '01'],
    ['int', 'lower', '-7', 'f9ffffff'],
    ['long', 'lower', '-9223372036854775808', '0000000000000080'],
    ['float', 'lower', '1.5', '0000c03f'],
    ['float', 'lower', '-inf', '000080ff'],
    ['double', 'lower', '0.0', '0000000000000080'],
    ['double', 'upper', '-0.0', '0000000000000000'],
    ['double', 'upper', 'nan', null],
    ['double', 'upper', '', null],
    ['date', 'lower', '1970-01-02', '01000000'],
    ['date', 'lower', '-infinity', null],
    ['date', 'lower', '0044-03-15 (BC)', hexOfInt(-735_160)],
    ['time', 'lower', '00:00:01.5', '60e3160000000000'],
    ['timestamp', 'upper', '1970-01-01 00:00:00.000001', '0100000000000000'],
    ['timestamptz', 'upper', '1969-12-31 23:59:59.999999+00', 'ffffffffffffffff'],
    ['timestamptz', 'upper', '2024-01-01 00:00:00+02', null],
    ['timestamptz', 'upper', 'infinity', null],
    ['decimal(5, 2)', 'lower', '-0.01', 'ff'],
    ['decimal(5, 2)', 'lower', '1.28', '0080'],
    ['decimal(5, 2)', 'lower', '-1.28', '80'],
    ['decimal(38, 0)', 'lower', '12345678901234567890123456789012345678', '0949b0f6f0023313c4499050de38f34e'],
    ['decimal(5, 2)', 'lower', '1e3', null],
    ['decimal(5, 2)', 'lower', '1.234', null],
    ['string', 'lower', 'abc', hexOf('abc')],
    ['string', 'lower', 'a'.repeat(17), hexOf('a'.repeat(16))],
    ['string', 'upper', 'a'.repeat(16), hexOf('a'.repeat(16))],
    ['string', 'upper', 'a'.repeat(17), hexOf(`${'a'.repeat(15)}b`)],
    ['string', 'upper', `${'a'.repeat(15)}\u{10ffff}z`, hexOf(`${'a'.repeat(14)}b`)],
    ['string', 'upper', `${'a'.repeat(15)}\ud7ffz`, hexOf(`${'a'.repeat(15)}\ue000`)],
    ['string', 'upper', `${'😀'.repeat(16)}z`, hexOf(`${'😀'.repeat(15)}😁`)],
    ['string', 'upper', '\u{10ffff}'.repeat(17), null],
    ['binary', 'lower', 'AB'.repeat(17), 'ab'.repeat(16)],
    ['binary', 'upper', 'AB'.repeat(17), `${'ab'.repeat(15)}ac`],
    ['binary', 'upper', `AB${'FF'.repeat(16)}`, 'ac'],
    ['binary', 'upper', 'FF'.repeat(17), null],
    ['binary', 'upper', '', ''],
    ['uuid', 'lower', '00000000-0000-0000-0000-000000000000', null],
  ] as const)('%s %s of %s is %s', (type, side, text, expected) => {
    expect(hex(bound(type, side, text))).toBe(expected);
  });

  it('of a cut text is never on the wrong side of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const bytes = Buffer.from(text);
        const lower = bound('string', 'lower', text);
        const upper = bound('string', 'upper', text);
        expect(Buffer.compare(lower!, bytes)).toBeLessThanOrEqual(0);
        if (upper) expect(Buffer.compare(upper, bytes)).toBeGreaterThanOrEqual(0);
        else expect(text.startsWith('\u{10ffff}')).toBe(true);
      }),
    );
  });
});

describe('times as DuckDB prints them', () => {
  let folder: string;
  let engine: Engine;
  let connection: EngineConnection;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-bounds-'));
    engine = await Engine.open({ threads: 1, memoryBytes: 256 << 20, tempFolder: folder, maxTempBytes: 0 });
    connection = await engine.connect();
  });
  afterAll(async () => {
    engine.close();
    await rm(folder, { recursive: true });
  });

  it('are read back to the same microsecond and day over the whole range', async () => {
    const micros = fc.sample(
      fc.bigInt({ min: -9_223_372_022_400_000_000n, max: 9_223_372_036_854_775_805n }),
      500,
    );
    const days = fc.sample(fc.integer({ min: -2_147_483_640, max: 2_147_483_640 }), 500);
    const rows = await connection.rows(
      `SELECT m, make_timestamp(m)::VARCHAR AS t, CASE WHEN abs(m) < 8000000000000000000 THEN make_timestamptz(m)::VARCHAR END AS z FROM (SELECT unnest([${micros.join(',')}]::BIGINT[]) AS m)`,
    );
    for (const { m, t, z } of rows) {
      expect(bound('timestamp', 'lower', String(t))?.readBigInt64LE(), String(t)).toBe(m);
      if (z !== null) expect(bound('timestamptz', 'lower', String(z))?.readBigInt64LE(), String(z)).toBe(m);
    }
    const dates = await connection.rows(
      `SELECT d, d::VARCHAR AS t, n FROM (SELECT n, TRY_CAST(DATE '1970-01-01' + n AS DATE) AS d FROM (SELECT unnest([${days.filter((day) => Math.abs(day) < 2_000_000).join(',')}, 0, -719528, -719529, -719163, 19782]::INTEGER[]) AS n))`,
    );
    expect(dates.length).toBeGreaterThan(4);
    for (const { t, n } of dates)
      expect(bound('date', 'lower', String(t).replace(' 00:00:00', ''))?.readInt32LE(), String(t)).toBe(n);
  });

  it('floats keep every bit', async () => {
    const values = fc.sample(fc.double({ noNaN: true }), 500).filter((value) => value !== 0);
    const floats = fc.sample(fc.float({ noNaN: true }), 500).filter((value) => value !== 0);
    const text = (list: readonly number[], type: string): string =>
      `SELECT unnest([${list.map((value) => quoteText(String(value))).join(',')}]::VARCHAR[]::${type}[])::VARCHAR AS t`;
    const doubles = await connection.rows(text(values, 'DOUBLE'));
    expect(doubles.map((row) => bound('double', 'lower', String(row.t))?.readDoubleLE())).toEqual(values);
    const singles = await connection.rows(text(floats, 'FLOAT'));
    expect(singles.map((row) => bound('float', 'lower', String(row.t))?.readFloatLE())).toEqual(floats);
  });
});

function hexOf(text: string): string {
  return Buffer.from(text).toString('hex');
}
function hexOfInt(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes.toString('hex');
}

import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshSeed } from '../../../tests/support/seed.ts';
import { Engine } from '../lakehouse/duckdb/engine.ts';
import { CHANGE_FIELDS } from '../model/change.ts';
import { readLines } from '../targets/lakehouse/change-lines.ts';
import { LaneSpool, type LineClock, type SpoolPart } from './spool.ts';

let folder: string;
let engine: Engine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-spool-'));
  engine = await Engine.open({
    threads: 2,
    memoryBytes: 512 << 20,
    tempFolder: join(folder, 'temp'),
    maxTempBytes: 1 << 30,
  });
});

afterAll(async () => {
  engine.close();
  await rm(folder, { recursive: true });
});

type Field = string | null | 'unchanged-value';
interface Line {
  readonly op: string;
  readonly fields: readonly (Field | typeof UNCHANGED)[];
}
const UNCHANGED = Symbol('unchanged');
type Step = { readonly lane: 0 | 1; readonly line: Line } | 'commit' | 'seal';

const WIDTH = [3, 1] as const;

const value = fc.oneof(
  { weight: 10, arbitrary: fc.string({ unit: 'grapheme', maxLength: 80 }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '',
      '"',
      '""',
      ',',
      '\n',
      '\r\n',
      '\\',
      'NULL',
      'infinity',
      '-infinity',
      '"\n",',
    ),
  },
  // Around the sizes where the spool goes another way: 48 bytes, a quarter of its buffer, all of it.
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(47, 48, 49, 8000, 65_535, 65_536, 65_537, 262_144, 700_000),
        fc.constantFrom('x', '"', 'é', 'a"', '\n', 'infinity'),
      )
      .map(([size, unit]) => unit.repeat(Math.ceil(size / unit.length))),
  },
);
const field = fc.oneof(
  { weight: 6, arbitrary: value as fc.Arbitrary<Field | typeof UNCHANGED> },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constant(UNCHANGED) },
);
const line = (lane: 0 | 1): fc.Arbitrary<Step> =>
  fc
    .record({
      op: fc.constantFrom('I', 'U', 'D', 'K', 'T'),
      fields: fc.tuple(...Array.from({ length: WIDTH[lane] }, () => field)),
    })
    .map(({ op, fields }) => ({ lane, line: { op, fields: op === 'T' ? fields.map(() => null) : fields } }));
const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: line(0) },
    { weight: 4, arbitrary: line(1) },
    { weight: 3, arbitrary: fc.constant<Step>('commit') },
    { weight: 2, arbitrary: fc.constant<Step>('seal') },
  ),
  { maxLength: 60 },
);

/** What DuckDB reads of a part: every field as text. */
async function read(part: SpoolPart): Promise<(string | null)[][]> {
  const connection = await engine.connect();
  try {
    const fields = CHANGE_FIELDS.length + part.relation.columns.length + 1;
    const rows = await connection.rows(`SELECT * FROM ${readLines([part.file], fields, part.longestLine)}`);
    return rows.map((row) => Object.values(row) as (string | null)[]);
  } finally {
    connection.close();
  }
}

let runs = 0;

async function check(todo: readonly Step[]): Promise<void> {
  const clock: LineClock = {
    nextOrd: 1,
    ts: Buffer.from('0'),
    xid: Buffer.from('0'),
    transaction: 0,
    touched: [],
  };
  const begin = (): void => {
    clock.transaction++;
    clock.ts = Buffer.from(String(1_700_000_000_000_000 + clock.transaction));
    clock.xid = Buffer.from(String(4_294_967_290 + clock.transaction));
  };
  const run = ++runs;
  const spools = WIDTH.map(
    (width, lane) =>
      new LaneSpool({
        relation: {
          objectId: '1',
          name: { schema: 's', table: 't' },
          identity: 'full',
          columns: Array.from({ length: width }, (_, at) => ({
            name: `c${at}`,
            typeId: 25,
            typeModifier: -1,
            inKey: true,
          })),
          table: null,
        },
        key: [],
        clock,
        folder,
        name: `run${run}-${lane}`,
      }),
  );
  const open: (string | null)[][][] = [[], []];
  const whole: (string | null)[][][] = [[], []];
  const sealed: (string | null)[][][] = [[], []];
  const seal = async (): Promise<void> => {
    for (const [lane, spool] of spools.entries()) {
      const expected = whole[lane]!.splice(0);
      const part = spool.seal();
      if (expected.length === 0) {
        expect(part).toBeNull();
        continue;
      }
      expect(await read(part!)).toEqual(expected);
      expect(part!.rows).toBe(expected.length);
      expect([part!.firstOrd, part!.lastOrd].map(String)).toEqual([expected[0]![0], expected.at(-1)![0]]);
      expect(part!.bytes).toBe((await stat(part!.file)).size);
      const masks = expected.some((one) => one.at(-1) !== null);
      const infinite = expected.some((one) =>
        one.slice(CHANGE_FIELDS.length, -1).some((text) => text?.includes('infinity')),
      );
      // They may say so without need, for lines of the open transaction; never the other way round.
      if (masks) expect(part!.masked).toBe(true);
      if (infinite) expect(part!.lossy).toBe(true);
      sealed[lane]!.push(...expected);
      await rm(part!.file);
    }
  };
  begin();
  for (const step of todo) {
    if (step === 'seal') await seal();
    else if (step === 'commit') {
      for (const spool of clock.touched.splice(0)) spool.commit();
      for (const lane of [0, 1]) whole[lane]!.push(...open[lane]!.splice(0));
      begin();
    } else {
      const spool = spools[step.lane]!;
      const { op, fields } = step.line;
      const mask = fields.includes(UNCHANGED)
        ? fields.map((one) => (one === UNCHANGED ? '1' : '0')).join('')
        : null;
      open[step.lane]!.push([
        String(clock.nextOrd),
        op,
        clock.ts.toString(),
        clock.xid.toString(),
        ...fields.map((one) => (one === UNCHANGED ? null : (one as string | null))),
        mask,
      ]);
      if (op === 'T') spool.truncate();
      else {
        spool.begin(op.charCodeAt(0));
        for (const [column, one] of fields.entries()) {
          if (one === null) spool.null();
          else if (one === UNCHANGED) spool.unchanged(column);
          else {
            const bytes = Buffer.from(`<<${one as string}>>`);
            spool.text(bytes, 2, bytes.length - 2);
          }
        }
        spool.end();
      }
    }
  }
  await seal();
  for (const spool of spools) spool.discard();
}

const seed = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());

it(`lines come back as they were written, whole transactions only (seed ${seed})`, async () => {
  await fc.assert(fc.asyncProperty(steps, check), { seed, numRuns: 60 });
}, 180_000);

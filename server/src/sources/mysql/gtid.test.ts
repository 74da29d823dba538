import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedMysql } from '../../../../tests/support/mysql.ts';
import { freshSeed } from '../../../../tests/support/seed.ts';
import { containsGtids, MariadbGtidSet, MysqlGtidSet, parseGtidSet } from './gtid.ts';

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const B = 'ffffffff-71ca-11e1-9e33-c80aa9429562';

function mysqlSet(text: string): MysqlGtidSet {
  const set = MysqlGtidSet.parse(text);
  if (!set) throw new Error(`${text} is no set`);
  return set;
}

describe('sets of MySQL', () => {
  it.each([
    ['', ''],
    [`${A}:1-5`, `${A}:1-5`],
    [`${A.toUpperCase()}:1-3:4-5 , \n${B}:7`, `${A}:1-5,${B}:7`],
    [`${A}:5:1:2`, `${A}:1-2:5`],
    [`${A}:1-5:some_tag:2:1,${A}:6:_b:9`, `${A}:1-6:_b:9:some_tag:1-2`],
    [`${B}:1,${A}:Tag:1`, `${A}:tag:1,${B}:1`],
    [`${A}:9223372036854775806`, `${A}:9223372036854775806`],
    [`${A}:5-3`, ''],
  ])('%j is %j', (text, printed) => expect(String(MysqlGtidSet.parse(text))).toBe(printed));

  it.each([
    'x',
    `${A}:0`,
    `${A}:1-`,
    `${A}:-1`,
    `${A.slice(1)}:1`,
    `${A}:1tag:1`,
    `${A}:9223372036854775807`,
    '0-1-5',
    'binlog.000001:4',
  ])('%j is none', (text) => expect(MysqlGtidSet.parse(text)).toBeNull());

  it('one more joins what it touches', () => {
    const set = mysqlSet(`${A}:1-3:7-9`);
    set.add(A, 4n);
    expect(String(set)).toBe(`${A}:1-4:7-9`);
    set.add(A, 6n);
    set.add(A, 5n);
    expect(String(set)).toBe(`${A}:1-9`);
    set.add(A, 3n);
    set.add(`${A}:t`, 1n);
    set.add(B, 10n);
    expect(String(set)).toBe(`${A}:1-9:t:1,${B}:10`);
    expect([set.has(A, 9n), set.has(A, 10n), set.has(`${A}:t`, 1n), set.has(`${B}:t`, 10n)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it('a copy goes its own way', () => {
    const set = mysqlSet(`${A}:1`);
    const copy = set.clone();
    copy.add(A, 2n);
    expect([String(set), String(copy)]).toEqual([`${A}:1`, `${A}:1-2`]);
  });

  it('sets of random transactions are joined, printed and compared as the server does it', async () => {
    await using db = await sharedMysql('mysql').createDatabase();
    const seed = freshSeed();
    const interval = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 6 }));
    const source = fc.constantFrom(A, B, `${A}:t1`, `${A}:t2`, `${B}:_x`);
    const set = fc
      .array(fc.tuple(source, interval), { maxLength: 8 })
      .map((parts) => parts.map(([of, [first, more]]) => `${of}:${first}-${first + more}`).join(','));
    await fc.assert(
      fc.asyncProperty(set, set, async (one, two) => {
        const [row] = await db.rows(
          `SELECT GTID_SUBTRACT('${one}', ''), GTID_SUBTRACT('${one},${two}', ''), GTID_SUBSET('${one}', '${two}')`,
        );
        const [printed, union, subset] = row ?? [];
        const clean = (text: string | null | undefined): string => (text ?? '').replaceAll('\n', '');
        expect(String(mysqlSet(one))).toBe(clean(printed));
        expect(String(mysqlSet(one).union(mysqlSet(two)))).toBe(clean(union));
        expect(mysqlSet(two).contains(mysqlSet(one))).toBe(subset === '1');
      }),
      { seed, numRuns: 100 },
    );
  });
});

describe('places of MariaDB', () => {
  it.each([
    ['0-1-5', '0-1-5'],
    ['1-2-3, 0-1-18446744073709551615', '0-1-18446744073709551615,1-2-3'],
    ['0-1-5,0-2-6', '0-2-6'],
  ])('%j is %j', (text, printed) => expect(String(MariadbGtidSet.parse(text))).toBe(printed));

  it.each(['0-1', '0-1-5-6', 'a-1-5', `${A}:1`])('%j is none', (text) =>
    expect(MariadbGtidSet.parse(text)).toBeNull(),
  );

  it('lie behind each other by domain', () => {
    const place = (text: string): MariadbGtidSet => MariadbGtidSet.parse(text) ?? new MariadbGtidSet();
    expect(place('0-1-5,1-1-2').contains(place('0-9-5'))).toBe(true);
    expect(place('0-1-5').contains(place('0-1-6'))).toBe(false);
    expect(place('0-1-5').contains(place('1-1-1'))).toBe(false);
    expect(String(place('0-1-5,1-1-2').union(place('0-2-6,1-1-1,2-1-1')))).toBe('0-2-6,1-1-2,2-1-1');
    const moving = place('0-1-5');
    moving.add(0, 2, 6n);
    moving.add(3, 2, 1n);
    expect(String(moving)).toBe('0-2-6,3-2-1');
  });
});

it('a text tells which of the two it is; the kinds do not contain each other', () => {
  const mysql = parseGtidSet(`${A}:1`);
  const mariadb = parseGtidSet('0-1-1');
  expect([mysql?.kind, mariadb?.kind, parseGtidSet('?')]).toEqual(['mysql', 'mariadb', null]);
  expect(containsGtids(mysql!, mariadb!)).toBe(false);
  expect(containsGtids(mariadb!, mysql!)).toBe(false);
  expect(containsGtids(mariadb!, new MysqlGtidSet())).toBe(true);
});

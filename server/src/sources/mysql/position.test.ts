import { describe, expect, it } from 'vitest';
import { sharedMysql } from '../../../../tests/support/mysql.ts';
import { comparePositions, formatPosition, parsePosition, requirePosition } from './position.ts';
import { headOf } from './testing/log-reading.ts';

const U = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const V = 'ffffffff-71ca-11e1-9e33-c80aa9429562';

describe('a position', () => {
  it.each([
    [`binlog.000042:4711|${U}|${U}:1-5`, `binlog.000042:4711|${U}|${U}:1-5`],
    ['binlog.000042:4711|server-id-7|0-7-5,1-7-6', 'binlog.000042:4711|server-id-7|0-7-5,1-7-6'],
    [`binlog.000042:4711|${U}|`, `binlog.000042:4711|${U}|`],
    ['binlog.000042:4711', 'binlog.000042:4711||'],
    ['my.odd-name.1000000:8589934592', 'my.odd-name.1000000:8589934592||'],
    [`${U}:1-5`, `||${U}:1-5`],
    ['0-7-5', '||0-7-5'],
    [`|${U}|${U}:1-5:tag:1`, `|${U}|${U}:1-5:tag:1`],
    [`binlog.000042:4711|${U}||61..1@binlog.000007:4`, `binlog.000042:4711|${U}|`],
  ])('%s is read and printed', (text, printed) => {
    const position = requirePosition(text);
    expect(formatPosition(position)).toBe(printed);
    expect(parsePosition(printed)).toEqual(position);
  });

  it.each([
    '',
    '|',
    '||',
    'x',
    'binlog:4',
    'binlog.000001:3',
    'binlog.000001',
    '16/B374D848',
    'a.1:4|b|c|d',
    'a.1:4|||d',
    'a.1:4||x',
  ])('%j is none', (text) => {
    expect(parsePosition(text)).toBeNull();
    expect(() => requirePosition(text)).toThrow(/is not a position/);
  });

  it.each([
    ['binlog.000002:4', 'binlog.000010:4', -1],
    ['binlog.999999:4', 'binlog.1000000:4', -1],
    [`binlog.000002:8589934592|${U}|`, `binlog.000002:5|${U}|`, 1],
    [`binlog.000002:5|${U}|${U}:1`, `binlog.000002:5|${U}|${U}:1-2`, 0],
    [`binlog.000009:5|${U}|${U}:1-2`, `binlog.000001:5|${V}|${U}:1-3`, -1],
    [`binlog.000009:5|${U}|${U}:1-3,${V}:1`, `binlog.000001:5|${V}|${U}:1-3`, 1],
    [`${U}:1-3`, `binlog.000001:5|${V}|${U}:1-3`, 0],
    // Files that are numbered anew, which the position does not say yet, and says.
    [`binlog.000009:5|${U}|${U}:1-2`, `binlog.000001:5|${U}|${U}:1-3`, -1],
    [`binlog.000009:5|${U}|${U}:1-2`, `binlog.000001:5|${U}|${U}:1-2`, 1],
    [`binlog.000009:5|${U}|${U}:1-2`, `binlog.000001:5|${U}/2|${U}:1-2`, 0],
    [`binlog.000009:5|${U}|${U}:1-2,${V}:1`, `binlog.000001:5|${U}|${U}:1-3`, 1],
    // What is being committed before the place is not in the set yet.
    [`binlog.000002:9|${U}|${U}:1-2`, `binlog.000002:5|${U}|${U}:1-3`, 1],
    ['binlog.000002:5|server-id-7|0-8-1', 'binlog.000001:5|server-id-7|0-7-5', 1],
    ['0-7-5', '0-8-6', -1],
  ] as const)('%s and %s: %d', (a, b, order) => {
    expect(comparePositions(a, b)).toBe(order);
    expect(comparePositions(b, a)).toBe(order === 0 ? 0 : -order);
  });

  it.each([
    [`binlog.000009:5|${U}|${U}:1-2`, `binlog.000001:5|${V}|${V}:1`],
    [`binlog.000009:5|${U}|`, `binlog.000001:5|${V}|`],
    ['binlog.000009:5', `${U}:1`],
    [`${U}:1`, '0-1-1'],
  ])('%s and %s cannot be compared', (a, b) =>
    expect(() => comparePositions(a, b)).toThrow(/neither is known/),
  );
});

describe.each(['mysql', 'mariadb'] as const)('the end of the log of %s', (flavour) => {
  it('lies behind what was committed, by file and by set', async () => {
    await using db = await sharedMysql(flavour).createDatabase();
    const first = await headOf(db.connection);
    await db.query('CREATE TABLE t (id INT)');
    const second = await headOf(db.connection);
    await db.query('FLUSH BINARY LOGS');
    const third = await headOf(db.connection);
    const texts = [first, second, third].map(formatPosition);
    for (const text of texts) expect(formatPosition(requirePosition(text))).toBe(text);
    expect(comparePositions(texts[0]!, texts[1]!)).toBe(-1);
    expect(comparePositions(texts[1]!, texts[2]!)).toBe(-1);
    const bySet = [first, second].map(({ gtids }) => formatPosition({ file: null, server: null, gtids }));
    expect(comparePositions(bySet[0]!, bySet[1]!)).toBe(-1);
    expect(first.server).toMatch(flavour === 'mysql' ? /^[0-9a-f-]{36}$/ : /^server-id-\d+$/);
  });
});

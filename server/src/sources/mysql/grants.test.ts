import { expect, it } from 'vitest';
import { accountText, columnGrantedTables, mayInSchema, mayOnServer, parseGrant } from './grants.ts';

const grants = (...lines: string[]) => lines.flatMap((line) => parseGrant(line) ?? []);

it.each([
  [
    'GRANT SELECT, LOCK TABLES ON *.* TO `u`@`%`',
    { rights: ['SELECT', 'LOCK TABLES'], columnRights: [], scope: { kind: 'server' } },
  ],
  [
    "GRANT ALL PRIVILEGES ON `my shop\\_%`.* TO 'u'@'%' WITH GRANT OPTION",
    { rights: ['ALL PRIVILEGES'], columnRights: [], scope: { kind: 'schema', pattern: 'my shop\\_%' } },
  ],
  [
    'GRANT SELECT (`a, b`, `c) ON ``d```), INSERT (`x`), UPDATE ON `s``1`.`t ON x` TO `u`@`%`',
    {
      rights: ['UPDATE'],
      columnRights: ['SELECT', 'INSERT'],
      scope: { kind: 'table', name: { schema: 's`1', table: 't ON x' } },
    },
  ],
  // As servers from before MySQL 8 write it.
  [
    "GRANT SELECT (a, b) ON `s`.`t` TO 'u'@'%'",
    { rights: [], columnRights: ['SELECT'], scope: { kind: 'table', name: { schema: 's', table: 't' } } },
  ],
  ['GRANT `role`@`%` TO `u`@`%`', null],
  ['GRANT EXECUTE ON PROCEDURE `s`.`p` TO `u`@`%`', null],
  ['GRANT PROXY ON ``@`` TO `root`@`localhost` WITH GRANT OPTION', null],
  ['REVOKE SELECT ON `s`.* FROM `u`@`%`', null],
  ['SET DEFAULT ROLE `r1` FOR `u`@`%`', null],
])('reads %s', (line, expected) => {
  expect(parseGrant(line)).toEqual(expected);
});

it('knows where a right holds', () => {
  const some = grants(
    'GRANT USAGE ON *.* TO `u`@`%`',
    'GRANT SELECT, LOCK TABLES ON `my shop\\_%`.* TO `u`@`%`',
    'GRANT ALL PRIVILEGES ON `a.b`.* TO `u`@`%`',
    'GRANT LOCK TABLES ON `x_z`.* TO `u`@`%`',
  );
  const may = (schema: string): boolean => mayInSchema(some, 'LOCK TABLES', schema);
  expect(['my shop_', 'my shop_eu\n2', 'a.b', 'xyz'].map(may)).toEqual([true, true, true, true]);
  expect(['my shopXeu', 'aXb', 'xz', 'xyzz', ''].map(may)).toEqual([false, false, false, false, false]);
  expect(mayOnServer(some, 'LOCK TABLES')).toBe(false);
  expect(mayOnServer(grants('GRANT ALL PRIVILEGES ON *.* TO `u`@`%`'), 'REPLICATION SLAVE')).toBe(true);
  expect(mayInSchema(grants('GRANT LOCK TABLES ON *.* TO `u`@`%`'), 'LOCK TABLES', 'any')).toBe(true);
});

it('finds the tables of which single columns were granted', () => {
  const some = grants(
    'GRANT SELECT (`id`) ON `s`.`t` TO `u`@`%`',
    'GRANT INSERT (`id`) ON `s`.`not this` TO `u`@`%`',
    'GRANT SELECT ON `s`.`nor this` TO `u`@`%`',
  );
  expect(columnGrantedTables(some)).toEqual([{ schema: 's', table: 't' }]);
});

it('writes an account so that any name is safe', () => {
  expect(accountText("o'n`e@home@%.example")).toBe("`o'n``e@home`@`%.example`");
});

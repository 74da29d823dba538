import { describe, expect, it } from 'vitest';
import { FLAVOURS } from '../../../../tests/support/mysql.ts';
import { Following } from './testing/following.ts';

const T = 'CREATE TABLE t (id int PRIMARY KEY, v varchar(20))';

describe.each(FLAVOURS)('the log of %s', (flavour) => {
  it('tells inserts, updates and deletes, transaction by transaction', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    await following.run(
      "INSERT INTO t VALUES (1, 'a'), (2, NULL)",
      "UPDATE t SET v = 'it''s \"b\"' WHERE id = 1",
      'UPDATE t SET id = 3 WHERE id = 2',
      'BEGIN',
      "INSERT INTO t VALUES (4, '')",
      'DELETE FROM t WHERE id = 1',
      'COMMIT',
    );
    expect(await following.story()).toEqual([
      'begin',
      'I t 1,a',
      'I t 2,~',
      'commit',
      'begin',
      'U t 1,it\'s "b"',
      'commit',
      'begin',
      'K t 2,~',
      'U t 3,~',
      'commit',
      'begin',
      'I t 4,',
      'D t 1,~',
      'commit',
    ]);
  });
});

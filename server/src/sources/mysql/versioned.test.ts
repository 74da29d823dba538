import { expect, it } from 'vitest';
import { Following } from './testing/following.ts';

/** One transaction's part of a story. */
const transaction = (...lines: string[]): string[] => ['begin', ...lines, 'commit'];

it('of a system-versioned table the rows of now are told, and none of the past', async () => {
  await using following = await Following.open('mariadb', [
    'CREATE TABLE v (id int PRIMARY KEY, a int, b int WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING',
    'CREATE TABLE bag (a int) WITH SYSTEM VERSIONING',
    'INSERT INTO v VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3)',
    'INSERT INTO bag VALUES (1), (1)',
    'UPDATE v SET a = 9 WHERE id = 3',
  ]);
  await following.start();
  await following.run(
    'UPDATE v SET a = 10 WHERE id = 1',
    'UPDATE v SET b = 20 WHERE id = 2',
    'UPDATE v SET id = 30 WHERE id = 3',
    'DELETE FROM v WHERE id = 2',
    'INSERT INTO v VALUES (4, 4, 4)',
    'DELETE HISTORY FROM v',
    'UPDATE bag SET a = 2 LIMIT 1',
    'DELETE FROM bag WHERE a = 1',
  );
  expect((await following.story()).filter((line) => !/^(begin|commit)$/.test(line))).toEqual([
    'U v 1,10,1',
    'U v 2,2,20',
    'K v 3,~,~',
    'U v 30,9,3',
    'D v 2,~,~',
    'I v 4,4,4',
    'D bag 1',
    'I bag 2',
    'D bag 1',
  ]);
});

it('a system-versioned table goes on with another column, and with partial images', async () => {
  await using following = await Following.open('mariadb', [
    'CREATE TABLE v (id int PRIMARY KEY, a int) WITH SYSTEM VERSIONING',
    'INSERT INTO v VALUES (1, 1), (2, 2)',
  ]);
  await following.start();
  await following.run(
    'SET system_versioning_alter_history = KEEP',
    'ALTER TABLE v ADD COLUMN c varchar(5)',
    "UPDATE v SET c = 'x' WHERE id = 1",
    'SET SESSION binlog_row_image = MINIMAL',
    "UPDATE v SET c = 'y' WHERE id = 2",
    'DELETE FROM v WHERE id = 1',
  );
  const story = (await following.story()).join('\n');
  expect(story).toContain('U v 1,1,x');
  expect(story).toContain(transaction('U v 2,2,y').join('\n'));
  expect(story).toContain(transaction('D v 1,~,~').join('\n'));
  expect(story).not.toContain('gap');
});

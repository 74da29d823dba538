import { expect, it } from 'vitest';
import { csv } from './csv.ts';

it('tells null from an empty text, and quotes what would break a line', () => {
  const rows = [
    [1, null, ''],
    ['a,b', 'say "x"', 'two\nlines'],
    [true, [1, 2], { a: null }],
  ];
  expect(csv(['x', 'y', 'z'], rows)).toBe(
    'x,y,z\r\n1,,""\r\n"a,b","say ""x""","two\nlines"\r\ntrue,"[1,2]","{""a"":null}"\r\n',
  );
});

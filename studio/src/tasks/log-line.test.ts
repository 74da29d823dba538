import { expect, it } from 'vitest';
import { logLine } from './log-line.ts';

it('reads a line of the log, and shows as it is what is none', () => {
  expect(logLine('{"level":40,"time":0,"pid":1,"msg":"slow","table":"a","err":{"code":"X"}}')).toEqual({
    time: '1970-01-01T00:00:00.000Z',
    level: 40,
    message: 'slow',
    rest: 'table=a err={"code":"X"}',
  });
  expect(logLine('Segmentation fault')).toMatchObject({ message: 'Segmentation fault', time: null });
});

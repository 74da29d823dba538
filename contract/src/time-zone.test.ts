import { expect, it } from 'vitest';
import { isTimeZone, offsetText, zoneOffset } from './time-zone.ts';

const WINTER = new Date('2026-01-15T12:34:56.789Z');
const SUMMER = new Date('2026-07-15T00:00:00Z');

it.each([
  ['UTC', 0, 0],
  ['+00:00', 0, 0],
  ['-03:30', -210, -210],
  ['Asia/Shanghai', 480, 480],
  ['Asia/Kolkata', 330, 330],
  ['Europe/Berlin', 60, 120],
  ['America/New_York', -300, -240],
] as const)('%s is %d minutes ahead of UTC in January and %d in July', (zone, winter, summer) => {
  expect(isTimeZone(zone)).toBe(true);
  expect([zoneOffset(zone, WINTER), zoneOffset(zone, SUMMER)]).toEqual([winter, summer]);
});

it.each(['', 'SYSTEM', 'Mars/Base', '+25:00', '8', '+8:00'])('%j is no time zone', (text) =>
  expect(isTimeZone(text)).toBe(false),
);

it('an offset is written as the server writes one', () => {
  expect([0, 330, -210, 840].map(offsetText)).toEqual(['+00:00', '+05:30', '-03:30', '+14:00']);
});

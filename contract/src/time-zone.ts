const OFFSET = /^([+-])(0\d|1[0-4]):([0-5]\d)$/;

/** `+08:00`, or a name that the zone data of this machine knows: `Asia/Shanghai`. */
export function isTimeZone(text: string): boolean {
  if (OFFSET.test(text)) return true;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Minutes that the zone is ahead of UTC at that moment. @throws RangeError for what is no zone */
export function zoneOffset(zone: string, at: Date): number {
  const parts = OFFSET.exec(zone);
  if (parts !== null) return (parts[1] === '-' ? -1 : 1) * (Number(parts[2]) * 60 + Number(parts[3]));
  const format = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  const clock = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const of = (type: Intl.DateTimeFormatPartTypes): number => clock.get(type) ?? 0;
  const there = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'));
  return (there - Math.floor(at.getTime() / 60_000) * 60_000) / 60_000;
}

/** 330 → `+05:30` */
export function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `12,345` */
export const count = (value: number): string => whole.format(value);

/** `1 table`, `2 tables` */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** `950`, `12.3 k`, `4.56 M`: three digits that matter. */
export function compact(value: number): string {
  for (const [size, unit] of [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const)
    if (Math.abs(value) >= size * 0.99995) return `${threeDigits(value / size)} ${unit}`;
  return Number.isInteger(value) ? String(value) : threeDigits(value);
}

const threeDigits = (value: number): string =>
  Math.abs(value) >= 99.95
    ? value.toFixed(0)
    : Math.abs(value) >= 9.995
      ? value.toFixed(1)
      : value.toFixed(2);

/** `512 B`, `1.50 KiB`, `20.0 MiB` */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let at = 0;
  let left = value;
  while (Math.abs(left) >= 1023.5 && at < units.length - 1) {
    left /= 1024;
    at++;
  }
  return at === 0 ? `${Math.round(left)} B` : `${threeDigits(left)} ${units[at]}`;
}

/** `0 ms`, `850 ms`, `2.4 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h` */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 9950 && ms % 1000 !== 0 ? 1 : 0)} s`;
  const seconds = Math.floor(ms / 1000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return `${minutes} min ${seconds % 60} s`;
}

/** A time that somebody set, which is mostly round: `15 min`, `1 h`. */
export const period = (seconds: number): string => duration(seconds * 1000).replace(/ 0 (s|min|h)$/, '');

export const percent = (share: number): string =>
  `${share > 0.999 && share < 1 ? '99.9' : (share * 100).toFixed(share === 1 || share === 0 ? 0 : 1)} %`;

import { useSyncExternalStore } from 'react';
import { duration } from './numbers.ts';

export type Zone = 'local' | 'utc';
const KEY = 'sluice.zone';
const listeners = new Set<() => void>();
let zone: Zone = localStorage.getItem(KEY) === 'utc' ? 'utc' : 'local';

export function setZone(next: Zone): void {
  zone = next;
  localStorage.setItem(KEY, next);
  for (const listener of listeners) listener();
}

export const useZone = (): Zone =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => zone,
  );

/** `2026-07-01 09:30:00` in the zone that the person chose. */
export function stamp(time: string, where: Zone): string {
  const date = new Date(time);
  const pad = (value: number) => String(value).padStart(2, '0');
  if (where === 'utc') return date.toISOString().slice(0, 19).replace('T', ' ');
  const day = [date.getFullYear(), pad(date.getMonth() + 1), pad(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(':')}`;
}

export function When({ time }: { time: string | null }) {
  const where = useZone();
  if (time === null) return <span className="faint">–</span>;
  return (
    <time
      dateTime={time}
      title={where === 'utc' ? `${time}` : `${stamp(time, 'utc')} UTC`}
      className="number"
    >
      {stamp(time, where)}
    </time>
  );
}

let seconds = Date.now();
const ticking = new Set<() => void>();
setInterval(() => {
  seconds = Date.now();
  for (const listener of ticking) listener();
}, 1000);

/** The clock, to the second: what is shown as an age grows while nothing else happens. */
export const useNow = (): number =>
  useSyncExternalStore(
    (listener) => {
      ticking.add(listener);
      return () => ticking.delete(listener);
    },
    () => seconds,
  );

export function Ago({ time }: { time: string | null }) {
  const now = useNow();
  const where = useZone();
  if (time === null) return <span className="faint">never</span>;
  const age = Math.max(0, now - Date.parse(time));
  return (
    <time dateTime={time} title={stamp(time, where)} className="number">
      {age < 1500 ? 'just now' : `${duration(Math.floor(age / 1000) * 1000)} ago`}
    </time>
  );
}

import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { within } from './deadline.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const never = new AbortController().signal;

it('aborts after its time, though memory was collected meanwhile', async () => {
  const silent = within(never, 200);
  const heard = within(never, 200);
  const reason = new Promise((resolve) => {
    heard.addEventListener('abort', () => resolve(heard.reason), { once: true });
  });
  await pause(20);
  collectGarbage();
  expect(silent.aborted).toBe(false);
  expect(await reason).toMatchObject({ name: 'TimeoutError' });
  expect(silent.aborted).toBe(true);
});

it('aborts as the signal does, and with its reason', () => {
  const stop = new AbortController();
  const signal = within(stop.signal, 60_000);
  stop.abort('stopped');
  expect(signal.reason).toBe('stopped');
  expect(within(stop.signal, 60_000).reason).toBe('stopped');
});

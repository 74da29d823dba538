/**
 * Loaded into a lake's processes (NODE_OPTIONS=--import): every now and then a wait of the sync engine lasts longer than
 * it does, so that whatever else goes on overtakes it. Between two awaits of one part all others may run; on a calm
 * machine they hardly ever do, and on a busy one at night they do.
 * SLUICE_TEST_SLOW is the seed of how long, and of which calls; what they fall to depends on the machine.
 */
import { register } from 'node:module';

/** One wait of so many is longer, by up to so many milliseconds. */
const ONE_OF = 15;
const MOST_MS = 400;

let state = (Number(process.env.SLUICE_TEST_SLOW) * 2654435761 + process.pid) >>> 0;
const next = () => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  state >>>= 0;
  return state / 2 ** 32;
};

globalThis.sluiceTestWait = () =>
  next() < 1 / ONE_OF ? new Promise((resolve) => setTimeout(resolve, next() * MOST_MS)) : undefined;

register('./slow-waits-hooks.mjs', import.meta.url);

// Changes at a pace, beside whatever is measured.
import { setTimeout as pause } from 'node:timers/promises';

/** Of one transaction; updates are spread over the whole table, but for the odd keys, which are the faults'. */
export const MIX = { inserts: 5, updates: 3, deletes: 2 };
const IN_ONE = MIX.inserts + MIX.updates + MIX.deletes;
/** Transactions of one call. */
export const CHANGES = 5;

/** Calls `change(fresh, seed)` so often that it comes to `rate` changes a second. `stop` gives what it came to. */
export function atPace(rate, fresh, change) {
  const begun = performance.now();
  let done = 0;
  let next = fresh;
  let seed = Math.floor(Math.random() * 1e6);
  let stopped = false;
  const ended = (async () => {
    while (!stopped) {
      const due = begun + (done / rate) * 1000 - performance.now();
      if (due > 0) await pause(due);
      await change(next, seed);
      next += CHANGES * MIX.inserts;
      seed += CHANGES;
      done += CHANGES * IN_ONE;
    }
  })();
  return {
    failed: ended.then(() => {}),
    so: () => done / ((performance.now() - begun) / 1000),
    async stop() {
      stopped = true;
      await ended;
      return done / ((performance.now() - begun) / 1000);
    },
  };
}

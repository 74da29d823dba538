// The runner's process is killed under a steady load: npm run bench -- restart-postgres | restart-mysql [--rate N]
// [--rounds N] [--keep FOLDER]. Caught up is: a reader has found a marker that was committed less than 2 s before.
import { setTimeout as pause } from 'node:timers/promises';
import { inRounds } from './measure/rounds.mjs';
import { WORLD_OPTIONS, withWorld } from './measure/world.mjs';

const BEHIND_MS = 2000;

export const restart = (kind) => ({
  OPTIONS: { ...WORLD_OPTIONS, between: { type: 'string', default: '20' } },
  async run(options) {
    return await withWorld(kind, options, async (world) => {
      await world.mirror.setParameters({});
      await world.begin();
      const figures = await inRounds(options.rounds, async () => {
        await pause(Number(options.between) * 1000);
        const found = await killed(world);
        // The seconds after it are part of the figure of the memory.
        await pause(5000);
        return { ...found, 'runner, peak MB since': (await world.mirror.cost()).peakMb };
      });
      await world.end();
      await world.compare();
      await world.mirror.stop();
      const { rows, tables, rate, between } = options;
      return { conditions: { rows, tables, rate, secondsBetweenKills: between }, figures };
    });
  },
});

async function killed({ mirror, probe }) {
  const { pid } = await mirror.attempt();
  probe.take();
  const at = Date.now();
  process.kill(pid, 'SIGKILL');
  let first = null;
  for (;;) {
    await pause(20);
    const seen = probe.take().filter(({ seenAt }) => seenAt > at);
    // What had been committed just before the kill.
    if (seen.length > 0 && seen.at(-1).sentAt > at) first ??= seen[0].seenAt;
    const now = seen.find(({ sentAt, seenAt }) => sentAt > at && seenAt - sentAt < BEHIND_MS);
    if (now !== undefined) {
      const begins = await mirror.logged('the run begins');
      return {
        'until the next process reads the log, s': (begins - at) / 1000,
        'until the first commit is visible, s': ((first ?? now.seenAt) - at) / 1000,
        'until caught up, s': (now.seenAt - at) / 1000,
      };
    }
    if (Date.now() - at > 120_000) throw new Error('not caught up 120 s after the kill');
  }
}

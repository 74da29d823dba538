// A steady load of small mixed transactions: npm run bench -- steady-postgres | steady-mysql [--rate N] [--seconds N]
// [--interval 500ms] [--keep FOLDER]. What it takes from the source's commit until a reader finds it in the lake.
import { inRounds } from './measure/rounds.mjs';
import { WORLD_OPTIONS, withWorld } from './measure/world.mjs';

export const steady = (kind) => ({
  OPTIONS: { ...WORLD_OPTIONS, interval: { type: 'string' } },
  async run(options) {
    return await withWorld(kind, options, async (world) => {
      const { interval } = options;
      await world.mirror.setParameters(interval === undefined ? {} : { commit_interval: interval });
      await world.begin();
      const figures = await inRounds(options.rounds, () => world.measure(Number(options.seconds)));
      await world.end();
      await world.compare();
      await world.mirror.stop();
      const { rows, tables, rate, seconds } = options;
      return { conditions: { rows, tables, rate, seconds, interval: interval ?? 'default' }, figures };
    });
  },
});

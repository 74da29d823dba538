// A backlog of changes that waits in the source's log: made while the mirror is stopped, drained when it starts again.
import { withMirror } from './mirror-process.mjs';

export const BACKLOG_OPTIONS = {
  rows: { type: 'string', default: '200000' },
  changes: { type: 'string', default: '500000' },
  mix: { type: 'string', default: 'mixed' },
};

/** Changes in one transaction. */
const IN_ONE = 10;

/** inserts: ten of them. mixed: five inserts, three updates of older rows, two deletes of the oldest. */
export const MIXES = { inserts: [10, 0, 0], mixed: [5, 3, 2] };

/**
 * @param {{ source: object, database: string, schema: string, rows: number, options: object,
 *   change: (from: number, transactions: number, mix: number[]) => Promise<void>,
 *   plain: () => Promise<number>, mark: () => Promise<void>, count: () => Promise<number>, name: string }} what
 */
export async function drainRounds(what, inRounds) {
  const { options, name } = what;
  const mix = MIXES[options.mix];
  if (mix === undefined) throw new Error(`--mix is one of ${Object.keys(MIXES).join(', ')}`);
  const transactions = Math.ceil(Number(options.changes) / IN_ONE);
  const changes = transactions * IN_ONE;
  let next = what.rows + 1;
  return await withMirror({ source: what.source, task: { database: what.database } }, async (mirror) => {
    await mirror.start();
    await mirror.caughtUp();
    await mirror.stop();
    return await inRounds(options.rounds, async () => {
      await what.mark();
      await what.change(next, transactions, mix);
      next += transactions * mix[0];
      const seconds = await what.plain();
      await mirror.start();
      await mirror.caughtUp();
      const ended = Date.now();
      const drained = (ended - (await mirror.logged('the run begins'))) / 1000;
      const { cpuSeconds, peakMb } = await mirror.cost();
      await mirror.stop();
      const [[found]] = await mirror.query(`SELECT count(*) FROM ${what.schema}.wide`);
      const expected = await what.count();
      if (Number(found) !== expected)
        throw new Error(`${found} rows are in the lake, ${expected} at the source`);
      return {
        [`${name}, changes/s`]: changes / seconds,
        'drain, changes/s': changes / drained,
        [`drain, share of ${name}`]: seconds / drained,
        'runner, CPU s': cpuSeconds,
        'runner, changes per CPU s': changes / cpuSeconds,
        'runner, peak MB': peakMb,
      };
    });
  });
}

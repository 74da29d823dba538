// One full load of the table of ten columns, measured from outside.
import { withMirror } from './mirror-process.mjs';

export const LOAD_OPTIONS = {
  rows: { type: 'string', default: '10000000' },
  memory: { type: 'string', default: '1024' },
  concurrency: { type: 'string', default: '2' },
};

/** `plain`: seconds that the plain client named so took for the same rows, just before. */
export async function loadRound({ source, database, schema = database, rows, options, plain, name }) {
  const parameters = { runner_memory: options.memory, full_load_concurrency: options.concurrency };
  return await withMirror({ source, task: { database }, parameters }, async (mirror) => {
    const begun = performance.now();
    await mirror.start();
    await mirror.caughtUp();
    const visible = (performance.now() - begun) / 1000;
    const { cpuSeconds, peakMb } = await mirror.cost();
    const loading =
      ((await mirror.logged('full load complete')) - (await mirror.logged('full load begins'))) / 1000;
    const [[count]] = await mirror.query(`SELECT count(*) FROM ${schema}.wide`);
    if (Number(count) !== rows) throw new Error(`${count} rows arrived of ${rows}`);
    return {
      [`${name}, rows/s`]: rows / plain,
      'load, rows/s': rows / loading,
      [`load, share of ${name}`]: plain / loading,
      'start to visible, s': visible,
      'runner, CPU s': cpuSeconds,
      'runner, rows per CPU s': rows / cpuSeconds,
      'runner, peak MB': peakMb,
    };
  });
}

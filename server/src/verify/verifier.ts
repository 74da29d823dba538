import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SluiceError } from '@sluice/contract';
import { pino } from 'pino';
import { Engine } from '../lakehouse/duckdb/engine.ts';
import { embeddedCatalog } from '../lakehouse/embedded-catalog.ts';
import { fileStorage } from '../lakehouse/file-storage.ts';
import { dataDirLayout, openSealer } from '../store/data-dir.ts';
import { openMetastore } from '../store/open-metastore.ts';
import { readCheckpoint } from '../store/progress.ts';
import { readMergeState } from '../sync/merge-store.ts';
import { openSource } from '../sync/open-source.ts';
import { lastArrival } from '../targets/lakehouse/arrivals.ts';
import { RowDigests } from '../targets/lakehouse/row-digests.ts';
import { readTask, verifyTask } from './verify-task.ts';

/**
 * The process of one comparison: `verifier.js --data-dir D --task ID --number N [table …]`, forked by the server, so
 * that what it takes of memory and time is its own. It tells each table's verdict over IPC.
 */
const { values, positionals } = parseArgs({
  options: { 'data-dir': { type: 'string' }, task: { type: 'string' }, number: { type: 'string' } },
  allowPositionals: true,
  strict: true,
});
const stop = new AbortController();
const left = (): void => stop.abort(new Error('the server is gone'));
process.on('disconnect', left);
// It may have gone while this process was loading its modules.
if (process.connected === false) left();
process.on('SIGTERM', () => stop.abort(new Error('terminated')));
process.on('SIGINT', () => {});

const tell = (message: unknown): Promise<void> =>
  new Promise((resolve) => {
    if (process.connected && process.send) process.send(message, undefined, {}, () => resolve());
    else resolve();
  });

async function main(): Promise<void> {
  const layout = dataDirLayout(values['data-dir'] ?? '');
  const taskId = Number(values.task);
  const folder = join(layout.work, `verify-${values.number}`);
  const db = await openMetastore(layout.metastore);
  try {
    const task = await readTask(db, taskId);
    const { parameters } = task;
    const storage = fileStorage();
    const catalog = embeddedCatalog(db, storage);
    const engine = await Engine.open({
      threads: 2,
      memoryBytes: 512 << 20,
      tempFolder: join(folder, 'duckdb'),
      maxTempBytes: 64 * 2 ** 30,
    });
    try {
      // As the run has it; it reads no log.
      await using source = await openSource(
        {
          metastore: db,
          sealer: await openSealer(layout),
          work: { ...task, taskId, begun: true, start: 'resume' },
          log: pino({ level: 'silent' }),
          saved: (await readCheckpoint(db, taskId))?.position ?? null,
        },
        stop.signal,
      );
      const rules = {
        infiniteDates: parameters.infiniteDates,
        zeroDates: parameters.zeroDates,
        outOfRange: parameters.outOfRange,
      };
      await verifyTask(
        {
          db,
          taskId,
          source,
          storage,
          catalog,
          merged: (target) => readMergeState(db, target),
          arrivals: (target) => ({
            newest: async () => lastArrival(storage, (await catalog.load(target))?.metadata ?? null),
          }),
          folder,
          wanted: positionals,
          chunkBytes: parameters.chunkSize,
          open: (table) => RowDigests.open(engine, storage, table, rules, stop.signal),
          onVerdict: (verdict) => void tell({ kind: 'verdict', verdict }),
        },
        stop.signal,
      );
    } finally {
      engine.close();
    }
  } finally {
    await db.destroy();
  }
}

try {
  await main();
  await tell({ kind: 'done' });
} catch (error) {
  const { code, message, remedy } = SluiceError.from(error);
  await tell({ kind: 'failed', error: { code, message, remedy } });
  process.exitCode = 1;
}
process.disconnect?.();

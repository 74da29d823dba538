import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SluiceError } from '@sluice/contract';
import { Engine } from '../lakehouse/duckdb/engine.ts';
import { embeddedCatalog } from '../lakehouse/embedded-catalog.ts';
import { fileStorage } from '../lakehouse/file-storage.ts';
import { SOURCES, sourceAdmin } from '../sources/registry.ts';
import { readConnection } from '../store/connections.ts';
import { dataDirLayout, openSealer } from '../store/data-dir.ts';
import { openMetastore } from '../store/open-metastore.ts';
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
process.on('disconnect', () => stop.abort(new Error('the server is gone')));
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
    const { sourceKey, spec, parameters } = await readTask(db, taskId);
    const { dsType, connection } = await readConnection(
      db,
      await openSealer(layout),
      spec.dataSource,
      spec.database,
    );
    const storage = fileStorage();
    const catalog = embeddedCatalog(db, storage);
    const engine = await Engine.open({
      threads: 2,
      memoryBytes: 512 << 20,
      tempFolder: join(folder, 'duckdb'),
      maxTempBytes: 64 * 2 ** 30,
    });
    try {
      await using source = await sourceAdmin(SOURCES, dsType).open(
        {
          connection,
          taskKey: sourceKey,
          publication: parameters.publication,
          reading: {
            tinyint1: parameters.tinyint1,
            time: parameters.time,
            unloggedCascades: parameters.unloggedCascades,
          },
          // It reads no log.
          serverIds: { allot: () => Promise.reject(new Error('a comparison needs no server id')) },
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
          catalog,
          arrivals: (target) => ({
            newest: async () => lastArrival(storage, (await catalog.load(target))?.metadata ?? null),
          }),
          folder,
          wanted: positionals,
          chunkBytes: parameters.chunkSize,
          open: ({ schema }) => RowDigests.open(engine, storage, schema, rules, stop.signal),
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

import { EventEmitter } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SluiceError } from '@sluice/contract';
import { pino } from 'pino';
import { Engine } from '../lakehouse/duckdb/engine.ts';
import { embeddedCatalog } from '../lakehouse/embedded-catalog.ts';
import { fileStorage } from '../lakehouse/file-storage.ts';
import { CompactorProcess } from '../lakehouse/maintenance/compactor-process.ts';
import { dataDirLayout, openSealer } from '../store/data-dir.ts';
import { openMetastore } from '../store/open-metastore.ts';
import { HeldKeys } from '../targets/lakehouse/held-keys.ts';
import { LakehouseTarget } from '../targets/lakehouse/lakehouse-target.ts';
import { TableUpkeep } from '../targets/lakehouse/table-upkeep.ts';
import { canReadMore, forgetLogs, openSource } from './open-source.ts';
import { type Again, runTask } from './task-run.ts';
import { readWork, savedPosition } from './work.ts';

/**
 * The process of one attempt: `runner.js --data-dir D --attempt ID`, forked by the supervisor. It says how it goes
 * over IPC, writes its log to stdout (a JSON line an entry), and ends with 0 when it was stopped and 1 when it failed.
 */
const { values } = parseArgs({
  options: { 'data-dir': { type: 'string' }, attempt: { type: 'string' } },
  strict: true,
});

const log = pino(
  { base: null, timestamp: pino.stdTimeFunctions.isoTime },
  pino.destination({ fd: 1, sync: true }),
);
const stop = new AbortController();

function tell(message: unknown): void {
  if (process.connected) process.send?.(message, undefined, {}, () => {});
}

const looks = new EventEmitter();
/** Looks at the source's catalog that were asked for. */
const asked: number[] = [];

process.on('message', (message) => {
  const { kind, look } = message as { kind?: string; look?: number };
  if (look !== undefined) asked.push(look);
  if (kind === 'stop') stop.abort(new Error('stopped'));
  if (kind === 'look') looks.emit('look');
});
// Without its supervisor nobody could stop it, and the next server starts another.
const left = (): void => stop.abort(new Error('the server is gone'));
process.on('disconnect', left);
// It may have gone while this process was loading its modules.
if (process.connected === false) left();
process.on('SIGTERM', () => stop.abort(new Error('terminated')));
// Ctrl-C goes to the whole group; the server stops its runners itself.
process.on('SIGINT', () => {});

/**
 * A statement of DuckDB's that waits for its second thread spins, and so takes the processor on which the source is
 * read where there are but two (docs/performance.md).
 */
const ENGINE_THREADS = availableParallelism() > 2 ? 2 : 1;

/** What DuckDB holds of 122,880 rows of a kilobyte, which it writes at a time. */
const ROW_GROUP_MB = 128;

const COMPACTOR = fileURLToPath(new URL('../lakehouse/maintenance/compactor.js', import.meta.url));

async function main(): Promise<void> {
  const layout = dataDirLayout(values['data-dir'] ?? '');
  const attempt = Number(values.attempt);
  const metastore = await openMetastore(layout.metastore);
  try {
    const sealer = await openSealer(layout);
    const work = await readWork(metastore, attempt);
    let now = work;
    const folder = join(layout.work, `task-${work.taskId}`);
    const storage = fileStorage();
    const engine = await Engine.open({
      threads: ENGINE_THREADS,
      memoryBytes: Math.floor(work.parameters.runnerMemory * 0.35) << 20,
      tempFolder: join(folder, 'duckdb'),
      maxTempBytes: 256 * 2 ** 30,
    });
    try {
      const warehouse = storage.location(layout.warehouse);
      const options = {
        ...{ storage, metastore, engine, warehouse, catalog: embeddedCatalog(metastore, storage) },
        heldKeys: new HeldKeys(Math.floor(work.parameters.runnerMemory * 0.2) << 20),
      };
      const turn = async (): Promise<Again | null> => {
        await using target = new LakehouseTarget({
          ...options,
          rules: {
            infiniteDates: now.parameters.infiniteDates,
            zeroDates: now.parameters.zeroDates,
            outOfRange: now.parameters.outOfRange,
          },
          targetBytes: now.parameters.targetFileSize,
          keyLimit: () => now.parameters.maxKeySize,
          scratchFolder: join(folder, 'spool'),
          upkeep: new TableUpkeep({
            ...options,
            targetBytes: now.parameters.targetFileSize,
            log,
            compactor: new CompactorProcess({
              script: COMPACTOR,
              memoryBytes: Math.max(ROW_GROUP_MB, Math.floor(work.parameters.runnerMemory * 0.2)) << 20,
              tempFolder: join(folder, 'duckdb', 'compactor'),
            }),
          }),
        });
        const context = { metastore, sealer, work: now, log, saved: await savedPosition(metastore, now) };
        await using source = await openSource(context, stop.signal);
        return await runTask(
          {
            work: now,
            source,
            target,
            metastore,
            log,
            folder,
            looks,
            asked,
            onLooked: (look) => tell({ kind: 'looked', look }),
            canReadMore: (signal) => canReadMore(context, source, signal),
            forgetLogs: (labels, signal) => forgetLogs(context, labels, signal),
            onPhase: (phase) => tell({ kind: 'phase', phase }),
            onPulse: (pulse) => tell({ kind: 'pulse', pulse }),
          },
          stop.signal,
        );
      };
      for (let again = await turn(); again !== null; again = await turn())
        now = await readWork(metastore, attempt, again.version);
    } finally {
      engine.close();
    }
  } finally {
    await metastore.destroy();
  }
}

try {
  await main();
  log.info('stopped');
  tell({ kind: 'stopped' });
  process.exitCode = 0;
} catch (error) {
  const trouble = SluiceError.from(error);
  const { code, message, remedy } = trouble;
  if (stop.signal.aborted && trouble.code === 'INTERNAL') {
    log.info('stopped');
    tell({ kind: 'stopped' });
    process.exitCode = 0;
  } else {
    log.error(
      { code, remedy, stack: trouble.code === 'INTERNAL' ? (trouble.cause as Error)?.stack : undefined },
      message,
    );
    tell({ kind: 'failed', error: { code, message, remedy } });
    process.exitCode = 1;
  }
}
process.disconnect?.();

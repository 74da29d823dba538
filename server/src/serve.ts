import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SluiceError } from '@sluice/contract';
import type { FastifyInstance } from 'fastify';
import { Watch } from './alerts/watch.ts';
import type { Control } from './control/context.ts';
import { overviewUpdate, TaskTeller } from './control/live.ts';
import { PaceHistory } from './control/pace.ts';
import { VERSION } from './control/server-status.ts';
import { Supervisor } from './control/supervisor.ts';
import { TableLatencies } from './control/table-latencies.ts';
import { eventFeed } from './control/timeline.ts';
import { VerificationSchedule } from './control/verification-schedule.ts';
import { Verifications } from './control/verifications.ts';
import { isLoopback } from './http/access.ts';
import { alertHandlers } from './http/alert-handlers.ts';
import { controlHandlers } from './http/control-handlers.ts';
import { lakeHandlers } from './http/lake-handlers.ts';
import { latencyHandlers } from './http/latency-handlers.ts';
import { httpServer } from './http/server.ts';
import { verificationHandlers } from './http/verification-handlers.ts';
import { embeddedCatalog } from './lakehouse/embedded-catalog.ts';
import { fileStorage } from './lakehouse/file-storage.ts';
import { WarehouseQuery } from './lakehouse/query/warehouse-query.ts';
import { exposition } from './metrics/exposition.ts';
import { SOURCES, type SourceRegistry } from './sources/registry.ts';
import { openSealer, openToken, prepareDataDir } from './store/data-dir.ts';
import { openMetastore } from './store/open-metastore.ts';
import { lockDataDir } from './store/server-lock.ts';
import { type Logger, openLog } from './telemetry/log.ts';

export interface ServeOptions {
  readonly dataDir: string;
  /** Default: this machine only. */
  readonly host?: string | undefined;
  /** 0: any free one. */
  readonly port?: number | undefined;
  /** GET /metrics wants no token. */
  readonly openMetrics?: boolean;
  readonly log?: Logger;
  readonly sources?: SourceRegistry;
  /** The built runner. */
  readonly runnerScript?: string;
}

export interface RunningServer {
  readonly url: string;
  readonly dataDir: string;
  /** Stops every runner politely; their runs go on with the next start. May be called again. */
  close(): Promise<void>;
}

export const DEFAULT_PORT = 8470;

/** Runners have 30 s of it, and requests under way the rest. Runners see the server go, and end by themselves. */
const CLOSE_MS = 60_000;

const MIB = 1024 * 1024;

/** What all queries together may take from the machine, besides the runners. */
const QUERY_LIMITS = {
  threads: 2,
  memoryBytes: 512 * MIB,
  maxTempBytes: 4096 * MIB,
  concurrent: 2,
  waiting: 32,
  resultBytes: 256 * MIB,
};

/** Undoes in reverse order what was done, whatever fails on the way. */
class Undo {
  readonly #steps: (() => Promise<unknown>)[] = [];
  #done: Promise<void> | null = null;

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  run(log: Logger): Promise<void> {
    this.#done ??= (async () => {
      for (const step of this.#steps.reverse())
        await step().catch((error: unknown) => log.error({ err: error }, 'shutting down'));
    })();
    return this.#done;
  }
}

/**
 * Starts a server on a data folder.
 * @throws SluiceError CONFLICT where another server has the folder or a newer version wrote it, PORT_IN_USE,
 * STORAGE_FAILED, STORAGE_FULL
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { host = '127.0.0.1', port = DEFAULT_PORT, sources = SOURCES } = options;
  const log = options.log ?? openLog('server');
  const undo = new Undo();
  try {
    const dataDir = await prepareDataDir(options.dataDir);
    undo.add(await lockDataDir(dataDir));
    const db = await openMetastore(dataDir.metastore);
    undo.add(() => db.destroy());
    const sealer = await openSealer(dataDir);
    const token = await openToken(dataDir);
    const script = options.runnerScript ?? fileURLToPath(new URL('./sync/runner.js', import.meta.url));
    const supervisor = new Supervisor({ db, dataDir, log, script });
    undo.add(() => supervisor.close());
    const control: Control = { db, dataDir, sealer, sources, supervisor, log, startedAt: Date.now() };
    const storage = fileStorage();
    const warehouse = {
      catalog: embeddedCatalog(db, storage),
      storage,
      location: storage.location(dataDir.warehouse),
    };
    const query = new WarehouseQuery(warehouse, { ...QUERY_LIMITS, tempFolder: join(dataDir.work, 'query') });
    const verifications = new Verifications(fileURLToPath(new URL('./verify/verifier.js', import.meta.url)));
    undo.add(() => verifications.close());
    const schedule = new VerificationSchedule(control, verifications);
    undo.add(() => schedule.close());
    const watch = new Watch(control);
    undo.add(() => watch.close());
    const metrics = exposition(control, warehouse);
    undo.add(async () => metrics.close());
    const pace = new PaceHistory(supervisor.pulses);
    undo.add(async () => pace.close());
    const latencies = new TableLatencies(supervisor.pulses);
    undo.add(async () => latencies.close());
    let recovered = false;
    const app = await httpServer({
      log,
      token,
      loopback: isLoopback(host),
      version: VERSION,
      handlers: {
        ...controlHandlers(control),
        ...lakeHandlers(warehouse, query),
        ...alertHandlers(control),
        ...verificationHandlers(control, verifications),
        ...latencyHandlers(control, latencies),
      },
      openMetrics: options.openMetrics ?? false,
      watch: {
        metrics,
        ready: async () => {
          if (!recovered) throw new Error('the runs of an earlier server are still being taken over');
          await db.selectFrom('tasks').select('id').limit(1).execute();
        },
      },
      live: {
        overview: () => overviewUpdate(control, pace),
        task: (ref) => {
          const teller = new TaskTeller(control, pace, ref);
          return () => teller.next();
        },
        events: (of, ref, query) => eventFeed(control, { of, ref }, query),
      },
      catalog: { catalog: warehouse.catalog, storage, warehouse: warehouse.location },
    });
    undo.add(() => app.close());
    const url = await listen(app, host, port);
    const addressFile = join(dataDir.root, 'server.url');
    await writeFile(addressFile, `${url}\n`, { mode: 0o600 });
    undo.add(() => unlink(addressFile));
    if (!isLoopback(host))
      log.warn({ host }, 'the API is open to the network, without TLS: the token travels in the clear');
    await supervisor.recover();
    await verifications.recover(control);
    recovered = true;
    schedule.start();
    watch.start();
    return { url, dataDir: dataDir.root, close: () => undo.run(log) };
  } catch (error) {
    await undo.run(log);
    throw error;
  }
}

/** Runs a server until SIGTERM or SIGINT. Tells on stdout when it is ready: JSON where that is no terminal. */
export async function serve(options: ServeOptions): Promise<void> {
  const asked = signalled();
  const server = await startServer(options);
  const ready = { url: server.url, dataDir: server.dataDir, pid: process.pid, version: VERSION };
  process.stdout.write(
    process.stdout.isTTY
      ? `Sluice ${VERSION} is ready at ${server.url} (data folder ${server.dataDir}, token in ${join(server.dataDir, 'token')})\n`
      : `${JSON.stringify({ data: ready })}\n`,
  );
  await asked;
  const deadline = setTimeout(() => {
    process.stderr.write(
      `Sluice did not end within ${CLOSE_MS / 1000} s and gives up. Nothing committed is lost.\n`,
    );
    process.exit(1);
  }, CLOSE_MS);
  await server.close();
  clearTimeout(deadline);
}

/** The first signal; a second one ends the process at once, and the runners with it. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    let seen = false;
    const onSignal = () => {
      if (seen) process.exit(130);
      seen = true;
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE')
      throw new SluiceError('PORT_IN_USE', `The port ${port} of ${host} is taken by another process.`, {
        cause: error,
      });
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new SluiceError('USAGE', `The server cannot listen at ${host}, port ${port} (${code}).`, {
        remedy: 'Choose an address of this machine with --host, and a port above 1023 with --port.',
        cause: error,
      });
    throw error;
  }
  const address = app.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  // Who listens everywhere is reached here under loopback.
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${bound}`;
}

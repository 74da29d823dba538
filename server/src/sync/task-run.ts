import { type EventEmitter, setMaxListeners } from 'node:events';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '@sluice/contract';
import type { Logger } from 'pino';
import { follows, isOnItsWay } from '../model/lane-state.ts';
import type { Pulse } from '../model/pulse.ts';
import { tableText } from '../model/table.ts';
import { splitPositions } from '../sources/composite/composite-position.ts';
import { CompositeSource } from '../sources/composite/composite-source.ts';
import type { AskedSource, Position, Source } from '../sources/source.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import type { Target } from '../targets/target.ts';
import { Alarm } from './alarm.ts';
import { isAway, noteAway } from './away-servers.ts';
import { BesideCommits } from './beside-commits.ts';
import { CatalogLooks } from './catalog-looks.ts';
import { dropChunks } from './chunk-rows.ts';
import { CommitLoop, type CommitTiming } from './commit-loop.ts';
import { unfitFrom } from './custom-start.ts';
import { Discovery, restarted } from './discovery.ts';
import type { Lane } from './lane.ts';
import { blocked, resetForLoad } from './lane-turn.ts';
import { Loader } from './loader.ts';
import { mergeMembership, mirrorMembership } from './membership.ts';
import { MergeTables } from './merge-tables.ts';
import type { RouterOptions } from './router.ts';
import { routed } from './routing.ts';
import type { RunContext } from './run-context.ts';
import { RunMeter } from './run-meter.ts';
import { pulses } from './run-pulse.ts';
import { RunStore } from './run-store.ts';
import { policyFor } from './schema-verdict.ts';
import { readSegments } from './segment-rows.ts';
import { TableOrders } from './table-orders.ts';
import type { Work } from './work.ts';

export interface TaskRunOptions {
  readonly work: Work;
  /** Of a sharded-table merge the composite one. */
  readonly source: Source | CompositeSource;
  readonly target: Target<MetastoreDb>;
  readonly metastore: MetastoreDb;
  readonly log: Logger;
  /** A folder of the task's own. */
  readonly folder: string;
  /** Emits `look` when what the run is to do has changed in the metastore. */
  readonly looks: EventEmitter;
  /** Looks at the source's catalog that somebody has asked for; taken when one begins. */
  readonly asked: number[];
  /** Whatever that look has shown is committed. */
  readonly onLooked: (look: number) => void;
  /** Of a merge: whether there is a log to be read that is not read now. @throws SluiceError SOURCE_* where a server cannot be asked */
  readonly canReadMore: (signal: AbortSignal) => Promise<boolean>;
  /** Of a merge: has dropped what the task keeps at the sources of logs that are read no longer. */
  readonly forgetLogs: (labels: readonly string[], signal: AbortSignal) => Promise<void>;
  readonly onPhase: (phase: Phase) => void;
  readonly onPulse: (pulse: Pulse) => void;
}

export type Phase = 'initialization' | 'full_load' | 'incremental';

/** Bytes of whole transactions that wait for a commit before the reading of the log stops. */
const WAITING_BYTES = 256 << 20;
/** How often a server of a merge that cannot be reached is tried. */
const AWAY_MS = 5000;

/**
 * One attempt of a run, from its start to the stop signal, or until its sources have to be opened again. What was read
 * whole is committed before it returns.
 * @returns null: it was stopped
 * @throws SluiceError what ended the attempt; nothing that was committed is lost by it
 */
export async function runTask(options: TaskRunOptions, stop: AbortSignal): Promise<Again | null> {
  const run = new TaskRun(options, stop);
  await run.run();
  return stop.aborted ? null : (run.renewal.reason as Again);
}

/** Ends a run that is to begin again in the same attempt. */
export class Again extends Error {
  readonly version: number;

  constructor(version: number) {
    super('the run begins again');
    this.version = version;
  }
}

class TaskRun {
  readonly #options: TaskRunOptions;
  readonly #store: RunStore;
  readonly #lanes = new Map<string, Lane>();
  /** Ends everything at once: the attempt has failed, or all is committed. */
  readonly #end = new AbortController();
  /** To the source's catalog. */
  readonly #nextLook = new Alarm();
  readonly #catalogLooks: CatalogLooks;
  readonly #beside = new BesideCommits((error) => this.#failBeside(error), this.#end.signal);
  readonly #spoolFolder: string;
  readonly #segmentFolder: string;
  #phase: Phase = 'initialization';
  /** A merge reads of other logs, or into other tables, from now on. */
  readonly #renewal = new AbortController();
  /** Somebody's, or the renewal. */
  readonly #stop: AbortSignal;

  constructor(options: TaskRunOptions, stop: AbortSignal) {
    this.#options = options;
    this.#stop = AbortSignal.any([stop, this.#renewal.signal]);
    this.#store = new RunStore(options.metastore, options.work);
    this.#catalogLooks = new CatalogLooks(options.asked, options.onLooked);
    this.#spoolFolder = join(options.folder, 'spool');
    this.#segmentFolder = join(options.folder, 'segments');
  }

  get renewal(): AbortSignal {
    return this.#renewal.signal;
  }

  #renew(version: number): void {
    this.#renewal.abort(new Again(version));
  }

  async run(): Promise<void> {
    const { source, target, work, log } = this.#options;
    const stop = this.#stop;
    // Files of an earlier attempt that nobody reads again.
    await rm(this.#spoolFolder, { recursive: true, force: true });
    await mkdir(this.#spoolFolder, { recursive: true, mode: 0o700 });
    await mkdir(this.#segmentFolder, { recursive: true, mode: 0o700 });
    const saved = (await this.#store.checkpoint()).position;
    // A first start has nothing to go on from.
    const anew = !work.begun && (work.start === 'stateless' || (work.start === 'resume' && saved === null));
    if (anew) await this.#forget();
    const { spec } = work;
    const merges = spec.pipelineType === 2 ? new MergeTables(spec, this.#store, target, work.taskId) : null;
    await merges?.load();
    const membership = merges === null ? mirrorMembership(work) : mergeMembership(merges);
    for (const lane of await this.#store.lanes())
      if (membership.wantsLane(lane)) this.#lanes.set(lane.objectId, lane);
      else {
        await this.#store.removeLane(lane);
        log.info(
          { table: tableText(lane.source) },
          'a table is no longer part of the task; its target stays',
        );
      }
    await this.#removeStraySegments();

    const signal = this.#end.signal;
    // Each log of a merge, and each load, listens to it.
    setMaxListeners(0, signal, stop);
    // Until the log is followed there is nothing to commit, and much to wait for: a stop ends it at once.
    const endEarly = (): void => this.#end.abort(stop.reason);
    if (stop.aborted) endEarly();
    stop.addEventListener('abort', endEarly);
    const chosenPlace = anew ? null : await this.#startPosition();
    // Before anything is touched: is the log still complete from there? A log that is new to a merge begins here.
    const from = chosenPlace === null ? null : await source.attach(chosenPlace, signal);
    const routing: RouterOptions = {
      position: from ?? '',
      nextOrd: (await this.#store.checkpoint()).nextOrd,
      folder: this.#spoolFolder,
      limit: WAITING_BYTES,
      policyOf: (lane) => policyFor({ work, merges }, lane),
      source: {
        compare: (a, b) => source.compare(a, b),
        keepsValues: (before, after) => source.keepsValues(before, after),
      },
    };
    const { router, stream } = routed(source, routing);
    const context: RunContext = {
      work,
      source,
      target,
      store: this.#store,
      router,
      membership,
      merges,
      log,
      meter: new RunMeter(),
      spoolFolder: this.#spoolFolder,
      segmentFolder: this.#segmentFolder,
      signal,
      now: Date.now,
      elapsed: () => Math.floor(performance.now()),
    };
    const chosen = !work.begun && work.start === 'custom';
    for (const lane of this.#lanes.values()) {
      if (merges?.saysOtherwise(lane) === true)
        await this.#startOver(lane, 'its rows are to say otherwise where they come from');
      else if (isAway(source, lane))
        log.debug({ table: tableText(lane.source) }, 'a table waits for its server');
      else if (isOfAnotherServer(lane, source)) resetForLoad(lane, null, 'the server is another one now');
      else if (chosen && follows(lane.state) && lane.state !== 'pending' && lane.state !== 'live')
        await this.#startOver(
          lane,
          'what was kept of the log for it need not reach to the position that was chosen',
        );
      router.adopt(lane);
    }
    await merges?.beginAnew();
    // Whoever waits for the version finds the tables as it wants them.
    if (work.version !== work.runVersion) await this.#store.recordVersion(work.version);
    const parts = this.#parts(context);
    // Where the log tells DDL the catalog is looked at behind the place that is read; at first there is none.
    const begun = anew && source.ddl === 'log' ? await source.attach(null, signal) : null;
    if (source.ddl === 'catalog' || this.#lanes.size === 0) await parts.discovery.look();
    if (chosen && from !== null) {
      const options = { source, loads: work.spec.syncMode === 1, signal };
      const unfit = await unfitFrom(from, saved, this.#lanes.values(), options);
      for (const [lane, reason] of unfit) await this.#startOver(lane, reason);
      router.refresh();
    }
    if (work.spec.pipelineType === 1 && this.#lanes.size === 0)
      throw new SluiceError('NO_TABLES', 'None of the tables of the task exists at the source.');
    const position = from ?? begun ?? (await source.attach(null, signal));
    router.startAt(position);
    // Before a load of a table of a new log begins: whoever came after a crash would begin that log anew.
    if (!work.begun || position !== saved) await this.#store.begin(position);
    if (source instanceof CompositeSource && saved !== null) {
      const now = splitPositions(position);
      const left = [...splitPositions(saved).keys()].filter((label) => !now.has(label));
      const until = AbortSignal.any([stop, signal]);
      this.#beside.queue(() =>
        this.#options.forgetLogs(left, until).catch((error: unknown) => {
          if (!until.aborted) throw error;
        }),
      );
    }
    log.info(
      { position, tables: this.#lanes.size, start: anew ? 'stateless' : chosen ? 'custom' : 'resume' },
      'the run begins',
    );
    if (source instanceof CompositeSource)
      await noteAway(source, [...this.#lanes.values()], this.#store, log);
    this.#notePhase();
    stop.removeEventListener('abort', endEarly);
    await this.#follow(context, parts, position, stream);
  }

  #parts(context: RunContext): Parts {
    const lanes = (): Iterable<Lane> => this.#lanes.values();
    const discovery = new Discovery(context, {
      lanes: this.#lanes,
      handIn: (step) => parts.commits.handIn(step),
      tryAgain: (lane) => parts.orders.tryAgain(lane),
      pending: () => {
        parts.loader.nudge();
        this.#notePhase();
      },
    });
    const orders = new TableOrders(context, {
      lanes,
      waiting: () => commits.nudge(),
      reordered: () => parts.loader.nudge(),
      published: () => this.#nextLook.ring(),
      manySegments: (lane) => this.#beside.merge(context, lane),
      backfills: () => this.#backfills(context, commits),
    });
    const commits = new CommitLoop(context, {
      lanes,
      timing: () => timingOf(this.#options.work),
      onRenamed: (lane, before) => this.#rename(lane, before, commits),
      onMarks: (marks) => discovery.marksReturned(marks),
      onBacklog: (lane) => this.#beside.drain(context, lane, commits),
      onCommitted: (commit) => {
        this.#notePhase();
        parts.loader.nudge();
        this.#catalogLooks.committed(commit, discovery.waiting);
      },
      orders,
      phase: () => this.#currentPhase(),
    });
    context.router.onUnidentified = (lane) => {
      const name = tableText(lane.source);
      const trouble = new SluiceError(
        'TABLE_NO_IDENTITY',
        `The log no longer identifies the rows of ${name}.`,
      );
      commits.handIn(blocked(lane, trouble));
    };
    const loader = new Loader(context, {
      lanes,
      handIn: (step) => commits.handIn(step),
      onLoaded: () => this.#loaded(context, commits),
    });
    const parts: Parts = { discovery, commits, loader, orders };
    return parts;
  }

  /** Goes on as a run of the version that was published last, where it can be taken over. */
  async #takeOver(context: RunContext, loader: Loader): Promise<void> {
    const version = await this.#store.takeOver();
    if (version === null) return;
    const { spec, parameters } = context.work;
    if (spec.pipelineType === 2) {
      context.log.info({ version }, 'a new version is taken over');
      this.#renew(version);
      return;
    }
    context.log.info(
      { tables: spec.tables.length, schemas: spec.schemas, parameters },
      'a new version is taken over',
    );
    loader.nudge();
    this.#nextLook.ring();
  }

  #loaded(context: RunContext, commits: CommitLoop): void {
    commits.nudge();
    // What was read is complete as of the log's end now; without a mark a quiet log might never get there.
    context.source.mark('loaded', context.signal).catch((error: unknown) => this.#failBeside(error));
  }

  #backfills(context: RunContext, commits: CommitLoop): void {
    const lanes = (): Iterable<Lane> => this.#lanes.values();
    this.#beside.backfills(context, lanes, commits, () => this.#loaded(context, commits));
  }

  #rename(lane: Lane, before: string, commits: CommitLoop): void {
    if (this.#lanes.get(before) === lane) this.#lanes.delete(before);
    const former = this.#lanes.get(lane.objectId);
    this.#lanes.set(lane.objectId, lane);
    if (former === undefined || former === lane) return;
    // It lost its table earlier and keeps its target.
    former.objectId = `${former.objectId} left ${former.id}`;
    this.#lanes.set(former.objectId, former);
    commits.handIn(restarted(former));
  }

  #failure: unknown = null;
  #fail(error: unknown): void {
    if (this.#end.signal.aborted) return;
    this.#failure = error;
    this.#end.abort(error);
  }

  /** Of what is not needed for the last commit, which it would spoil: a stop ends the log under whoever waits for it. */
  #failBeside(error: unknown): void {
    if (!this.#stop.aborted) this.#fail(error);
  }

  async #follow(
    context: RunContext,
    parts: Parts,
    position: Position,
    stream: (from: Position, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { commits, loader, discovery, orders } = parts;
    const stop = this.#stop;
    const signal = this.#end.signal;
    // Stopping ends the loading and the reading; the commit loop then makes its last commit.
    const reading = AbortSignal.any([stop, signal]);
    setMaxListeners(0, reading);
    const guard = async (work: Promise<void>): Promise<void> => {
      try {
        await work;
      } catch (error) {
        if (!(stop.aborted && error === stop.reason)) this.#fail(error);
      }
    };
    const guardBeside = (work: Promise<void>): Promise<void> =>
      work.catch((error: unknown) => this.#failBeside(error));
    const onLook = (): void => {
      if (this.#catalogLooks.areAsked) this.#nextLook.ring();
      Promise.all([this.#takeOver(context, loader), orders.look()]).catch((error: unknown) =>
        this.#failBeside(error),
      );
    };
    this.#options.looks.on('look', onLook);
    onLook();
    this.#backfills(context, commits);
    const streaming = guard(stream(position, reading));
    const background = Promise.all([
      guardBeside(loader.run(reading)),
      guardBeside(pulses(context, this.#options.onPulse, reading)),
      guardBeside(this.#looks(discovery, commits, reading)),
      guardBeside(this.#heartbeats(reading)),
      guardBeside(this.#otherLogs(reading)),
    ]);
    const committing = guard(commits.run(reading));
    await Promise.all([streaming, committing]);
    // The rest may wait for somebody's transaction, or for a commit that does not come any more.
    this.#end.abort(stop.reason);
    await background;
    await this.#beside.drained();
    this.#options.looks.off('look', onLook);
    this.#catalogLooks.giveBack();
    await this.#beside.idle();
    context.router.discard();
    if (this.#failure !== null) throw this.#failure;
  }

  async #looks(discovery: Discovery, commits: CommitLoop, signal: AbortSignal): Promise<void> {
    if (this.#options.source.ddl === 'log') await this.#lookOnce(discovery, commits);
    while (!signal.aborted) {
      await this.#nextLook.wait(this.#options.work.parameters.discoverInterval, signal);
      if (!signal.aborted) await this.#lookOnce(discovery, commits);
    }
  }

  async #lookOnce(discovery: Discovery, commits: CommitLoop): Promise<void> {
    const looks = this.#catalogLooks.take();
    await discovery.look();
    if (looks.length > 0) this.#catalogLooks.shown({ looks, lanes: discovery.waiting, from: commits.want() });
  }

  async #heartbeats(signal: AbortSignal): Promise<void> {
    const { work, source } = this.#options;
    const next = new Alarm();
    while (!signal.aborted) {
      await next.wait(work.parameters.heartbeatInterval, signal);
      if (!signal.aborted) await source.mark('heartbeat', signal);
    }
  }

  /** A database that is new on a server of a merge, or a server that is back, is read from now on. */
  async #otherLogs(signal: AbortSignal): Promise<void> {
    const { source, work, canReadMore, log } = this.#options;
    if (!(source instanceof CompositeSource)) return;
    const next = new Alarm();
    while (!signal.aborted) {
      const { discoverInterval } = work.parameters;
      await next.wait(source.away.size > 0 ? Math.min(AWAY_MS, discoverInterval) : discoverInterval, signal);
      if (signal.aborted) return;
      try {
        if (await canReadMore(signal)) this.#renew(work.version);
      } catch (error) {
        // Whoever reads of that server finds out as well.
        if (!signal.aborted) log.debug({ err: error }, 'the servers could not be asked for their databases');
      }
    }
  }

  async #startPosition(): Promise<Position> {
    const { work } = this.#options;
    if (!work.begun && work.start === 'custom' && work.startPosition !== null) return work.startPosition;
    const { position } = await this.#store.checkpoint();
    if (position === null)
      throw new SluiceError('POSITION_UNAVAILABLE', 'The task has no saved position to go on from.', {
        remedy: 'Start the task stateless.',
      });
    return position;
  }

  /** Before anything is read: kept, since a later attempt no longer knows why. */
  async #startOver(lane: Lane, reason: string): Promise<void> {
    this.#options.log.warn({ table: tableText(lane.source), reason }, 'a table is loaded anew');
    resetForLoad(lane, null, reason);
    await this.#store.write(async (transaction) => {
      await this.#store.saveLane(transaction, lane);
      await dropChunks(transaction, lane.id);
    });
  }

  async #forget(): Promise<void> {
    await this.#store.reset();
    await rm(this.#segmentFolder, { recursive: true, force: true });
    await mkdir(this.#segmentFolder, { recursive: true, mode: 0o700 });
  }

  /** Segments whose commit never came. */
  async #removeStraySegments(): Promise<void> {
    const known = new Set<string>();
    for (const lane of this.#lanes.values())
      for (const segment of await readSegments(this.#store.db, lane.id)) known.add(segment.path);
    for (const name of await readdir(this.#segmentFolder)) {
      const path = join(this.#segmentFolder, name);
      if (!known.has(path)) await rm(path, { force: true });
    }
  }

  #currentPhase(): Phase {
    const loading = [...this.#lanes.values()].some((lane) => isOnItsWay(lane.state));
    return loading ? 'full_load' : 'incremental';
  }

  #notePhase(): void {
    const phase = this.#currentPhase();
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#options.onPhase(phase);
    this.#store.savePhase(phase).catch((error: unknown) => this.#failBeside(error));
  }
}

function timingOf({ parameters }: Work): CommitTiming {
  const intervalMs = parameters.commitInterval;
  return { intervalMs, idleMs: Math.max(1000, intervalMs), earlyLines: 1_000_000, lateLines: 20_000 };
}

interface Parts {
  readonly discovery: Discovery;
  readonly commits: CommitLoop;
  readonly loader: Loader;
  readonly orders: TableOrders;
}

/** Numbers of transactions in what is loaded mean nothing in this server's log. */
function isOfAnotherServer(lane: Lane, source: AskedSource): boolean {
  const visibility = lane.load?.visibility;
  return (
    follows(lane.state) && visibility?.kind === 'log' && visibility.server !== source.serverOf(lane.source)
  );
}

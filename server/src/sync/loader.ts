import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '@sluice/contract';
import { crashPoint } from '../model/crash-point.ts';
import { nextLaneState } from '../model/lane-state.ts';
import { tableText } from '../model/table.ts';
import type { LoadedTypedRows, TableSnapshot } from '../sources/source.ts';
import { type LanesByObject, lacksParents } from './cascades.ts';
import { type ChunkRow, chunkLoaded, dropChunks, readChunks } from './chunk-rows.ts';
import type { Lane } from './lane.ts';
import { NO_CONSTANTS, stagedBase } from './lane-batch.ts';
import { blocked, dropped, type LaneStep, resetForLoad } from './lane-turn.ts';
import { changedSince, type LoadedTable, type LoadOf, openLoad, plannedFor } from './load-opening.ts';
import type { RunContext } from './run-context.ts';

/** The bound of full_load_concurrency. */
const MOST_WORKERS = 64;

/** A table whose chunks are being read. */
interface ActiveLoad extends LoadOf {
  readonly snapshot: TableSnapshot;
  readonly chunks: number;
  readonly todo: ChunkRow[];
  running: number;
  failed: boolean;
}

/**
 * Runs the full loads of a task: tables in their order, chunks of a table beside each other, so many at a time as
 * the task's parameter allows. A chunk counts when its data files are durable and recorded.
 */
export class Loader {
  readonly #context: RunContext;
  readonly #lanes: () => Iterable<Lane>;
  readonly #handIn: (step: LaneStep) => void;
  readonly #onLoaded: (lane: Lane) => void;
  readonly #active: ActiveLoad[] = [];
  readonly #beginning = new Set<Lane>();
  /** Workers that read from the source. */
  #reading = 0;
  #wake: (() => void)[] = [];

  constructor(
    context: RunContext,
    options: {
      readonly lanes: () => Iterable<Lane>;
      /** For a lane that goes to the blocklist. */
      readonly handIn: (step: LaneStep) => void;
      readonly onLoaded: (lane: Lane) => void;
    },
  ) {
    this.#context = context;
    this.#lanes = options.lanes;
    this.#handIn = options.handIn;
    this.#onLoaded = options.onLoaded;
  }

  /** A lane is pending that was not. */
  nudge(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Runs until the signal aborts. @throws what ends the attempt */
  async run(signal: AbortSignal): Promise<void> {
    const wakeAll = (): void => this.nudge();
    signal.addEventListener('abort', wakeAll, { once: true });
    try {
      await Promise.all(Array.from({ length: MOST_WORKERS }, (_, number) => this.#work(number, signal)));
    } finally {
      signal.removeEventListener('abort', wakeAll);
      for (const load of this.#active.splice(0)) await load.snapshot[Symbol.asyncDispose]();
    }
  }

  async #work(number: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // May change while it runs: who is too many rests after its chunk. One more than may read, so that the source is
      // read on while a chunk becomes files.
      const { fullLoadConcurrency } = this.#context.work.parameters;
      if (number > fullLoadConcurrency || this.#reading >= fullLoadConcurrency) {
        await this.#sleep();
        continue;
      }
      const load = first(
        this.#active.filter((one) => one.todo.length > 0 && !one.failed),
        (one) => one.lane.priority,
      );
      const lane = this.#next();
      if (load === undefined && lane === undefined) {
        await this.#sleep();
        continue;
      }
      const doneReading = this.#beginReading();
      try {
        if (load !== undefined && !(lane !== undefined && lane.priority > load.lane.priority))
          await this.#chunk(load, load.todo.shift()!, doneReading, signal);
        else await this.#begin(lane!, signal);
      } finally {
        doneReading();
      }
    }
  }

  /** @returns what to call when the source is no longer read; again is no harm */
  #beginReading(): () => void {
    let reads = true;
    this.#reading++;
    return () => {
      if (!reads) return;
      reads = false;
      this.#reading--;
      this.nudge();
    };
  }

  /** Those that people want first come first, then loads that were under way, whatever a restart has left of them. */
  #next(): Lane | undefined {
    const free = [...this.#lanes()].filter(
      (lane) =>
        lane.published &&
        !this.#beginning.has(lane) &&
        !this.#active.some((load) => load.lane === lane) &&
        !lacksParents(lane, this.#byObject()),
    );
    const waiting = [
      ...free.filter((lane) => lane.state === 'loading'),
      ...free.filter((lane) => lane.state === 'pending'),
    ];
    return first(waiting, (lane) => lane.priority);
  }

  #byObject(): LanesByObject {
    return new Map([...this.#lanes()].map((lane) => [lane.objectId, lane]));
  }

  /** Until the next nudge, which the end is as well. */
  #sleep(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  async #begin(lane: Lane, signal: AbortSignal): Promise<void> {
    this.#beginning.add(lane);
    const { generation } = lane;
    let found: LoadedTable | null = null;
    const onFound = (table: LoadedTable): void => {
      found = table;
    };
    try {
      await this.#open(lane, onFound, signal);
      this.nudge();
    } catch (error) {
      await this.#trouble({ lane, generation, of: () => found }, error, signal);
    } finally {
      this.#beginning.delete(lane);
    }
  }

  async #open(lane: Lane, onFound: (table: LoadedTable) => void, signal: AbortSignal): Promise<void> {
    const opened = await openLoad(this.#context, () => this.#byObject(), lane, onFound, signal);
    if (opened === null) return;
    const todo = opened.chunks.filter((chunk) => chunk.files === null);
    const { generation, snapshot } = opened;
    const chunks = opened.chunks.length;
    const load: ActiveLoad = {
      lane,
      generation,
      of: () => plannedFor(lane),
      snapshot,
      chunks,
      todo: [...todo],
      running: 0,
      failed: false,
    };
    this.#active.push(load);
    this.#context.meter.loads.begun(lane.id, this.#context.now());
    this.#context.log.info({ table: tableText(lane.source), chunks, left: todo.length }, 'full load begins');
    if (todo.length > 0) return;
    try {
      await this.#finish(load, signal);
    } finally {
      await this.#close(load);
    }
  }

  async #chunk(
    load: ActiveLoad,
    chunk: ChunkRow,
    doneReading: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    load.running++;
    try {
      if (load.lane.generation === load.generation) await this.#load(load, chunk, doneReading, signal);
    } catch (error) {
      load.failed = true;
      load.running--;
      if (load.running === 0) await this.#close(load);
      await this.#trouble(load, error, signal);
      return;
    }
    load.running--;
    if (load.running > 0) return;
    // Of a failed load the last chunk under way closes it, whatever is left to do.
    if (load.failed || load.lane.generation !== load.generation) {
      await this.#close(load);
      this.nudge();
      return;
    }
    if (load.todo.length > 0) return;
    try {
      await this.#finish(load, signal);
    } catch (error) {
      await this.#trouble(load, error, signal);
    } finally {
      await this.#close(load);
      this.nudge();
    }
  }

  async #load(
    load: ActiveLoad,
    chunk: ChunkRow,
    doneReading: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { lane } = load;
    const { target, spoolFolder } = this.#context;
    const file = join(spoolFolder, `load-${lane.id}-${lane.generation}-${chunk.number}.rows`);
    const { columns, identity } = lane.kept.schema;
    const view = this.#context.merges?.view(lane) ?? null;
    try {
      const copied = await this.#copy(load, chunk, file, signal);
      doneReading();
      if (copied.rows === 0) {
        await this.#record(load, chunk, { files: '[]', rows: 0, nulledValues: 0 });
        return;
      }
      const loaded = await target.loadChunk(
        stagedBase(lane),
        {
          file,
          columns: view?.columns(columns) ?? columns,
          constants: view?.constants ?? (lane.kept.target === undefined ? null : NO_CONSTANTS),
          typed: copied.typed,
          key: identity.kind === 'key' ? identity.columns : [],
          longestLine: copied.longestLine,
          lossy: copied.lossy,
          takenAt: BigInt(lane.load!.takenAt),
        },
        lane.source,
        signal,
      );
      if (loaded.rows !== copied.rows)
        throw new SluiceError(
          'INTERNAL',
          `${copied.rows} rows of ${tableText(lane.source)} were read and ${loaded.rows} written.`,
        );
      crashPoint('after-chunk-file');
      await this.#record(load, chunk, loaded);
    } finally {
      await rm(file, { force: true });
    }
  }

  async #copy(
    load: ActiveLoad,
    chunk: ChunkRow,
    file: string,
    signal: AbortSignal,
  ): Promise<Omit<LoadedTypedRows, 'typed'> & { readonly typed: readonly boolean[] | null }> {
    const handle = await open(file, 'w');
    let written = 0;
    const write = async (bytes: Buffer): Promise<void> => {
      try {
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, written);
          done += bytesWritten;
          written += bytesWritten;
        }
        this.#context.meter.loadRead(bytes.length);
      } catch (error) {
        throw fileError(error, file);
      }
    };
    try {
      const typed = await load.snapshot.copyTyped?.(chunk.range, write, signal);
      if (typed) return typed;
      await handle.truncate(0);
      written = 0;
      return { ...(await load.snapshot.copy(chunk.range, write, signal)), typed: null };
    } finally {
      await handle.close();
    }
  }

  async #record(
    load: ActiveLoad,
    chunk: ChunkRow,
    loaded: { readonly files: string; readonly rows: number; readonly nulledValues: number },
  ): Promise<void> {
    const { lane, generation } = load;
    const { store } = this.#context;
    const recorded = await store.writeIf(
      () => lane.generation === generation,
      async (transaction) => {
        lane.rowsLoaded += loaded.rows;
        lane.nulledValues += loaded.nulledValues;
        await chunkLoaded(transaction, lane.id, chunk.number, loaded);
        await store.saveLane(transaction, lane);
      },
    );
    if (!recorded) return;
    this.#context.meter.loads.chunkLoaded(lane.id, loaded.rows, this.#context.now());
  }

  async #finish(load: ActiveLoad, signal: AbortSignal): Promise<void> {
    const { lane, generation } = load;
    const { source, store, target, log } = this.#context;
    // Until it is recorded the load stays among the active ones, or another worker would take it for one to go on with.
    await load.snapshot[Symbol.asyncDispose]();
    // Every transaction that any of the snapshots showed lies before this.
    const consistentFrom = await source.head(signal);
    const chunks = await readChunks(store.db, lane.id);
    // Those there may be are not its own any more.
    if (lane.generation !== generation) return;
    const files = chunks.flatMap((chunk) => (chunk.files === null ? [] : [chunk.files]));
    if (files.length !== load.chunks)
      throw new SluiceError('INTERNAL', `A load of ${tableText(lane.source)} ended with chunks missing.`);
    const staged = await target.stageLoaded(lane.target, stagedBase(lane), files, consistentFrom);
    const recorded = await store.writeIf(
      () => lane.generation === generation,
      async (transaction) => {
        lane.state = nextLaneState(lane.state, 'loaded');
        lane.priority = 0;
        lane.load = { ...lane.load!, staged: staged.location, consistentFrom };
        await store.saveLane(transaction, lane);
        await dropChunks(transaction, lane.id);
      },
    );
    if (!recorded) return;
    log.info({ table: tableText(lane.source), rows: lane.rowsLoaded }, 'full load complete');
    this.#onLoaded(lane);
  }

  async #close(load: ActiveLoad): Promise<void> {
    const index = this.#active.indexOf(load);
    if (index >= 0) this.#active.splice(index, 1);
    this.#context.meter.loads.ended(load.lane.id);
    await load.snapshot[Symbol.asyncDispose]();
  }

  /** A trouble of the table stops the table; a change of its schema starts its load over; anything else ends the attempt. */
  async #trouble(load: LoadOf, error: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { lane } = load;
    const trouble = SluiceError.from(error);
    const hasChanged = (): Promise<boolean> => changedSince(this.#context, this.#byObject(), load, signal);
    // Its load was given up meanwhile, and with it whatever went wrong: the log may have told what blocks the table.
    const isGivenUp = (): boolean => lane.generation !== load.generation || lane.state === 'blocked';
    // The log tells of a table's change later than its load finds it.
    let changed = trouble.code === 'TABLE_SCHEMA' && (await hasChanged());
    if (isGivenUp()) {
      this.nudge();
      return;
    }
    if (trouble.code === 'TABLE_DROPPED') {
      this.#context.log.warn({ table: tableText(lane.source) }, 'a table is gone at the source');
      this.#handIn(dropped(lane, 'is gone at the source'));
      return;
    }
    if (trouble.rule.scope === 'table' && !changed) {
      this.#context.log.warn(
        { table: tableText(lane.source), code: trouble.code, cause: trouble.message },
        'a table is stopped',
      );
      this.#handIn(blocked(lane, trouble));
      return;
    }
    if (trouble.code === 'SOURCE_LOCKED') {
      // The load is closed, and its locks with it; it begins again behind the statement that waited for them.
      this.#context.log.info({ table: tableText(lane.source), cause: trouble.message }, 'a load gives way');
      this.nudge();
      return;
    }
    if (!changed && trouble.rule.retry !== 'always') {
      changed = await hasChanged();
      if (isGivenUp()) {
        this.nudge();
        return;
      }
    }
    if (!changed) throw trouble;
    this.#context.log.warn(
      { table: tableText(lane.source), cause: trouble.message },
      'the table changed while it was loaded; it begins anew',
    );
    resetForLoad(lane, null, 'it changed at the source while it was loaded');
    // A commit under way leaves out what it had of its former life.
    lane.settle = true;
    this.nudge();
  }
}

/** The one with the greatest priority; of several the one that comes first. */
function first<T>(all: readonly T[], priority: (one: T) => number): T | undefined {
  return all.reduce<T | undefined>(
    (best, one) => (best === undefined || priority(one) > priority(best) ? one : best),
    undefined,
  );
}

function fileError(error: unknown, file: string): SluiceError {
  const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
  return new SluiceError(
    full ? 'STORAGE_FULL' : 'STORAGE_FAILED',
    `Rows could not be written to ${file}: ${(error as Error).message}`,
    { cause: error },
  );
}

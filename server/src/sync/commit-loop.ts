import { rm } from 'node:fs/promises';
import { crashPoint } from '../model/crash-point.ts';
import { follows, type LaneState } from '../model/lane-state.ts';
import { tableKey, tableText } from '../model/table.ts';
import type { Position } from '../sources/source.ts';
import type { MergedStep } from '../targets/target.ts';
import { CascadingSteps } from './cascading-steps.ts';
import { joinStepDue } from './catch-up.ts';
import type { Lane } from './lane.ts';
import { makeLaneStep } from './lane-step.ts';
import { blocked, type LaneStep } from './lane-turn.ts';
import type { Sealed } from './router.ts';
import type { RunContext } from './run-context.ts';
import type { Checkpoint } from './run-store.ts';
import { addSegment, dropSegments, segmentPaths } from './segment-rows.ts';
import type { SpoolPart } from './spool.ts';
import type { TableOrders } from './table-orders.ts';

/** Tables whose steps are made at a time: DuckDB shares its threads and its memory among them. */
const STEPS_AT_ONCE = 2;
/** A step of few lines waits for the disk about as long as it works, and needs little memory. */
const SMALL_STEPS_AT_ONCE = 4;
const SMALL_COMMIT_LINES = 100_000;

/**
 * A run that goes on has a backlog to read: its first commit is so long after the first of it came. One of the little
 * that has come by then would have all the rest wait for a whole interval.
 */
const FIRST_MS = 500;

/**
 * As long after that maintenance keeps out of the way: what a process knew is read anew meanwhile, files' keys above all, and
 * both together had its commits take four seconds for half a minute.
 */
const BEGINS_MS = 20_000;

/** A backlog is what is late by so many intervals: a commit that took long now and then makes none. */
const BACKLOG_INTERVALS = 3;

/** A commit begins before its interval is over by what it takes, and by no more than this part of the interval. */
const EARLY_PART = 5;

export interface CommitTiming {
  /** From the beginning of one commit to about the end of the next, if none takes longer. */
  readonly intervalMs: number;
  /** A commit with a new position and nothing else is made no more often. */
  readonly idleMs: number;
  /** Lines that make a commit due before its time. */
  readonly earlyLines: number;
  /** Lines that do so where they are late already: of transactions older than the interval. */
  readonly lateLines: number;
}

/** A step, and which life of its lane it was made for: the catalog is looked at meanwhile, and may begin another. */
interface MadeStep {
  readonly step: LaneStep;
  readonly generation: number;
}

/** A step of an older life is left out, and with it lines that only the next load can bring. */
function isOfNow({ step, generation }: MadeStep): boolean {
  if (step.lane.generation === generation) return true;
  step.lane.settle = true;
  return false;
}

/** When the next commit is due, in milliseconds from now; null: nothing waits. */
export function dueIn(
  state: {
    readonly waiting: 'changes' | 'position' | 'nothing';
    readonly joins: boolean;
    readonly lines: number;
    /** How long ago the oldest transaction that waits was committed at the source; null: none waits. */
    readonly ageMs: number | null;
    readonly sinceMs: number;
    /** What the last commit with changes took. */
    readonly commitMs: number;
  },
  timing: CommitTiming,
): number | null {
  if (state.lines >= timing.earlyLines) return 0;
  // A backlog: what is late already gains nothing by waiting on, and the commits go on beside the reading.
  if (state.lines >= timing.lateLines && (state.ageMs ?? 0) > timing.intervalMs) return 0;
  // So that what waited longest is visible about when the interval is over. Slow commits are not made much oftener.
  const early = Math.min(state.commitMs, timing.intervalMs / EARLY_PART);
  if (state.waiting === 'changes' || state.joins)
    return Math.max(0, timing.intervalMs - early - state.sinceMs);
  if (state.waiting === 'position') return Math.max(0, timing.idleMs - state.sinceMs);
  return null;
}

/**
 * Whether a commit is one of many that read a backlog. It has to be late and large, so that a source whose clock goes after
 * ours is not behind for ever; or of a run that began so long ago with changes that were late already.
 */
export function isBacklog(
  state: {
    readonly lines: number;
    /** Of its oldest transaction, when it began; null: of none the time is known. */
    readonly ageMs: number | null;
    /** null: the run's first changes were not late */
    readonly sinceLateStartMs: number | null;
  },
  timing: CommitTiming,
): boolean {
  if (state.sinceLateStartMs !== null && state.sinceLateStartMs < BEGINS_MS) return true;
  return state.lines >= timing.lateLines && (state.ageMs ?? 0) > timing.intervalMs * BACKLOG_INTERVALS;
}

export interface CommitLoopOptions {
  readonly lanes: () => Iterable<Lane>;
  /** Asked before each commit: it may change. */
  readonly timing: () => CommitTiming;
  /** Marks came back from the log, before the lanes' steps of this commit are made. */
  readonly onMarks: (marks: readonly string[]) => void;
  /** A loaded lane has more segments than a commit can take. */
  readonly onBacklog: (lane: Lane) => void;
  /** With the commit's number (CommitLoop.want). */
  readonly onCommitted: (commit: number) => void;
  /** What people ordered is carried out with a commit. */
  readonly orders: Pick<TableOrders, 'isWaiting' | 'carryOut'>;
  /** A lane's table bears another name now. */
  readonly onRenamed: (lane: Lane, before: string) => void;
  readonly phase: () => string;
}

/**
 * Makes the commits of a run, one after the other: seals what was read, makes a step of each table that changed,
 * and records all of them with the position in one transaction. While it works, the reader goes on.
 */
export class CommitLoop {
  readonly #context: RunContext;
  readonly #lanes: () => Iterable<Lane>;
  readonly #timing: () => CommitTiming;
  readonly #options: CommitLoopOptions;
  #checkpoint: Checkpoint | null = null;
  #wake: () => void = () => {};
  /** This and other times of its own by RunContext.elapsed: were a clock set back, nothing would be due for as long. */
  #lastBegin = Number.NEGATIVE_INFINITY;
  /** When changes came first in this run, and whether they were late. */
  #first: { readonly at: number; readonly isLate: boolean } | null = null;
  #commitMs = 0;
  /** Steps that other parts of the run hand in for the next commit. */
  #handedIn: MadeStep[] = [];

  constructor(context: RunContext, options: CommitLoopOptions) {
    this.#context = context;
    this.#lanes = options.lanes;
    this.#timing = options.timing;
    this.#options = options;
    context.router.onWaiting = () => this.#wake();
  }

  /** Something outside the log wants a commit (a lane is ready to join). */
  nudge(): void {
    this.#wake();
  }

  #begun = 0;
  #wanted = false;

  /** Has a commit made at once, whether or not anything waits for one. @returns the number of the next one that begins */
  want(): number {
    this.#wanted = true;
    this.#wake();
    return this.#begun + 1;
  }

  handIn(step: LaneStep): void {
    this.#handedIn.push({ step, generation: step.lane.generation });
    this.#wake();
  }

  /** Runs until the stop signal; what was read whole by then is committed before it returns. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const due = this.#due();
      if (due === 0) await this.commit();
      else {
        // A backlog's last commit may have been as large and as late as the others.
        if (due === null) this.#context.target.besideBacklog(false);
        await this.#sleep(due, stop);
      }
    }
    await this.commit();
  }

  #due(): number | null {
    if (this.#wanted) return 0;
    const router = this.#context.router;
    const { intervalMs } = this.#timing();
    const elapsed = this.#context.elapsed();
    const ageMs =
      router.waitingSince === null ? null : this.#context.now() - Number(router.waitingSince / 1000n);
    if (this.#first === null && router.waiting === 'changes') {
      this.#first = { at: elapsed, isLate: (ageMs ?? 0) > intervalMs };
      if (this.#first.isLate) this.#lastBegin = elapsed - Math.max(0, intervalMs - FIRST_MS);
    }
    const joins =
      this.#handedIn.length > 0 ||
      this.#options.orders.isWaiting ||
      this.#context.target.upkeepWaits() ||
      [...this.#lanes()].some((lane) => joinStepDue(lane));
    return dueIn(
      {
        waiting: router.waiting,
        joins,
        lines: router.linesWaiting,
        ageMs,
        sinceMs: elapsed - this.#lastBegin,
        commitMs: this.#commitMs,
      },
      this.#timing(),
    );
  }

  #sleep(ms: number | null, stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        stop.removeEventListener('abort', done);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(done, Math.min(ms ?? 1000, 1000));
      // A wake-up only means that something waits; whether it is due is asked again.
      this.#wake = done;
      stop.addEventListener('abort', done, { once: true });
    });
  }

  async commit(): Promise<void> {
    const context = this.#context;
    const begunAt = context.elapsed();
    this.#lastBegin = begunAt;
    const tookMs = (): number => context.elapsed() - begunAt;
    const number = ++this.#begun;
    this.#wanted = false;
    const orders = await this.#options.orders.carryOut();
    for (const step of orders.steps) this.handIn(step);
    if (orders.steps.length > 0) context.router.refresh();
    const sealed = context.router.seal();
    const ageMs = latencyOf(sealed, context.now());
    const handedIn = this.#handedIn.splice(0);
    this.#options.onMarks(sealed.marks);
    const made = await this.#withoutConflicts([...handedIn, ...(await this.#steps(sealed))]);
    const before = this.#checkpoint ?? (await context.store.checkpoint());
    const state = {
      lines: sealed.rows,
      ageMs,
      sinceLateStartMs: this.#first?.isLate === true ? context.elapsed() - this.#first.at : null,
    };
    context.target.besideBacklog(isBacklog(state, this.#timing()));
    const upkeep = await context.target.stageUpkeep([
      ...made.map(({ step }) => step.lane.target),
      // Files of the visible table that a state beside it goes on from have to stay.
      ...[...this.#lanes()].filter((lane) => lane.load?.fromVisible !== undefined).map((lane) => lane.target),
    ]);
    const steps = made.filter(isOfNow).map(({ step }) => step);
    const rows = steps.reduce((sum, step) => sum + step.rows, 0);
    const written = steps.reduce((sum, step) => sum + (step.step?.staged.rowsWritten ?? 0), 0);
    const checkpoint: Checkpoint = {
      position: sealed.position,
      nextOrd: sealed.nextOrd,
      rowsRead: before.rowsRead + sealed.rows,
      rowsWritten: before.rowsWritten + written,
    };
    const latencyMs = latencyOf(sealed, context.now());
    crashPoint('before-commit');
    const tableSteps = steps.flatMap((step) => (step.step === null ? [] : [step.step]));
    const renamed = new Map<Lane, string>();
    const merged = this.#merged(made, sealed.position);
    await context.target.commit(
      [...tableSteps, ...upkeep],
      async (transaction) => {
        await context.store.fence(transaction);
        for (const { step, generation } of made) {
          if (!steps.includes(step)) continue;
          // Sent back to the queue of loads since: what the table shows now stays, and the load takes its place later.
          if (step.becomes.objectId !== undefined) renamed.set(step.lane, step.lane.objectId);
          if (step.lane.generation === generation) Object.assign(step.lane, step.becomes);
          if (step.step !== null) step.lane.latencyMs = latencyMs;
          await context.store.saveLane(transaction, step.lane, step.error);
          for (const segment of step.segments) await addSegment(transaction, step.lane.id, segment);
          // Not those of the steps that follow: the load that an order began may have its snapshot from before their lines.
          await this.#dropUsed(transaction, step);
        }
        await orders.record(transaction);
        await context.store.saveCheckpoint(transaction, {
          ...checkpoint,
          position: sealed.position,
          phase: this.#options.phase(),
        });
        await context.merges?.record(transaction, merged);
      },
      merged,
    );
    context.merges?.recorded(merged);
    const visibleAfter = latencyOf(sealed, context.now());
    crashPoint('after-commit');
    this.#checkpoint = checkpoint;
    orders.done();
    for (const [lane, objectId] of renamed) this.#options.onRenamed(lane, objectId);
    // Writers of lanes whose state changed wrote for the old one.
    if (steps.some((step) => step.error !== undefined || step.becomes.state !== undefined))
      context.router.refresh();
    context.router.eventsSettled(sealed.events);
    await this.#cleanUp(sealed);
    for (const lane of this.#lanes())
      if (joinStepDue(lane) && !steps.some((step) => step.lane === lane && step.usedSegments !== null))
        this.#options.onBacklog(lane);
    crashPoint('before-acknowledge');
    context.source.acknowledge(sealed.position);
    this.#options.onCommitted(number);
    const parts = [...sealed.lanes.values()].flat();
    if (rows > 0) this.#commitMs = tookMs();
    context.meter.committed({
      durationMs: tookMs(),
      latencyMs: visibleAfter,
      laneIds: steps.flatMap(({ step, lane }) => (step === null ? [] : [lane.id])),
      bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    });
    if (rows > 0 || handedIn.length > 0)
      context.log.info({ position: sealed.position, tables: steps.length, rows, ms: tookMs() }, 'committed');
  }

  /** A shard whose rows would have a key of another shard's stops; what is visible of it stays. */
  async #withoutConflicts(made: readonly MadeStep[]): Promise<readonly MadeStep[]> {
    const { merges, target, signal, log } = this.#context;
    const keyed = merges?.keyed() ?? [];
    if (keyed.length === 0) return made;
    const steps = made.flatMap((one) => (isOfNow(one) && one.step.step !== null ? [one.step.step] : []));
    const errors = new Map(
      (await target.keyConflicts(steps, keyed, signal)).map(({ line, error }) => [tableKey(line), error]),
    );
    return made.map((one) => {
      const { lane } = one.step;
      const error = one.step.step === null ? undefined : errors.get(tableKey(one.step.step.table));
      if (error === undefined || !isOfNow(one)) return one;
      log.warn(
        { table: tableText(lane.source), code: error.code, cause: error.message },
        'a table is blocked',
      );
      return { step: blocked(lane, error), generation: lane.generation };
    });
  }

  /** The merged tables that the commit brings up to date. */
  #merged(made: readonly MadeStep[], position: Position): readonly MergedStep[] {
    const after = new Map<Lane, LaneState>();
    for (const one of made)
      if (isOfNow(one) && one.step.becomes.state !== undefined)
        after.set(one.step.lane, one.step.becomes.state);
    const stateOf = (lane: Lane): LaneState => after.get(lane) ?? lane.state;
    return this.#context.merges?.dueAfter(this.#lanes(), stateOf, position) ?? [];
  }

  async #steps(sealed: Sealed): Promise<readonly MadeStep[]> {
    const work = new Map<Lane, readonly SpoolPart[]>();
    for (const lane of this.#lanes()) if (joinStepDue(lane) || lane.seen !== null) work.set(lane, []);
    for (const lane of sealed.events.keys()) if (follows(lane.state)) work.set(lane, []);
    for (const [lane, parts] of sealed.lanes) if (follows(lane.state)) work.set(lane, parts);
    const cascading = new CascadingSteps(this.#context, [...this.#lanes()], sealed.nextOrd);
    const steps: MadeStep[] = [];
    for (;;) {
      const queue = cascading.next(work.keys());
      if (queue.length === 0) break;
      const worker = async (): Promise<void> => {
        for (let lane = queue.shift(); lane !== undefined; lane = queue.shift()) {
          const parts = work.get(lane) ?? [];
          const events = sealed.events.get(lane) ?? [];
          const before = lane.generation;
          const read = { parts, events, ...cascading.of(lane) };
          const step = await makeLaneStep(this.#context, lane, read, sealed.position);
          await cascading.made(lane, step);
          // The step itself may send the lane back to the queue of loads; then it is of the lane as it left it.
          steps.push({ step, generation: step.sentBack ? lane.generation : before });
        }
      };
      const atOnce = sealed.rows <= SMALL_COMMIT_LINES ? SMALL_STEPS_AT_ONCE : STEPS_AT_ONCE;
      await Promise.all(Array.from({ length: atOnce }, worker));
    }
    await cascading.removeFiles();
    return steps;
  }

  readonly #usedFiles: string[] = [];

  async #dropUsed(
    transaction: Parameters<RunContext['store']['saveLane']>[0],
    { lane, usedSegments }: LaneStep,
  ): Promise<void> {
    if (usedSegments === null) return;
    const segments = await segmentPaths(transaction, lane.id, usedSegments);
    this.#usedFiles.push(...segments);
    await dropSegments(transaction, lane.id, usedSegments);
  }

  async #cleanUp(sealed: Sealed): Promise<void> {
    const files = [...sealed.lanes.values()].flat().map((part) => part.file);
    await Promise.all([...files, ...this.#usedFiles.splice(0)].map((file) => rm(file, { force: true })));
  }
}

/** From the commit of its first transaction at the source until now. */
function latencyOf({ firstCommit }: Sealed, now: number): number | null {
  return firstCommit === null ? null : Math.max(0, now - Number(firstCommit / 1000n));
}

import { SluiceError, type TaskParameters } from '@sluice/contract';
import {
  appliesNone,
  follows,
  LANE_STATES,
  type LaneOrder,
  type LaneState,
  nextLaneState,
  refusalOf,
} from '../model/lane-state.ts';
import { tableText } from '../model/table.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import { referencesTo } from './cascades.ts';
import { dropChunks } from './chunk-rows.ts';
import type { FromVisible, Lane } from './lane.ts';
import { besideVisible } from './lane-batch.ts';
import { type LaneStep, lapsed, recorded, resetForLoad } from './lane-turn.ts';
import type { RunContext } from './run-context.ts';
import { ofSource, stillRefused } from './schema-verdict.ts';
import { MANY_SEGMENTS } from './segment-merge.ts';

/** What somebody ordered for a table, as the metastore keeps it until it is carried out. */
interface Order {
  readonly id: number;
  readonly laneId: number;
  readonly kind: LaneOrder;
  readonly filter: string | null;
  readonly by: string;
}

/** What orders ask of the run's other parts. */
export interface OrdersPort {
  readonly lanes: () => Iterable<Lane>;
  /** A commit is wanted, to carry them out with. */
  readonly waiting: () => void;
  /** Lanes may be loaded that could not, or in another order. */
  readonly reordered: () => void;
  /** Other tables are followed than were: what the source publishes is to be looked at. */
  readonly published: () => void;
  /** A lane that applies none has many segments. */
  readonly manySegments: (lane: Lane) => void;
  /** Some lane is backfilling that was not. */
  readonly backfills: () => void;
}

/** What a commit takes along of orders: what became of the lanes, and how that is recorded with it. */
export interface CarriedOut {
  readonly steps: readonly LaneStep[];
  readonly record: (transaction: MetastoreDb) => Promise<void>;
  /** Behind the commit. */
  readonly done: () => void;
}

/**
 * Carries out what people order for single tables (lane-state.ts). Orders stand in the metastore; each is carried
 * out at the beginning of a commit, when no step of its lane is being made, and recorded with that commit: a crash
 * in between leaves it to the next attempt.
 */
export class TableOrders {
  readonly #context: RunContext;
  readonly #port: OrdersPort;
  #waiting: readonly Order[] = [];
  #looking: Promise<void> = Promise.resolve();
  /** Carried out, and perhaps not recorded yet. */
  readonly #taken = new Set<number>();
  #lapsesAt = 0;

  constructor(context: RunContext, port: OrdersPort) {
    this.#context = context;
    this.#port = port;
  }

  /** Reads the orders that wait. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      const { store, work } = this.#context;
      const asked = await readOrders(store.db, work.taskId);
      this.#waiting = asked.filter(({ id }) => !this.#taken.has(id));
      if (this.#waiting.length > 0) this.#port.waiting();
    });
    return this.#looking;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0 || this.#again.size > 0;
  }

  readonly #again = new Set<Lane>();

  /** What a person who starts the task orders for a lane whose changes could not be applied. */
  tryAgain(lane: Lane): void {
    this.#again.add(lane);
    this.#port.waiting();
  }

  /** At the beginning of a commit. */
  async carryOut(): Promise<CarriedOut> {
    const effects: Effects = { steps: [], records: [], done: new Set() };
    const orders = this.#waiting;
    this.#waiting = [];
    const byId = new Map([...this.#port.lanes()].map((lane) => [lane.id, lane]));
    for (const order of orders) {
      this.#taken.add(order.id);
      const lane = byId.get(order.laneId);
      const refused = lane === undefined ? 'it is no longer a table of the task' : this.#refusal(lane, order);
      const failed = lane === undefined || refused !== null ? null : await this.#try(lane, order, effects);
      effects.records.push(async (transaction) => {
        await endOrder(transaction, order.id, refused ?? failed);
        if (lane !== undefined)
          await this.#context.store.timeline.ordered(transaction, lane, order, refused ?? failed);
      });
    }
    for (const lane of this.#again) {
      this.#again.delete(lane);
      if (lane.state === 'stalled' && stillRefused(this.#context, lane) === null)
        effects.steps.push(await this.#replay(lane));
    }
    await this.#lapse(effects);
    return {
      steps: effects.steps,
      record: async (transaction) => {
        for (const record of effects.records) await record(transaction);
      },
      done: () => {
        for (const { id } of orders) this.#taken.delete(id);
        for (const one of effects.done) one();
      },
    };
  }

  /** Why an order cannot be carried out; null: it can. */
  #refusal(lane: Lane, order: Order): string | null {
    const byState = refusalOf(lane.state, order.kind);
    if (byState !== null) return byState;
    const refused =
      order.kind === 'start' && lane.state === 'stalled' ? stillRefused(this.#context, lane) : null;
    if (refused !== null) return refused.message;
    if (order.kind === 'backfill' && lane.kept.schema.identity.kind === 'row')
      return 'it has no key by which single rows could be replaced; `resync-table` loads it anew';
    if (order.kind !== 'pause' && order.kind !== 'backfill') return null;
    const child = referencesTo(lane, this.#port.lanes()).find(
      (reference) => reference.child !== lane && !reference.rule.logged,
    )?.child;
    return child === undefined
      ? null
      : `what foreign keys do to ${tableText(child.source)} is told from its changes, for the server does not log it; stop that one first`;
  }

  /** @returns why it could not be carried out after all */
  async #try(lane: Lane, order: Order, effects: Effects): Promise<string | null> {
    try {
      effects.steps.push(await this.#apply(lane, order, effects));
    } catch (error) {
      const trouble = SluiceError.from(error);
      if (trouble.rule.scope !== 'table') throw error;
      return trouble.message;
    }
    this.#context.log.info(
      { table: tableText(lane.source), order: order.kind, by: order.by, state: lane.state },
      'an order is carried out',
    );
    return null;
  }

  async #apply(lane: Lane, order: Order, effects: Effects): Promise<LaneStep> {
    switch (order.kind) {
      case 'prioritize':
        lane.state = nextLaneState(lane.state, 'prioritize');
        lane.priority = 1 + Math.max(...[...this.#port.lanes()].map((one) => one.priority));
        effects.done.add(this.#port.reordered);
        return recorded(lane);
      case 'pause':
        lane.state = nextLaneState(lane.state, 'pause');
        return recorded(lane);
      case 'recover':
        if (lane.state === 'lapsed') return this.#anew(lane, order, effects);
        return this.#beside(lane, 'recover', { kind: 'replay', exact: lane.exact });
      case 'backfill': {
        effects.done.add(this.#port.backfills);
        const filter = order.filter ?? '';
        const step = await this.#beside(lane, 'backfill', { kind: 'backfill', exact: lane.exact, filter });
        return { ...step, error: null };
      }
      case 'cancel': {
        if (lane.state !== 'backfilling') return this.#halt(lane, 'cancel', effects);
        const exact = lane.load?.fromVisible?.exact ?? false;
        return this.#beside(lane, 'cancel', { kind: 'replay', exact });
      }
      case 'stop':
        return this.#halt(lane, 'stop', effects);
      case 'start':
        if (lane.state === 'stalled') return this.#replay(lane);
        return this.#anew(lane, order, effects);
      case 'resync':
        return this.#anew(lane, order, effects);
    }
  }

  /** From now on a state beside the visible table is brought to where the log is, and then takes its place. */
  async #beside(lane: Lane, order: LaneOrder, from: FromVisible): Promise<LaneStep> {
    const pointer = await this.#context.target.visible(lane.target);
    if (pointer === null)
      throw new SluiceError('TABLE_SCHEMA', `${tableText(lane.target)} is no longer in the catalog.`);
    lane.state = nextLaneState(lane.state, order);
    // Not another life of the lane: its schema goes on from where the log is read.
    lane.load = besideVisible(pointer, from);
    return recorded(lane);
  }

  /** Its changes are tried again, behind those that went well. */
  async #replay(lane: Lane): Promise<LaneStep> {
    lane.trouble = null;
    if (lane.load === null)
      return { ...(await this.#beside(lane, 'start', { kind: 'replay', exact: lane.exact })), error: null };
    lane.state = nextLaneState(lane.state, 'start');
    return { ...recorded(lane), error: null };
  }

  #halt(lane: Lane, order: 'stop' | 'cancel', effects: Effects): LaneStep {
    lane.state = nextLaneState(lane.state, order);
    lane.trouble = null;
    lane.load = null;
    lane.generation++;
    effects.records.push((transaction) => dropChunks(transaction, lane.id));
    effects.done.add(this.#port.reordered).add(this.#port.published);
    return { ...recorded(lane), error: null, usedSegments: EVERY };
  }

  /** What is visible stays until the load takes its place. */
  #anew(lane: Lane, { kind, by }: Order, effects: Effects): LaneStep {
    const reason = whyOrdered(kind, lane.state);
    const followed = follows(lane.state);
    const state = nextLaneState(lane.state, kind);
    resetForLoad(lane, null, reason);
    lane.state = state;
    // Whoever orders a load takes the columns that the source has.
    if (kind !== 'recover') lane.kept = ofSource(lane.kept);
    lane.anew = { reason, by };
    // What was read before it is in no segment: the snapshot has to show it.
    lane.settle = true;
    effects.records.push(async (transaction) => {
      // Not those of a load that has begun while the commit was made.
      if (lane.load === null) await dropChunks(transaction, lane.id);
    });
    effects.done.add(this.#port.reordered);
    if (!followed) {
      lane.published = false;
      this.#context.router.adopt(lane);
      effects.done.add(this.#port.published);
    }
    return { ...recorded(lane), error: null, usedSegments: EVERY };
  }

  /** Paused tables of which more waits than is kept. */
  async #lapse(effects: Effects): Promise<void> {
    const { work, store, now, elapsed, log } = this.#context;
    const paused = [...this.#port.lanes()].filter((lane) => appliesNone(lane.state));
    if (paused.length === 0 || elapsed() < this.#lapsesAt) return;
    this.#lapsesAt = elapsed() + LAPSES_EVERY_MS;
    const kept = await readKept(store.db, work.taskId);
    for (const lane of paused) {
      const what = kept.get(lane.id);
      if ((what?.segments ?? 0) >= MANY_SEGMENTS) effects.done.add(() => this.#port.manySegments(lane));
      const why = what === undefined ? null : lapsedWhy(what, now(), work.parameters);
      if (why === null) continue;
      lane.state = nextLaneState(lane.state, 'lapse');
      lane.load = null;
      lane.generation++;
      const error = lapsed(lane, why);
      log.warn(
        { table: tableText(lane.source), cause: error.message },
        'changes of a paused table are dropped',
      );
      effects.steps.push({ ...recorded(lane), error: error.toBody().error, usedSegments: EVERY });
      effects.done.add(this.#port.published);
    }
  }
}

/** Why an order to load a table anew is one. */
function whyOrdered(order: LaneOrder, state: LaneState): string {
  if (state === 'lapsed')
    return `${order}-table was ordered, and the changes of its pause are no longer kept`;
  if (state === 'stopped')
    return `${order}-table was ordered, and its changes were dropped while it was stopped`;
  if (state === 'blocked')
    return `${order}-table was ordered, and its changes were dropped while it was on the blocklist`;
  return `${order}-table was ordered`;
}

interface Effects {
  readonly steps: LaneStep[];
  readonly records: ((transaction: MetastoreDb) => Promise<void>)[];
  readonly done: Set<() => void>;
}

/** Why what a paused table keeps is too much; null: it is not. */
export function lapsedWhy(
  kept: { readonly bytes: number; readonly since: number },
  now: number,
  parameters: Pick<TaskParameters, 'pauseRetention' | 'pauseRetentionSize'>,
): string | null {
  if (kept.bytes > parameters.pauseRetentionSize)
    return `they came to ${kept.bytes} bytes, more than pause_retention_size (${parameters.pauseRetentionSize}) keeps`;
  if (now - kept.since > parameters.pauseRetention)
    return `it has been paused since ${new Date(kept.since).toISOString()}, longer than pause_retention keeps them`;
  return null;
}

const EVERY = Number.MAX_SAFE_INTEGER;
/** Between two looks at how much paused tables keep. */
const LAPSES_EVERY_MS = 1000;

async function readOrders(db: MetastoreDb, taskId: number): Promise<readonly Order[]> {
  const rows = await db
    .selectFrom('table_orders')
    .innerJoin('lanes', 'lanes.id', 'table_orders.lane_id')
    .where('lanes.task_id', '=', taskId)
    .where('table_orders.ended_at', 'is', null)
    .orderBy('table_orders.id')
    .select([
      'table_orders.id as id',
      'table_orders.lane_id as laneId',
      'table_orders.kind as kind',
      'table_orders.filter as filter',
      'table_orders.asked_by as by',
    ])
    .execute();
  return rows.map((row) => ({ ...row, kind: row.kind as LaneOrder }));
}

async function endOrder(transaction: MetastoreDb, id: number, refused: string | null): Promise<void> {
  await transaction
    .updateTable('table_orders')
    .set({ ended_at: Date.now(), refused })
    .where('id', '=', id)
    .execute();
}

/** What lanes that apply none keep, and since when. */
async function readKept(
  db: MetastoreDb,
  taskId: number,
): Promise<
  ReadonlyMap<number, { readonly bytes: number; readonly segments: number; readonly since: number }>
> {
  const rows = await db
    .selectFrom('lanes')
    .leftJoin('segments', 'segments.lane_id', 'lanes.id')
    .where('lanes.task_id', '=', taskId)
    .where('lanes.state', 'in', LANE_STATES.filter(appliesNone))
    .groupBy('lanes.id')
    .select(({ fn }) => [
      'lanes.id as id',
      'lanes.since as since',
      fn.sum<number | null>('segments.bytes').as('bytes'),
      fn.count<number>('segments.id').as('segments'),
    ])
    .execute();
  return new Map(
    rows.map((row) => [row.id, { bytes: row.bytes ?? 0, segments: row.segments, since: row.since }]),
  );
}

import { SluiceError } from '@sluice/contract';
import { follows } from '../model/lane-state.ts';
import { type TableName, type TableSchema, tableKey, tableText } from '../model/table.ts';
import type { DiscoveredTable } from '../sources/source.ts';
import { cascadeTrouble } from './cascades.ts';
import { evolve, sameShape } from './evolution.ts';
import type { Lane } from './lane.ts';
import { blocked, dropped, type LaneStep, recorded, resetForLoad } from './lane-turn.ts';
import type { RunContext } from './run-context.ts';
import { keptOf } from './schema-follow.ts';
import { byName, stillRefused, takesOver } from './schema-verdict.ts';

/** What stopped a table and is seen in the source's catalog to be so no longer. */
const MENDED_AT_SOURCE: ReadonlySet<string> = new Set([
  'TABLE_NO_KEY',
  'TABLE_NO_IDENTITY',
  'TABLE_NO_SELECT',
  'TABLE_CASCADE',
  'TABLE_ENGINE',
  'MYSQL_BINLOG_FILTER',
  'MYSQL_REPLICA_UPDATES',
  'TABLE_DROPPED',
]);

/** What a look at the source's catalog asks of the run's other parts. */
export interface DiscoveryPort {
  readonly lanes: Map<string, Lane>;
  handIn(step: LaneStep): void;
  /** The changes of a lane that could not be applied are tried again. */
  tryAgain(lane: Lane): void;
  /** Lanes wait for a load that did not before. */
  pending(): void;
}

/**
 * Keeps the task's tables in step with the source's catalog: new tables join a full-database mirror, dropped ones
 * are let go, ones made again under the same name are loaded anew, and DDL that no change follows is noticed.
 *
 * What the catalog says is of now, the log is read from further back. So a changed schema is not applied at once: a
 * mark is written into the log, and when it comes back the log has been read as far as the catalog was.
 */
export class Discovery {
  readonly #context: RunContext;
  readonly #port: DiscoveryPort;
  readonly #asked = new Map<
    string,
    { readonly lane: Lane; readonly table: DiscoveredTable; readonly version: number }
  >();
  #published = '';
  #marks = 0;
  #looked = false;

  constructor(context: RunContext, port: DiscoveryPort) {
    this.#context = context;
    this.#port = port;
  }

  /** One look, and another one for each time that the log was ahead of it. */
  async look(): Promise<void> {
    while (await this.#lookOnce());
  }

  /** @returns whether the log told a newer schema of some table while the catalog answered */
  async #lookOnce(): Promise<boolean> {
    const { membership, source, router, store } = this.#context;
    const selection = { schemas: membership.schemas(), tables: [] };
    const known = new Map([...this.#port.lanes.values()].map((lane) => [lane, lane.kept]));
    const found = await source.discover(selection, this.#context.signal);
    // What the lanes are is behind what the log says, which is what the catalog says here; the next look finds both.
    if (router.ddlWaits) return false;
    const byObject = new Map(found.map((table) => [table.objectId, table]));
    await this.#missedChanges(byObject);
    const left = this.#leaveOut();
    this.#followNames(found, byObject);
    const unfit = await this.#unfit(found);
    await this.#announce(found);
    let overtaken = false;
    for (const table of found) {
      const lane = this.#port.lanes.get(table.objectId);
      // What was found may be older than what the lane has learnt of the log since, and would take columns back.
      if (lane !== undefined && known.has(lane) && known.get(lane) !== lane.kept && lane.state !== 'pending')
        overtaken = true;
      else if (lane !== undefined) await this.#compare(lane, table);
      else if (this.#wanted(table.schema.name)) await this.#join(table, unfit.get(table.schema));
    }
    if (router.ddlWaits) return false;
    for (const lane of this.#port.lanes.values()) {
      const trouble = follows(lane.state) ? cascadeTrouble(lane.kept.schema, this.#port.lanes) : null;
      if (trouble !== null) this.#port.handIn(blocked(lane, trouble));
    }
    for (const lane of [...this.#port.lanes.values()])
      if (!byObject.has(lane.objectId) && lane.state !== 'dropped') {
        if (source.isAway?.(lane.source) === true && !left.has(lane)) continue;
        const why = left.has(lane) ? 'is no longer among the tables of the task' : 'is gone at the source';
        const { error } = dropped(lane, why);
        router.forget(lane);
        await store.write((transaction) => store.saveLane(transaction, lane, error));
        this.#context.log.warn({ table: tableText(lane.source) }, `a table ${why}`);
      }
    const published = await this.#publish(byObject);
    this.#looked = true;
    return overtaken || !published;
  }

  /**
   * A table that somebody took out of the publication has changed since without a trace in the log. That it is to be
   * loaded anew is saved before it is put in again, since afterwards nothing tells of it.
   */
  async #missedChanges(byObject: ReadonlyMap<string, DiscoveredTable>): Promise<void> {
    const { source, work, log, signal } = this.#context;
    // What an earlier attempt has begun to load was published then.
    const lanes = [...this.#port.lanes.values()].filter(
      (lane) => follows(lane.state) && lane.state !== 'pending' && (lane.published || !this.#looked),
    );
    if (lanes.length === 0) return;
    const held = await source.published(signal);
    if (held === 'all') return;
    for (const lane of lanes) {
      const table = byObject.get(lane.objectId);
      if (table === undefined || held.has(lane.objectId)) continue;
      if (work.spec.syncMode === 2)
        log.warn(
          { table: tableText(lane.source) },
          'a table was not published for a while; changes are missing',
        );
      else {
        this.#loadAnew(lane, table, 'it was not published for a while, so that the log lacks changes of it');
        await this.#save(lane);
      }
      lane.published = false;
    }
  }

  async #save(lane: Lane): Promise<void> {
    const { store } = this.#context;
    await store.write((transaction) => store.saveLane(transaction, lane, null));
  }

  /**
   * A target belongs to the table that bears its name: where that is another one now (dropped and made again, or
   * renamed into the place of one that was renamed away), it is loaded from that one. A table that was renamed and
   * whose name nobody took goes on under its old target; a target whose table is gone waits for one of its name.
   */
  #followNames(found: readonly DiscoveredTable[], byObject: ReadonlyMap<string, DiscoveredTable>): void {
    const { membership } = this.#context;
    const leadsTo = (name: TableName): string | null =>
      membership.wants(name) ? tableKey(membership.targetOf(name)) : null;
    // Whoever came too late for a name does not hold it.
    const holders = new Map(
      [...this.#port.lanes.values()]
        .filter((lane) => lane.trouble !== 'TABLE_NAME_TAKEN')
        .map((lane) => [tableKey(lane.target), lane]),
    );
    const moves: { lane: Lane; table: DiscoveredTable }[] = [];
    for (const table of found) {
      const { name } = table.schema;
      const lane = holders.get(leadsTo(name) ?? '');
      if (lane === undefined || lane.objectId === table.objectId || !this.#wanted(name)) continue;
      const old = byObject.get(lane.objectId);
      const left =
        lane.state === 'dropped' ||
        (old === undefined
          ? tableKey(lane.source) === tableKey(name)
          : leadsTo(old.schema.name) !== tableKey(lane.target));
      if (left) moves.push({ lane, table });
    }
    for (const { lane } of moves) {
      this.#context.router.forget(lane);
      this.#port.lanes.delete(lane.objectId);
    }
    for (const { lane, table } of moves) {
      // The lane that had this table until now, where it gets no other, keeps its target and has no table.
      const former = this.#port.lanes.get(table.objectId);
      if (former !== undefined) this.#letGo(former);
      this.#loadAnew(lane, table, 'its name belongs to another table now');
    }
  }

  /** Tables that an earlier version of the task had. */
  #leaveOut(): ReadonlySet<Lane> {
    const { membership } = this.#context;
    const left = [...this.#port.lanes.values()].filter(
      (lane) => lane.state !== 'dropped' && !membership.wantsLane(lane),
    );
    for (const lane of left) this.#letGo(lane);
    return new Set(left);
  }

  /** The lane keeps its target and has no table any more. */
  #letGo(lane: Lane): void {
    this.#context.router.forget(lane);
    if (this.#port.lanes.get(lane.objectId) === lane) this.#port.lanes.delete(lane.objectId);
    lane.objectId = `${lane.objectId} left ${lane.id}`;
    this.#port.lanes.set(lane.objectId, lane);
  }

  #wanted(name: TableName): boolean {
    return this.#context.membership.wants(name);
  }

  /** Shards that do not go with the others of their merged table. */
  async #unfit(found: readonly DiscoveredTable[]): Promise<ReadonlyMap<TableSchema, SluiceError>> {
    const { merges } = this.#context;
    if (merges === null) return new Map();
    const joining = found.filter(
      ({ objectId, schema, refused }) =>
        refused === null && !this.#port.lanes.has(objectId) && this.#wanted(schema.name),
    );
    return merges.takeIn(joining.map(({ schema }) => ({ source: schema.name, schema })));
  }

  async #join(table: DiscoveredTable, unfit: SluiceError | undefined): Promise<void> {
    const { work, store, router, log, membership } = this.#context;
    const { spec } = work;
    const name = membership.targetOf(table.schema.name);
    // As at publishing: to query engines names that differ only in case are one.
    const blind = (one: TableName): string => tableKey(one).toLowerCase();
    const taken = [...this.#port.lanes.values()].find((lane) => blind(lane.target) === blind(name));
    const other = await store.otherTaskOf(name);
    const nameTaken =
      taken !== undefined
        ? `${tableText(table.schema.name)} and ${tableText(taken.source)} both lead to ${tableText(name)}.`
        : other !== null
          ? `The task ${other} mirrors into ${tableText(name)} too.`
          : null;
    const trouble =
      nameTaken !== null
        ? new SluiceError('TABLE_NAME_TAKEN', nameTaken)
        : table.refused === null
          ? (unfit ?? null)
          : new SluiceError(table.refused.code, table.refused.message, { remedy: table.refused.remedy });
    const state = trouble !== null ? 'blocked' : spec.syncMode === 1 ? 'pending' : 'live';
    if (state === 'live') await this.#makeEmpty(table.schema, name);
    const lane = await store.addLane(
      {
        source: table.schema.name,
        target: name,
        objectId: table.objectId,
        state,
        kept: keptOf(table, null),
        rowsEstimated: table.estimatedRows,
      },
      trouble?.toBody().error ?? null,
    );
    // With a publication of somebody else's, its lines may have been passed over already.
    lane.settle = work.parameters.publication !== null;
    this.#port.lanes.set(table.objectId, lane);
    router.adopt(lane);
    log.info({ table: tableText(lane.source), state, code: trouble?.code }, 'a table joins');
  }

  /** Without a full load, whoever sees that a table has joined relies on every change of it from then on. */
  async #announce(found: readonly DiscoveredTable[]): Promise<void> {
    const { source, work, signal } = this.#context;
    if (work.spec.syncMode === 1) return;
    const isHeld = ({ objectId }: DiscoveredTable): boolean => {
      const lane = this.#port.lanes.get(objectId);
      return lane !== undefined && follows(lane.state);
    };
    const joins = ({ objectId, schema, refused }: DiscoveredTable): boolean =>
      !this.#port.lanes.has(objectId) && refused === null && this.#wanted(schema.name);
    if (!found.some(joins)) return;
    const tables = found.filter((table) => isHeld(table) || joins(table));
    await source.publish(
      tables.map(({ schema }) => schema.name),
      signal,
    );
  }

  /** Without a full load nothing would ever make the table. */
  async #makeEmpty(schema: TableSchema, name: TableName): Promise<void> {
    const { target, store } = this.#context;
    if (await target.exists(name)) return;
    const staged = await target.stageEmpty(name, schema);
    await target.commit([{ table: name, staged, kind: 'replace' }], (transaction) =>
      store.fence(transaction),
    );
  }

  #loadAnew(lane: Lane, table: DiscoveredTable, reason: string): void {
    this.#context.log.warn({ table: tableText(table.schema.name), reason }, 'a table is loaded anew');
    const other = lane.objectId !== table.objectId;
    lane.source = table.schema.name;
    lane.objectId = table.objectId;
    lane.seen = null;
    this.#port.lanes.set(lane.objectId, lane);
    lane.published = false;
    lane.settle = true;
    resetForLoad(lane, keptOf(table, null), reason);
    const { target } = lane.kept;
    if (other && target !== undefined) lane.kept = { ...lane.kept, target: byName(target, table.schema) };
    this.#context.router.adopt(lane);
    if (table.refused !== null)
      this.#port.handIn(
        blocked(
          lane,
          new SluiceError(table.refused.code, table.refused.message, { remedy: table.refused.remedy }),
        ),
      );
    else this.#port.handIn(restarted(lane));
  }

  /** Somebody has just started the task: what stopped a table may be mended where the catalog does not show it. */
  get #askedAnew(): boolean {
    return !this.#looked && !this.#context.work.begun;
  }

  async #compare(lane: Lane, table: DiscoveredTable): Promise<void> {
    if (tableKey(lane.source) !== tableKey(table.schema.name)) {
      if (this.#context.merges !== null) {
        this.#loadAnew(lane, table, 'it bears another name, which its rows are to say');
        return;
      }
      lane.source = table.schema.name;
      this.#port.handIn(recorded(lane));
    }
    if (!follows(lane.state)) {
      // Whoever stopped or paused it starts it.
      if (lane.state === 'stopped' || lane.state === 'lapsed') return;
      const back = lane.state === 'dropped' || (lane.trouble !== null && MENDED_AT_SOURCE.has(lane.trouble));
      if (table.refused !== null || cascadeTrouble(table.schema, this.#port.lanes) !== null) return;
      if (back) this.#loadAnew(lane, table, 'it can be mirrored again');
      else if (
        this.#askedAnew &&
        lane.trouble !== 'TABLE_NAME_TAKEN' &&
        stillRefused(this.#context, lane, table.schema) === null
      ) {
        this.#loadAnew(lane, table, 'the task was started again');
        await this.#save(lane);
      }
      return;
    }
    if (lane.state === 'stalled' && this.#askedAnew) this.#port.tryAgain(lane);
    if (table.refused !== null) {
      const { code, message, remedy } = table.refused;
      this.#port.handIn(blocked(lane, new SluiceError(code, message, { remedy })));
      return;
    }
    if (lane.state === 'live' && this.#takenOver(lane, table)) return;
    if (this.#context.source.ddl === 'log') return;
    if (
      sameShape(lane.kept.schema, table.schema) &&
      evolve({ ...lane.kept, filledColumns: [] }, table, this.#context.source.keepsValues).kind === 'same'
    ) {
      // A VACUUM FULL, or the like: the rows are the same in another file.
      if (lane.state === 'live') {
        const { storage, columnVersions, pieces } = table;
        lane.kept = { ...lane.kept, storage, columnVersions, pieces };
      }
      return;
    }
    if (lane.state === 'pending') return;
    const key = `schema ${lane.id} ${++this.#marks}`;
    for (const [other, asked] of this.#asked) if (asked.lane === lane) this.#asked.delete(other);
    this.#asked.set(key, { lane, table, version: lane.schemaVersion });
    await this.#context.source.mark(key, this.#context.signal);
  }

  /** Whether a new version of the task no longer leaves out columns that the lane's target lacks. */
  #takenOver(lane: Lane, table: DiscoveredTable): boolean {
    const reason = takesOver(this.#context, lane);
    if (reason === null) return false;
    const refused = stillRefused(this.#context, lane, table.schema);
    if (refused !== null) this.#port.handIn(blocked(lane, refused));
    else this.#loadAnew(lane, table, reason);
    return true;
  }

  /** Lanes of which something was seen whose mark has not come back. */
  get waiting(): ReadonlySet<Lane> {
    return new Set([...this.#asked.values()].map(({ lane }) => lane));
  }

  /** Marks that came back: what was seen before them holds now. */
  marksReturned(marks: readonly string[]): void {
    for (const mark of marks) {
      const asked = this.#asked.get(mark);
      if (asked === undefined) continue;
      this.#asked.delete(mark);
      if (follows(asked.lane.state)) asked.lane.seen = { table: asked.table, version: asked.version };
    }
  }

  /**
   * The publication holds the tables that are followed, and no table whose updates it would break.
   * @returns false: of some table another life began meanwhile, of which this tells nothing
   */
  async #publish(byObject: ReadonlyMap<string, DiscoveredTable>): Promise<boolean> {
    const lanes = [...this.#port.lanes.values()].filter(
      (lane) => follows(lane.state) && byObject.has(lane.objectId),
    );
    const key = lanes
      .map((lane) => lane.objectId)
      .sort()
      .join();
    if (key === this.#published && lanes.every((lane) => lane.published)) return true;
    const { source, signal } = this.#context;
    const lives = new Map(lanes.map((lane) => [lane, lane.generation]));
    const refused = await source.publish(
      lanes.map((lane) => lane.source),
      signal,
    );
    const ofNow = (lane: Lane): boolean => lives.get(lane) === lane.generation;
    for (const lane of this.#port.lanes.values()) lane.published = ofNow(lane);
    for (const { name, message } of refused) {
      const lane = lanes.find((one) => tableKey(one.source) === tableKey(name));
      if (lane !== undefined)
        this.#port.handIn(blocked(lane, new SluiceError('TABLE_NOT_PUBLISHED', message)));
    }
    this.#published = key;
    this.#port.pending();
    return lanes.every(ofNow);
  }
}

/** A step that only records what a lane has become, without a trouble. */
export function restarted(lane: Lane): LaneStep {
  return { ...recorded(lane), error: null };
}

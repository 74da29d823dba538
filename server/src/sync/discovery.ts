import { SluiceError, targetName } from '@sluice/contract';
import { type TableName, tableKey, tableText } from '../model/table.ts';
import type { DiscoveredTable } from '../sources/source.ts';
import { sameShape } from './evolution.ts';
import type { Lane } from './lane.ts';
import { follows, nextLaneState } from './lane-state.ts';
import { blocked, type LaneStep, resetForLoad } from './lane-step.ts';
import type { RunContext } from './run-context.ts';
import { keptOf } from './schema-follow.ts';

/** What a look at the source's catalog asks of the run's other parts. */
export interface DiscoveryPort {
  readonly lanes: Map<string, Lane>;
  handIn(step: LaneStep): void;
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

  constructor(context: RunContext, port: DiscoveryPort) {
    this.#context = context;
    this.#port = port;
  }

  /** One look. `quick` leaves out what only matters while the log is followed. */
  async look(): Promise<void> {
    const { work, source, router, store } = this.#context;
    const { spec } = work;
    const schemas =
      spec.pipelineType === 3 ? spec.schemas : [...new Set(spec.tables.map((table) => table.schema))];
    const found = await source.discover({ schemas, tables: [] }, this.#context.signal);
    const byObject = new Map(found.map((table) => [table.objectId, table]));
    const lanes = [...this.#port.lanes.values()];
    const byName = new Map(lanes.map((lane) => [tableKey(lane.source), lane]));
    for (const table of found) {
      const lane = lanes.find((one) => one.objectId === table.objectId);
      if (lane !== undefined) await this.#compare(lane, table);
      else if (this.#wanted(table.schema.name)) {
        const namesake = byName.get(tableKey(table.schema.name));
        if (namesake !== undefined && !byObject.has(namesake.objectId)) this.#madeAgain(namesake, table);
        else await this.#join(table);
      }
    }
    for (const lane of lanes)
      if (!byObject.has(lane.objectId) && lane.state !== 'dropped') {
        lane.state = nextLaneState(lane.state, 'drop');
        lane.generation++;
        lane.load = null;
        router.forget(lane);
        const error = new SluiceError('TABLE_DROPPED', `${tableText(lane.source)} is gone at the source.`);
        await store.write((transaction) => store.saveLane(transaction, lane, error.toBody().error));
        this.#context.log.warn({ table: tableText(lane.source) }, 'a table was dropped at the source');
      }
    await this.#publish(byObject);
  }

  #wanted(name: TableName): boolean {
    const { spec } = this.#context.work;
    if (spec.pipelineType === 3) return true;
    return spec.tables.some((table) => table.schema === name.schema && table.table === name.table);
  }

  async #join(table: DiscoveredTable): Promise<void> {
    const { work, store, router, log, target } = this.#context;
    const { spec } = work;
    const name = targetName(spec, table.schema.name);
    const taken = [...this.#port.lanes.values()].find((lane) => tableKey(lane.target) === tableKey(name));
    const trouble =
      taken !== undefined
        ? new SluiceError(
            'TABLE_NAME_TAKEN',
            `${tableText(table.schema.name)} and ${tableText(taken.source)} both lead to ${tableText(name)}.`,
          )
        : table.refused === null
          ? null
          : new SluiceError(table.refused.code, table.refused.message, { remedy: table.refused.remedy });
    const state = trouble !== null ? 'blocked' : spec.syncMode === 1 ? 'pending' : 'live';
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
    if (state === 'live' && !(await target.exists(name))) {
      // Without a full load nothing would ever make the table.
      const staged = await target.stageEmpty(name, table.schema);
      await target.commit([{ table: name, staged, kind: 'replace' }], (transaction) =>
        store.fence(transaction),
      );
    }
    // With a publication of somebody else's, its lines may have been passed over already.
    lane.settle = work.parameters.publication !== null;
    this.#port.lanes.set(table.objectId, lane);
    router.adopt(lane);
    log.info({ table: tableText(lane.source), state, code: trouble?.code }, 'a table joins');
  }

  #madeAgain(lane: Lane, table: DiscoveredTable): void {
    this.#context.log.warn(
      { table: tableText(lane.source) },
      'a table was dropped and made again; it is loaded anew',
    );
    this.#context.router.forget(lane);
    this.#port.lanes.delete(lane.objectId);
    lane.objectId = table.objectId;
    this.#port.lanes.set(lane.objectId, lane);
    lane.published = false;
    lane.settle = true;
    resetForLoad(lane, keptOf(table, null));
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

  async #compare(lane: Lane, table: DiscoveredTable): Promise<void> {
    lane.source = table.schema.name;
    if (!follows(lane.state)) return;
    if (table.refused !== null) {
      const { code, message, remedy } = table.refused;
      this.#port.handIn(blocked(lane, new SluiceError(code, message, { remedy })));
      return;
    }
    if (sameShape(lane.kept.schema, table.schema)) {
      // A VACUUM FULL, or the like: the rows are the same in another file.
      if (lane.state === 'live') lane.kept = { ...lane.kept, storage: table.storage };
      return;
    }
    if (lane.state === 'pending') return;
    const key = `schema ${lane.id} ${++this.#marks}`;
    for (const [other, asked] of this.#asked) if (asked.lane === lane) this.#asked.delete(other);
    this.#asked.set(key, { lane, table, version: lane.schemaVersion });
    await this.#context.source.mark(key, this.#context.signal);
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

  /** The publication holds the tables that are followed, and no table whose updates it would break. */
  async #publish(byObject: ReadonlyMap<string, DiscoveredTable>): Promise<void> {
    const lanes = [...this.#port.lanes.values()].filter(
      (lane) => follows(lane.state) && byObject.has(lane.objectId),
    );
    const key = lanes
      .map((lane) => lane.objectId)
      .sort()
      .join();
    if (key === this.#published) return;
    const { source, signal } = this.#context;
    const refused = await source.publish(
      lanes.map((lane) => lane.source),
      signal,
    );
    for (const lane of this.#port.lanes.values()) lane.published = lanes.includes(lane);
    for (const { name, message } of refused) {
      const lane = lanes.find((one) => tableKey(one.source) === tableKey(name));
      if (lane !== undefined)
        this.#port.handIn(blocked(lane, new SluiceError('TABLE_NOT_PUBLISHED', message)));
    }
    this.#published = key;
    this.#port.pending();
  }
}

/** A step that only records what a lane has become. */
export function restarted(lane: Lane): LaneStep {
  return {
    lane,
    step: null,
    segments: [],
    usedSegments: null,
    becomes: {},
    error: null,
    rows: 0,
  };
}

import { SluiceError } from '@sluice/contract';
import { follows, isOnItsWay } from '../model/lane-state.ts';
import type { SchemaPolicy } from '../model/schema-policy.ts';
import type { TableSchema } from '../model/table.ts';
import type { ChangeSink, LogRelation, Position, RowWriter, Source, TableEvent } from '../sources/source.ts';
import { keyIn, type Lane, lifeOf, signatureOf } from './lane.ts';
import { LaneSpool, type LineClock, type SpoolPart } from './spool.ts';
import { type LaneEventOf, TableEvents } from './table-events.ts';

/** Whole transactions of all lanes, up to one position. */
export interface Sealed {
  readonly position: Position;
  /** The first number that none of its lines has. */
  readonly nextOrd: number;
  readonly rows: number;
  readonly lanes: ReadonlyMap<Lane, readonly SpoolPart[]>;
  readonly events: ReadonlyMap<Lane, readonly LaneEventOf[]>;
  /** Commit time of its first transaction, microseconds since 1970; null where it has none. */
  readonly firstCommit: bigint | null;
  /** Marks that came back, in the log's order. */
  readonly marks: readonly string[];
}

/** The reading of the log, as the parts of a run use it. */
export interface RunRouter {
  /** The end of the last whole transaction that was read. */
  readonly position: Position;
  readonly waiting: 'changes' | 'position' | 'nothing';
  readonly ddlWaits: boolean;
  readonly linesWaiting: number;
  readonly bytesWaiting: number;
  readonly waitingSince: bigint | null;
  onWaiting: () => void;
  onUnidentified: (lane: Lane) => void;
  /** How far the log is read in which the lane's table is. */
  readOf(lane: Lane): { readonly nextOrd: number; readonly position: Position };
  startAt(position: Position): void;
  adopt(lane: Lane): void;
  forget(lane: Lane): void;
  refresh(): void;
  seal(): Sealed;
  eventsSettled(events: Sealed['events']): void;
  discard(): void;
}

export interface RouterOptions {
  readonly position: Position;
  readonly nextOrd: number;
  /** For the lanes' files. */
  readonly folder: string;
  /** Begins the files' names, where several routers write into one folder. */
  readonly prefix?: string;
  /** Bytes of whole transactions that may wait before reading stops. */
  readonly limit: number;
  /** Of one log: positions are its own. */
  readonly source: Pick<Source, 'compare' | 'keepsValues'>;
  /** How the lane's target follows DDL that the log tells; not there: as the source has it. */
  readonly policyOf?: (lane: Lane) => SchemaPolicy;
}

/**
 * Takes the log from the reader and cuts it into lanes. It holds whole transactions until they are sealed; when
 * too many bytes wait it asks the reader to stop, which stops the socket.
 */
export class Router implements ChangeSink, RunRouter {
  readonly #byObject = new Map<string, Lane>();
  readonly #folder: string;
  readonly #prefix: string;
  readonly #limit: number;
  readonly #clock: LineClock;
  readonly #owner = new WeakMap<LaneSpool, { readonly lane: Lane; readonly life: string }>();
  readonly #compare: Source['compare'];
  readonly #events: TableEvents;
  /** Lanes whose lines begin further on than the log is read. */
  readonly #late = new Set<Lane>();
  #dirty = new Set<Lane>();
  #position: Position;
  #sealedPosition: Position;
  #firstCommit: bigint | null = null;
  #openCommit = 0n;
  #rowsBefore: number;
  #marks: string[] = [];
  #openMarks: string[] = [];
  #inTransaction = false;
  #waitingBytes = 0;
  #release: (() => void) | null = null;
  #hold: Promise<void> | null = null;
  #spools = 0;
  /** Grows when writers that were given are void; the reader asks for each relation again. */
  epoch = 0;
  /** Called when a whole transaction, or a new position, waits for a commit. */
  onWaiting: () => void = () => {};

  /** The log no longer tells which row an update or delete means. The table's lines are left out from now on. */
  onUnidentified: (lane: Lane) => void = () => {};

  constructor(options: RouterOptions) {
    this.#prefix = options.prefix ?? '';
    this.#compare = options.source.compare;
    this.#events = new TableEvents(options.source.keepsValues, options.policyOf);
    this.#position = options.position;
    this.#sealedPosition = options.position;
    this.#folder = options.folder;
    this.#limit = options.limit;
    this.#clock = {
      nextOrd: options.nextOrd,
      ts: Buffer.from('0'),
      xid: Buffer.from('0'),
      transaction: 0,
      touched: [],
    };
    this.#rowsBefore = options.nextOrd;
  }

  /** The end of the last whole transaction that was read. */
  get position(): Position {
    return this.#position;
  }

  readOf(): { readonly nextOrd: number; readonly position: Position } {
    return { nextOrd: this.#clock.nextOrd, position: this.#position };
  }

  /** Whether anything waits for a commit. */
  get waiting(): 'changes' | 'position' | 'nothing' {
    if (this.#dirty.size > 0 || this.#marks.length > 0 || !this.#events.isEmpty) return 'changes';
    return this.#position === this.#sealedPosition ? 'nothing' : 'position';
  }

  /** Before the log is read: where it begins. */
  startAt(position: Position): void {
    this.#moveTo(position);
    this.#sealedPosition = position;
  }

  adopt(lane: Lane): void {
    this.#byObject.set(lane.objectId, lane);
    if (lane.load !== null && lane.load.keptFrom !== null) {
      this.#late.add(lane);
      lane.cascadesFrom = Number.MAX_SAFE_INTEGER;
    }
    this.epoch++;
  }

  forget(lane: Lane): void {
    if (this.#byObject.get(lane.objectId) === lane) this.#byObject.delete(lane.objectId);
    this.epoch++;
  }

  /** A lane's state changed: lines written from now on may look otherwise. */
  refresh(): void {
    this.epoch++;
  }

  begin(transaction: { readonly committedAt: bigint; readonly xid: number }): void {
    this.#inTransaction = true;
    this.#clock.transaction++;
    this.#openCommit = transaction.committedAt;
    this.#clock.ts = Buffer.from(String(transaction.committedAt));
    this.#clock.xid = Buffer.from(String(transaction.xid));
  }

  known(objectId: string): { readonly schema: TableSchema; readonly life: string } | null {
    const lane = this.#byObject.get(objectId);
    if (lane === undefined || !this.#keepsLines(lane)) return null;
    return { schema: this.#events.schemaOf(lane).schema, life: lifeOf(lane) };
  }

  *tables(): Iterable<string> {
    for (const [objectId, lane] of this.#byObject) if (follows(lane.state)) yield objectId;
  }

  /** Where the log tells DDL, a lane that waits for its load keeps nothing until its schema is known. */
  #keepsLines(lane: Lane): boolean {
    if (!follows(lane.state) || !this.#events.takes(lane)) return false;
    return !this.#late.has(lane) && (lane.state !== 'pending' || lane.armedAt !== null);
  }

  ddl(event: TableEvent): void {
    const objectId = event.kind === 'schema' ? event.relation.objectId : event.objectId;
    const lane = this.#byObject.get(objectId);
    if (lane === undefined || !follows(lane.state)) return;
    lane.ddlRead++;
    if (lane.state === 'pending') {
      // Its load has not begun, and looks at the catalog again.
      lane.armedAt = null;
      this.epoch++;
      return;
    }
    if (event.kind === 'made' || !this.#keepsLines(lane)) return;
    const known: TableEvent =
      event.kind === 'renamed' && isOnItsWay(lane.state) ? { kind: 'dropped', objectId } : event;
    this.#events.add(lane, known);
    if (known.kind === 'renamed') {
      // Its lines come under the new name; the lane itself takes it with the commit.
      this.#byObject.delete(objectId);
      this.#byObject.set(known.to, lane);
    }
    this.epoch++;
  }

  /** DDL was read that no commit has carried yet: lanes are not what the log says at the place that is read. */
  get ddlWaits(): boolean {
    return this.#events.unsettled;
  }

  /** A commit has carried these events. */
  eventsSettled(events: Sealed['events']): void {
    if (events.size === 0) return;
    this.#events.settled(events);
    this.epoch++;
  }

  relation(relation: LogRelation): RowWriter | null {
    const lane = this.#byObject.get(relation.objectId);
    if (lane === undefined || !follows(lane.state)) return null;
    if (relation.table !== null && !this.#keepsLines(lane)) return null;
    if (!identifies(relation, lane)) {
      this.onUnidentified(lane);
      return null;
    }
    const key = keyIn(relation, lane.kept);
    const active = lane.spools.at(-1);
    if (
      active !== undefined &&
      active.relation.objectId === relation.objectId &&
      (relation.table === null || this.#owner.get(active)?.life === lifeOf(lane)) &&
      signatureOf(active.relation) === signatureOf(relation) &&
      active.key.join() === key.join()
    )
      return active;
    const spool = new LaneSpool({
      relation,
      key,
      clock: this.#clock,
      folder: this.#folder,
      name: `${this.#prefix}lane-${lane.id}-${this.#spools++}`,
    });
    this.#owner.set(spool, { lane, life: lifeOf(lane) });
    lane.spools.push(spool);
    return spool;
  }

  truncate(objectId: string): void {
    const lane = this.#byObject.get(objectId);
    if (lane === undefined || !follows(lane.state)) return;
    const spool = lane.spools.at(-1);
    if (spool === undefined)
      throw new SluiceError('SOURCE_PROTOCOL', 'A TRUNCATE came before the table was described.');
    spool.truncate();
  }

  mark(text: string): void {
    (this.#inTransaction ? this.#openMarks : this.#marks).push(text);
  }

  commit(end: Position): void | Promise<void> {
    const touched = this.#clock.touched;
    for (const spool of touched) {
      this.#waitingBytes -= spool.waitingBytes;
      spool.commit();
      this.#waitingBytes += spool.waitingBytes;
      this.#dirty.add(this.#owner.get(spool)!.lane);
    }
    if (touched.length > 0) this.#firstCommit ??= this.#openCommit;
    touched.length = 0;
    if (this.#openMarks.length > 0) this.#marks.push(...this.#openMarks.splice(0));
    this.#inTransaction = false;
    this.#events.commit(end);
    this.#moveTo(end);
    this.onWaiting();
    return this.#backpressure();
  }

  #moveTo(position: Position): void {
    this.#position = position;
    for (const lane of this.#late) {
      const from = lane.load?.keptFrom ?? null;
      if (from !== null && this.#compare(position, from) < 0) continue;
      this.#late.delete(lane);
      lane.cascadesFrom = this.#clock.nextOrd;
      this.epoch++;
    }
  }

  idle(position: Position): void | Promise<void> {
    this.#moveTo(position);
    this.onWaiting();
    return this.#backpressure();
  }

  #backpressure(): void | Promise<void> {
    if (this.#waitingBytes <= this.#limit) return;
    this.#hold ??= new Promise((resolve) => {
      this.#release = resolve;
    });
    return this.#hold;
  }

  /** Takes everything that is whole. Lines of a transaction that is still being read stay. */
  seal(): Sealed {
    const lanes = new Map<Lane, readonly SpoolPart[]>();
    for (const lane of this.#dirty) {
      const parts = lane.spools.map((spool) => spool.seal()).filter((part) => part !== null);
      lane.spools = lane.spools.filter((spool, index) => index === lane.spools.length - 1 || !spool.isEmpty);
      if (parts.length > 0) lanes.set(lane, parts);
    }
    const rows = [...lanes.values()].flat().reduce((sum, part) => sum + part.rows, 0);
    const sealed: Sealed = {
      position: this.#position,
      nextOrd: this.#clock.nextOrd,
      rows,
      lanes,
      events: this.#events.seal(),
      firstCommit: this.#firstCommit,
      marks: this.#marks.splice(0),
    };
    this.#dirty = new Set();
    this.#firstCommit = null;
    this.#waitingBytes = 0;
    this.#sealedPosition = this.#position;
    this.#rowsBefore = this.#clock.nextOrd;
    this.#release?.();
    this.#release = null;
    this.#hold = null;
    return sealed;
  }

  /** Lines read since the last seal, the open transaction's included. */
  get linesWaiting(): number {
    return this.#clock.nextOrd - this.#rowsBefore;
  }

  /** Of whole transactions. */
  get bytesWaiting(): number {
    return this.#waitingBytes;
  }

  /** When the oldest whole transaction that waits was committed at the source, microseconds since 1970. */
  get waitingSince(): bigint | null {
    return this.#firstCommit;
  }

  discard(): void {
    for (const lane of this.#byObject.values()) for (const spool of lane.spools) spool.discard();
    this.#release?.();
  }
}

/** Rows that are compared as a whole need their whole old row in the log; without any identity nothing does. */
function identifies(relation: LogRelation, lane: Lane): boolean {
  if (relation.identity === 'full') return true;
  return lane.kept.schema.identity.kind === 'key' && relation.columns.some((column) => column.inKey);
}

import { SluiceError } from '@sluice/contract';
import type { ChangeSink, LogRelation, Position, RowWriter } from '../sources/source.ts';
import { keyIn, type Lane, signatureOf } from './lane.ts';
import { follows } from './lane-state.ts';
import { LaneSpool, type LineClock, type SpoolPart } from './spool.ts';

/** Whole transactions of all lanes, up to one position. */
export interface Sealed {
  readonly position: Position;
  /** The first number that none of its lines has. */
  readonly nextOrd: number;
  readonly rows: number;
  readonly lanes: ReadonlyMap<Lane, readonly SpoolPart[]>;
  /** Commit time of its first transaction, microseconds since 1970; null where it has none. */
  readonly firstCommit: bigint | null;
  /** Marks that came back, in the log's order. */
  readonly marks: readonly string[];
}

/**
 * Takes the log from the reader and cuts it into lanes. It holds whole transactions until they are sealed; when
 * too many bytes wait it asks the reader to stop, which stops the socket.
 */
export class Router implements ChangeSink {
  readonly #byObject = new Map<string, Lane>();
  readonly #folder: string;
  readonly #limit: number;
  readonly #clock: LineClock;
  readonly #owner = new WeakMap<LaneSpool, Lane>();
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

  constructor(options: {
    readonly position: Position;
    readonly nextOrd: number;
    /** For the lanes' files. */
    readonly folder: string;
    /** Bytes of whole transactions that may wait before reading stops. */
    readonly limit: number;
  }) {
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

  get nextOrd(): number {
    return this.#clock.nextOrd;
  }

  /** Whether anything waits for a commit. */
  get waiting(): 'changes' | 'position' | 'nothing' {
    if (this.#dirty.size > 0 || this.#marks.length > 0) return 'changes';
    return this.#position === this.#sealedPosition ? 'nothing' : 'position';
  }

  /** Before the log is read: where it begins. */
  startAt(position: Position): void {
    this.#position = position;
    this.#sealedPosition = position;
  }

  adopt(lane: Lane): void {
    this.#byObject.set(lane.objectId, lane);
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

  relation(relation: LogRelation): RowWriter | null {
    const lane = this.#byObject.get(relation.objectId);
    if (lane === undefined || !follows(lane.state)) return null;
    if (!identifies(relation, lane)) {
      this.onUnidentified(lane);
      return null;
    }
    const key = keyIn(relation, lane.kept);
    const active = lane.spools.at(-1);
    if (
      active !== undefined &&
      active.relation.objectId === relation.objectId &&
      signatureOf(active.relation) === signatureOf(relation) &&
      active.key.join() === key.join()
    )
      return active;
    const spool = new LaneSpool({
      relation,
      key,
      clock: this.#clock,
      folder: this.#folder,
      name: `lane-${lane.id}-${this.#spools++}`,
    });
    this.#owner.set(spool, lane);
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
      this.#dirty.add(this.#owner.get(spool)!);
    }
    if (touched.length > 0) this.#firstCommit ??= this.#openCommit;
    touched.length = 0;
    if (this.#openMarks.length > 0) this.#marks.push(...this.#openMarks.splice(0));
    this.#inTransaction = false;
    this.#position = end;
    this.onWaiting();
    return this.#backpressure();
  }

  idle(position: Position): void | Promise<void> {
    this.#position = position;
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

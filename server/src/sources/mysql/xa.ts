import { comparePlaces, type FilePlace } from './log-place.ts';

/** An event of a prepared transaction, kept for its commit. */
export interface KeptEvent {
  readonly type: number;
  readonly timestamp: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** A transaction that was prepared and is neither committed nor rolled back so far. */
interface Prepared {
  /** Of its first event. */
  readonly place: FilePlace;
  /** null: too large to be kept; it is read again. */
  readonly events: readonly KeptEvent[] | null;
  readonly bytes: number;
}

const KEPT_BYTES = 32 << 20;

/**
 * XA transactions between PREPARE and COMMIT. Their rows stand in the log where they were prepared and count where
 * they are committed, perhaps days later. Those that are small are kept in memory; of the others the place.
 */
export class PreparedTransactions {
  readonly #prepared = new Map<string, Prepared>();
  #bytes = 0;
  #text: string | null = '';

  /** `text`: as `toString` gives it. @returns null for another text */
  static parse(text: string): PreparedTransactions | null {
    const prepared = new PreparedTransactions();
    for (const part of text === '' ? [] : text.split(',')) {
      const match = ENTRY.exec(part);
      if (!match) return null;
      const [, global = '', branch = '', format = '', file = '', offset = ''] = match;
      prepared.#add(`X'${global}',X'${branch}',${format}`, {
        place: { file, offset: Number(offset) },
        events: null,
        bytes: 0,
      });
    }
    return prepared;
  }

  add(xid: string, place: FilePlace, events: readonly KeptEvent[] | null): void {
    const bytes = events?.reduce((sum, event) => sum + event.end - event.start, 0) ?? 0;
    const fits = events !== null && this.#bytes + bytes <= KEPT_BYTES;
    this.#add(xid, { place, events: fits ? events : null, bytes: fits ? bytes : 0 });
  }

  #add(xid: string, one: Prepared): void {
    this.take(xid);
    this.#prepared.set(xid, one);
    this.#bytes += one.bytes;
    this.#text = null;
  }

  /** Committed or rolled back: it is forgotten. null: it was prepared where nobody has read. */
  take(xid: string): Prepared | null {
    const one = this.#prepared.get(xid);
    if (one === undefined) return null;
    this.#prepared.delete(xid);
    this.#bytes -= one.bytes;
    this.#text = null;
    return one;
  }

  get first(): FilePlace | null {
    const places = [...this.#prepared.values()].map(({ place }) => place);
    return places.sort(comparePlaces)[0] ?? null;
  }

  /** `<global>.<branch>.<format>@<file>:<offset>,…` */
  toString(): string {
    this.#text ??= [...this.#prepared]
      .map(([xid, { place }]) => {
        const [, global = '', branch = '', format = ''] = XID.exec(xid) ?? [];
        return `${global}.${branch}.${format}@${place.file}:${place.offset}`;
      })
      .join(',');
    return this.#text;
  }
}

const XID = /^X'([0-9a-f]*)',X'([0-9a-f]*)',(-?\d+)$/;
const ENTRY = /^([0-9a-f]*)\.([0-9a-f]*)\.(-?\d+)@([^@:,|\s]+):(\d+)$/;

/** Gathers the events of the group that is being read, up to a size. */
export class KeptGroup {
  readonly place: FilePlace;
  #events: KeptEvent[] | null = [];
  #bytes = 0;

  constructor(place: FilePlace) {
    this.place = place;
  }

  /** null: it has become too large. */
  get events(): readonly KeptEvent[] | null {
    return this.#events;
  }

  add(event: KeptEvent): void {
    if (this.#events === null) return;
    this.#bytes += event.end - event.start;
    if (this.#bytes > KEPT_BYTES / 2) {
      this.#events = null;
      return;
    }
    const { type, timestamp, start, end } = event;
    const bytes = Buffer.from(event.bytes.subarray(start, end));
    this.#events.push({ type, timestamp, bytes, start: 0, end: end - start });
  }
}

/** The base of a position and what is prepared there; behind the third part. */
export function splitPosition(position: string): { readonly base: string; readonly prepared: string } {
  const parts = position.split('|');
  return { base: parts.slice(0, 3).join('|'), prepared: parts[3] ?? '' };
}

export function joinPosition(base: string, prepared: string): string {
  return prepared === '' ? base : `${base}|${prepared}`;
}

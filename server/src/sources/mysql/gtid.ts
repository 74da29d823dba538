/**
 * Sets of transaction ids, as the two servers write them.
 *   MySQL    `uuid:1-5:7:tag:1-3,uuid:…`: every id by itself, so a set can have holes ("GTID Sets"; tags from 8.3 on)
 *   MariaDB  `domain-server-seq,…`: per domain the last one, and with it all before it ("Global Transaction ID")
 * Numbers are of up to 64 bits, hence bigint.
 */
export type GtidSet = MysqlGtidSet | MariadbGtidSet;

/** null where the text is none of the two. An empty text is MySQL's empty set. */
export function parseGtidSet(text: string): GtidSet | null {
  return MysqlGtidSet.parse(text) ?? MariadbGtidSet.parse(text);
}

/** Whether every transaction of `inner` is in `outer`; sets of different kinds contain each other only where empty. */
export function containsGtids(outer: GtidSet, inner: GtidSet): boolean {
  if (outer.kind === 'mysql' && inner.kind === 'mysql') return outer.contains(inner);
  if (outer.kind === 'mariadb' && inner.kind === 'mariadb') return outer.contains(inner);
  return inner.empty;
}

/** From `first` to `last`, both included. */
interface Interval {
  first: bigint;
  last: bigint;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;
const INTERVAL = /^(\d{1,19})(?:-(\d{1,19}))?$/;
/** MySQL's GNO_END. */
const MAX_NUMBER = 2n ** 63n - 1n;

export class MysqlGtidSet {
  readonly kind = 'mysql';
  /** By source: `uuid`, or `uuid:tag`. The intervals are in order, and neither touch nor overlap. */
  readonly #sources = new Map<string, Interval[]>();

  static parse(text: string): MysqlGtidSet | null {
    const set = new MysqlGtidSet();
    for (const part of text.split(',')) {
      const [uuid = '', ...pieces] = part
        .trim()
        .toLowerCase()
        .split(':')
        .map((piece) => piece.trim());
      if (uuid === '' && pieces.length === 0) continue;
      if (!UUID.test(uuid)) return null;
      let source = uuid;
      for (const piece of pieces) {
        const interval = INTERVAL.exec(piece);
        if (!interval) {
          if (!TAG.test(piece)) return null;
          source = `${uuid}:${piece}`;
          continue;
        }
        const first = BigInt(interval[1] ?? 0);
        const last = BigInt(interval[2] ?? first);
        if (first < 1n || last >= MAX_NUMBER) return null;
        // As the server has it: an interval that ends before it begins is empty.
        if (last >= first) set.#insert(source, first, last);
      }
    }
    return set;
  }

  get empty(): boolean {
    return this.#sources.size === 0;
  }

  /** `source`: the uuid in lower case, and `:tag` where the transaction has one. */
  add(source: string, number: bigint): void {
    this.#insert(source, number, number);
  }

  has(source: string, number: bigint): boolean {
    const intervals = this.#sources.get(source);
    return intervals?.some((one) => one.first <= number && number <= one.last) ?? false;
  }

  contains(other: MysqlGtidSet): boolean {
    for (const [source, intervals] of other.#sources) {
      const own = this.#sources.get(source);
      if (!own) return false;
      for (const inner of intervals)
        if (!own.some((outer) => outer.first <= inner.first && inner.last <= outer.last)) return false;
    }
    return true;
  }

  union(other: MysqlGtidSet): MysqlGtidSet {
    const sum = this.clone();
    for (const [source, intervals] of other.#sources)
      for (const one of intervals) sum.#insert(source, one.first, one.last);
    return sum;
  }

  clone(): MysqlGtidSet {
    const copy = new MysqlGtidSet();
    for (const [source, intervals] of this.#sources)
      copy.#sources.set(
        source,
        intervals.map((one) => ({ ...one })),
      );
    return copy;
  }

  /** As the server prints it: by uuid, first what has no tag, then by tag. */
  toString(): string {
    let text = '';
    let lastUuid = '';
    for (const source of [...this.#sources.keys()].sort()) {
      const [uuid = '', tag] = source.split(':');
      if (uuid !== lastUuid) text += `${text === '' ? '' : ','}${uuid}`;
      lastUuid = uuid;
      if (tag !== undefined) text += `:${tag}`;
      for (const { first, last } of this.#sources.get(source) ?? [])
        text += first === last ? `:${first}` : `:${first}-${last}`;
    }
    return text;
  }

  /**
   * As COM_BINLOG_DUMP_GTID carries it (sql/rpl_gtid_set.cc, Gtid_set::encode): the number of sources, then per
   * source its uuid, the number of its intervals, and each one's first number and the one behind its last. A set with
   * tags has a format of its own, which servers before 8.3 do not know: the count is shifted between two format
   * bytes, and each source has its tag behind the uuid (the length doubled, as the server's variable-length integers
   * begin; then its letters).
   */
  encode(): Buffer {
    const sources = [...this.#sources].sort(([a], [b]) => (a < b ? -1 : 1));
    const tagged = sources.some(([source]) => source.includes(':'));
    const count = BigInt(sources.length);
    const parts = [uint64(tagged ? (1n << 56n) | (count << 8n) | 1n : count)];
    for (const [source, intervals] of sources) {
      const [uuid = '', tag = ''] = source.split(':');
      parts.push(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
      if (tagged) parts.push(Buffer.from([tag.length << 1]), Buffer.from(tag, 'latin1'));
      parts.push(uint64(BigInt(intervals.length)));
      for (const { first, last } of intervals) parts.push(uint64(first), uint64(last + 1n));
    }
    return Buffer.concat(parts);
  }

  #insert(source: string, first: bigint, last: bigint): void {
    const intervals = this.#sources.get(source);
    if (!intervals) {
      this.#sources.set(source, [{ first, last }]);
      return;
    }
    // By far the most frequent: the next one of the same source.
    const end = intervals[intervals.length - 1];
    if (end && first === end.last + 1n) {
      end.last = last;
      return;
    }
    let at = intervals.findIndex((one) => one.last + 1n >= first);
    if (at < 0) at = intervals.length;
    let next = at;
    const merged = { first, last };
    for (let one = intervals[next]; one && one.first <= last + 1n; one = intervals[++next]) {
      if (one.first < merged.first) merged.first = one.first;
      if (one.last > merged.last) merged.last = one.last;
    }
    intervals.splice(at, next - at, merged);
  }
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

const MARIADB_GTID = /^(\d{1,10})-(\d{1,10})-(\d{1,20})$/;

export class MariadbGtidSet {
  readonly kind = 'mariadb';
  readonly #domains = new Map<number, { server: number; sequence: bigint }>();

  static parse(text: string): MariadbGtidSet | null {
    const set = new MariadbGtidSet();
    for (const part of text.split(',')) {
      const gtid = part.trim();
      if (gtid === '') continue;
      const match = MARIADB_GTID.exec(gtid);
      if (!match) return null;
      set.add(Number(match[1]), Number(match[2]), BigInt(match[3] ?? 0));
    }
    return set;
  }

  get empty(): boolean {
    return this.#domains.size === 0;
  }

  /** The last transaction of its domain, from now on. Its number may be lower than the one before: outside of strict mode they need not rise. */
  add(domain: number, server: number, sequence: bigint): void {
    const known = this.#domains.get(domain);
    if (known) {
      known.server = server;
      known.sequence = sequence;
    } else this.#domains.set(domain, { server, sequence });
  }

  contains(other: MariadbGtidSet): boolean {
    for (const [domain, { sequence }] of other.#domains) {
      const own = this.#domains.get(domain);
      if (!own || own.sequence < sequence) return false;
    }
    return true;
  }

  union(other: MariadbGtidSet): MariadbGtidSet {
    const sum = this.clone();
    for (const [domain, { server, sequence }] of other.#domains) {
      const own = sum.#domains.get(domain);
      if (!own || own.sequence < sequence) sum.add(domain, server, sequence);
    }
    return sum;
  }

  clone(): MariadbGtidSet {
    const copy = new MariadbGtidSet();
    for (const [domain, last] of this.#domains) copy.#domains.set(domain, { ...last });
    return copy;
  }

  toString(): string {
    return [...this.#domains]
      .sort(([a], [b]) => a - b)
      .map(([domain, { server, sequence }]) => `${domain}-${server}-${sequence}`)
      .join(',');
  }
}

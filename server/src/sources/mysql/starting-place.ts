import { type ErrorCode, SluiceError } from '@sluice/contract';
import type { Connection, Position, StartChoice } from '../source.ts';
import { checkFile, checkLog, checkResumable, dumpStart } from './attach.ts';
import { FIRST_OFFSET } from './binlog/commands.ts';
import type { Session } from './connect.ts';
import type { GtidSet } from './gtid.ts';
import { LogFiles } from './log-files.ts';
import { type LogGroup, logGroups } from './log-groups.ts';
import { comparePlaces, type FilePlace } from './log-place.ts';
import { type BinlogPosition, formatPosition, parsePosition } from './position.ts';
import { splitPosition } from './xa.ts';

const APPLICATION = 'sluice';
const SECOND = 1_000_000n;

/** What the same trouble is called where a person chose the position. */
const CODES: Partial<Record<ErrorCode, ErrorCode>> = {
  BINLOG_PURGED: 'POSITION_EXPIRED',
  SERVER_BEHIND: 'POSITION_AHEAD',
  POSITION_UNAVAILABLE: 'POSITION_INVALID',
  INVALID_REQUEST: 'POSITION_INVALID',
  BINLOG_CORRUPT: 'POSITION_INVALID',
};

/**
 * Finds or checks the place, and adds what the log tells of it: a file and offset get the GTID set that goes with
 * them, so that the task can go on at another server of the same replication.
 * @param connection to the server, whatever database
 * @throws SluiceError POSITION_INVALID, POSITION_EXPIRED, POSITION_AHEAD, MYSQL_*
 */
export async function startingPlace(
  session: Session,
  connection: Connection,
  choice: StartChoice,
  signal: AbortSignal,
): Promise<Position> {
  const head = await checkLog(session);
  const files = await LogFiles.list(session, connection, APPLICATION, signal);
  const place = new Placing(session, files, head);
  try {
    const position =
      choice.by === 'time' ? await place.byTime(choice.time) : await place.byPosition(choice.position.trim());
    await checkResumable(session, connection, APPLICATION, position, head, signal);
    return position;
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = SluiceError.from(error);
    const known = CODES[code];
    if (known === undefined && !code.startsWith('POSITION_')) throw error;
    throw new SluiceError(known ?? code, message, {
      remedy: await place.remedy(known ?? code),
      cause: error,
    });
  }
}

class Placing {
  readonly #session: Session;
  readonly #files: LogFiles;
  readonly #head: BinlogPosition;

  constructor(session: Session, files: LogFiles, head: BinlogPosition) {
    this.#session = session;
    this.#files = files;
    this.#head = head;
  }

  async byPosition(text: string): Promise<Position> {
    const parsed = parsePosition(splitPosition(text).base);
    if (parsed === null)
      throw new SluiceError(
        'POSITION_INVALID',
        `${JSON.stringify(text)} is not a position of MySQL or MariaDB: neither file and offset nor a GTID set.`,
      );
    const { info } = this.#session;
    const start = dumpStart(parsed, info);
    // What a run has saved is a place between two transactions.
    if (start.kind === 'gtid' || parsed.server !== null) return text;
    const place = { file: start.file, offset: start.offset };
    await checkFile(this.#session, place, this.#head);
    return this.#at(place, await this.#gtidsAt(place));
  }

  #at(file: FilePlace, gtids: GtidSet | null): Position {
    const { server } = this.#session.info;
    return formatPosition({ file: { name: file.file, offset: file.offset }, server, gtids });
  }

  /** Reads the file up to the place. @throws SluiceError POSITION_INVALID where it lies within a transaction */
  async #gtidsAt(place: FilePlace): Promise<GtidSet | null> {
    const gtids = await this.#files.gtidsBefore(place.file);
    let known = place.offset === FIRST_OFFSET || place.offset === this.#files.sizeOf(place.file);
    const end = this.#head.file;
    if (end !== null && end.name === place.file && end.offset === place.offset) known = true;
    let groups = 0;
    let last: FilePlace | null = null;
    await using dump = await this.#files.read(place.file);
    for await (const group of logGroups(dump)) {
      if (group.begin.file !== place.file) break;
      groups++;
      if (group.begin.offset >= place.offset) {
        known ||= group.begin.offset === place.offset;
        last ??= group.begin;
        break;
      }
      if (group.end.offset > place.offset) throw within(place, group);
      known ||= group.end.offset === place.offset;
      last = group.end;
      add(gtids, group);
    }
    // MySQL 5.6 without GTIDs does not tell where its transactions begin.
    if (!known && groups > 0 && last !== null)
      throw new SluiceError(
        'POSITION_INVALID',
        `No transaction ends at ${text(place)}; the nearest place where one does is ${text(last)}.`,
      );
    return this.#session.info.flavour === 'mariadb' ? this.#files.mariadbGtids(place) : gtids;
  }

  /** The first transaction, in the log's order, that was committed then or later. */
  async byTime(time: bigint): Promise<Position> {
    const { now } = await this.#session.row<{ now: string }>('SELECT UNIX_TIMESTAMP(NOW(6)) AS now');
    if (time > microseconds(now))
      throw new SluiceError(
        'POSITION_AHEAD',
        `${iso(time)} is in the future of the server, whose clock says ${iso(microseconds(now))}.`,
      );
    const { names } = this.#files;
    const [first = ''] = names;
    const begun = BigInt(await this.#files.begunAt(first)) * SECOND;
    if (time < begun)
      throw new SluiceError(
        'POSITION_EXPIRED',
        `The log that the server still has begins with ${first}, at ${iso(begun)}, after ${iso(time)}.`,
      );
    const file = names[await this.#lastBegunBefore(time)] ?? first;
    const gtids = await this.#files.gtidsBefore(file);
    let end: FilePlace | null = null;
    await using dump = await this.#files.read(file);
    for await (const group of logGroups(dump)) {
      if (group.to >= time) return this.#placed(group.begin, gtids);
      end = group.end;
      add(gtids, group);
    }
    // Nothing has happened since.
    const head =
      this.#head.file === null ? null : { file: this.#head.file.name, offset: this.#head.file.offset };
    if (end !== null && head !== null && comparePlaces(end, head) > 0) return this.#placed(end, gtids);
    const { gtids: executed } = this.#head;
    // What is being committed is in the log, and not yet in the server's own set: it would be read twice.
    if (executed?.kind === 'mysql' && gtids?.kind === 'mysql')
      return formatPosition({ ...this.#head, gtids: executed.union(gtids) });
    return formatPosition(this.#head);
  }

  async #placed(place: FilePlace, gtids: GtidSet | null): Promise<Position> {
    const mariadb = this.#session.info.flavour === 'mariadb';
    return this.#at(place, mariadb ? await this.#files.mariadbGtids(place) : gtids);
  }

  /** By halves: all that is in the files before it was committed before the time. */
  async #lastBegunBefore(time: bigint): Promise<number> {
    let low = 0;
    let high = this.#files.names.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const begun = await this.#files.begunAt(this.#files.names[middle] ?? '');
      // The head tells the second only.
      if (BigInt(begun + 1) * SECOND <= time) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  async remedy(code: ErrorCode): Promise<string> {
    const [first = ''] = this.#files.names;
    const end = this.#head.file;
    const begun = BigInt(await this.#files.begunAt(first)) * SECOND;
    const has = `The server has its log from ${first}:${FIRST_OFFSET} (${iso(begun)}) to ${end === null ? 'its end' : `${end.name}:${end.offset}`}`;
    if (code === 'POSITION_EXPIRED')
      return `${has}: choose a position in it, or start the task stateless. To keep more of it, raise binlog_expire_logs_seconds (or expire_logs_days).`;
    if (code === 'POSITION_AHEAD') return `${has}: choose a position in it.`;
    return `${has}: choose a file and an offset in it where a transaction ends, a GTID set, or a time.`;
  }
}

function add(gtids: GtidSet | null, { id }: LogGroup): void {
  if (id?.kind === 'mysql' && gtids?.kind === 'mysql') gtids.add(id.source, id.number);
}

function within(place: FilePlace, { begin, end }: LogGroup): SluiceError {
  return new SluiceError(
    'POSITION_INVALID',
    `${text(place)} lies within a transaction, which begins at ${text(begin)} and ends at ${text(end)}.`,
  );
}

const text = ({ file, offset }: FilePlace): string => `${file}:${offset}`;

const iso = (microseconds: bigint): string => new Date(Number(microseconds / 1000n)).toISOString();

/** Of seconds with a fraction, as the server writes them. */
function microseconds(seconds: string): bigint {
  const [whole = '0', fraction = ''] = seconds.split('.');
  return BigInt(whole) * SECOND + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}

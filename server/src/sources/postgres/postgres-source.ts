import { SluiceError } from '@sluice/contract';
import type { Column, TableName, TableSchema } from '../../model/table.ts';
import type {
  ChangeSink,
  DiscoveredTable,
  Position,
  Selection,
  Source,
  SourceOptions,
  TableSnapshot,
} from '../source.ts';
import { applicationName, openSession, type Session } from './connect.ts';
import { discoverTables } from './discover.ts';
import { keepsValues } from './keeps-values.ts';
import { comparePositions, readHead, requireLsn } from './position.ts';
import { ensurePublication, setTables } from './publication.ts';
import { checkTables, type NotPublished, readMembers, readPublication } from './publication-state.ts';
import { quoteIdent } from './quote.ts';
import { fetchRows } from './rows.ts';
import {
  checkOwner,
  checkResumable,
  createSlot,
  dropSlot,
  freeSlot,
  MAY_REPLICATE,
  readSlot,
  slotName,
} from './slot.ts';
import { openSnapshot } from './snapshot.ts';
import { followLog } from './stream.ts';
import { formatLsn, type Lsn } from './wire/lsn.ts';

const OLDEST_VERSION = 140_000;
/** How long a short question may take: the catalog of many thousand tables included. */
const ANSWER_MS = 120_000;

export async function openPostgres(options: SourceOptions, signal: AbortSignal): Promise<Source> {
  const source = new PostgresSource(options);
  // Whatever is wrong with host, account or version is said now.
  await source.withSession(signal, async (session) => checkVersion(session));
  return source;
}

export function checkVersion(session: Session): void {
  if (session.version < OLDEST_VERSION)
    throw new SluiceError('PG_VERSION', `the server is PostgreSQL ${Math.floor(session.version / 10_000)}`);
}

class PostgresSource implements Source {
  readonly ddl = 'catalog';
  readonly #options: SourceOptions;
  readonly #application: string;
  readonly #slot: string;
  readonly #publication: string;
  readonly #closed = new AbortController();
  /** The connection for short questions, opened again when it was lost; one question at a time. */
  #session: Session | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #durable: Lsn = 0n;
  #acknowledge: () => void = () => {};

  constructor(options: SourceOptions) {
    this.#options = options;
    this.#application = applicationName(options.taskKey);
    this.#slot = slotName(options.taskKey);
    this.#publication = options.publication ?? slotName(options.taskKey);
  }

  readonly compare = comparePositions;

  readonly keepsValues = keepsValues;

  serverOf(): string {
    return '';
  }

  async discover(selection: Selection, signal: AbortSignal): Promise<readonly DiscoveredTable[]> {
    return this.withSession(signal, async (session) => {
      const given = this.#options.publication;
      // A publication of ours has them wherever the server can (publication.ts).
      const storedGenerated =
        given === null
          ? session.version >= 180_000
          : ((await readPublication(session, given))?.generated ?? false);
      return discoverTables(session, selection, { storedGenerated });
    });
  }

  async publish(tables: readonly TableName[], signal: AbortSignal): Promise<readonly NotPublished[]> {
    // It may wait for somebody's transaction, so it does not keep the short questions waiting.
    await using session = await this.#open(signal);
    if (this.#options.publication !== null)
      return await checkTables(session, this.#options.publication, tables);
    return await setTables(session, this.#publication, tables, { notice: this.#notice, signal });
  }

  async published(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const own = this.#options.publication === null;
    return this.withSession(signal, (session) => readMembers(session, this.#publication, own));
  }

  async attach(from: Position | null, signal: AbortSignal): Promise<Position> {
    await using session = await this.#open(signal);
    const database = this.#options.connection.database;
    const state = await readSlot(session, this.#slot);
    if (from !== null) {
      const lsn = requireLsn(from);
      checkResumable(this.#slot, state, database, lsn);
      const head = requireLsn(await readHead(session));
      if (lsn > head)
        throw new SluiceError(
          'POSITION_UNAVAILABLE',
          `position ${from} lies behind the end of the server's log (${formatLsn(head)}): it is of another server, or this one was restored`,
        );
      if (!(await readPublication(session, this.#publication)))
        throw new SluiceError(
          'PG_PUBLICATION_MISSING',
          `publication ${this.#publication} does not exist any more`,
        );
      await freeSlot(session, this.#slot, this.#options.taskKey, signal);
      // The reader that was ended may have confirmed more in the meantime.
      checkResumable(this.#slot, await readSlot(session, this.#slot), database, lsn);
      return from;
    }
    if (state) checkOwner(this.#slot, state, database);
    await this.#checkAnew(session);
    if (this.#options.publication === null) await ensurePublication(session, this.#publication);
    else if (!(await readPublication(session, this.#publication)))
      throw new SluiceError('PG_PUBLICATION_MISSING', `publication ${this.#publication} does not exist`);
    if (state) {
      await freeSlot(session, this.#slot, this.#options.taskKey, signal);
      await dropSlot(session, this.#slot);
    }
    // Not under the caller's signal: an abort cancels the statement over `session` first, so that no slot is left.
    await using maker = await openSession(
      this.#options.connection,
      { applicationName: this.#application },
      this.#closed.signal,
    );
    await using watcher = await openSession(
      this.#options.connection,
      { applicationName: this.#application },
      this.#closed.signal,
    );
    return formatLsn(await createSlot(maker, watcher, this.#slot, { notice: this.#notice, signal }));
  }

  /** What a person has to mend is said before a leftover slot is dropped. */
  async #checkAnew(session: Session): Promise<void> {
    const row = await session.row<{ level: string; replication: boolean; role: string }>(
      `SELECT current_setting('wal_level') AS level, ${MAY_REPLICATE} AS replication, current_user::text AS role`,
    );
    if (row.level !== 'logical')
      throw new SluiceError('PG_WAL_LEVEL', `wal_level is ${row.level}, not logical`);
    if (!row.replication)
      throw new SluiceError('PG_NO_REPLICATION', `role ${row.role} has no REPLICATION right`, {
        remedy: `Run ALTER ROLE ${quoteIdent(row.role)} REPLICATION; as a superuser.`,
      });
  }

  /** Rows are read by what the log itself says of their table. */
  async redefined(): Promise<() => boolean> {
    return () => false;
  }

  async head(signal: AbortSignal): Promise<Position> {
    return this.withSession(signal, readHead);
  }

  async remaining(from: Position, signal: AbortSignal): Promise<{ end: Position; bytes: number }> {
    const end = await this.head(signal);
    const bytes = requireLsn(end) - requireLsn(from);
    return { end, bytes: bytes > 0n ? Number(bytes) : 0 };
  }

  async mark(text: string, signal: AbortSignal): Promise<void> {
    // Transactional, so that it comes with a commit and moves the position.
    await this.withSession(signal, (session) =>
      session.rows('SELECT pg_logical_emit_message(true, $1::text, $2::text)', [this.#slot, text]),
    );
  }

  async stream(from: Position, sink: ChangeSink, signal: AbortSignal): Promise<void> {
    const lsn = requireLsn(from);
    signal.throwIfAborted();
    const life = AbortSignal.any([signal, this.#closed.signal]);
    // The stream ends its connection by itself, in order: an abort destroys it only while it is opened.
    const opening = new AbortController();
    const onAbort = (): void => opening.abort(life.reason);
    life.addEventListener('abort', onAbort);
    let session: Session;
    try {
      session = await openSession(
        this.#options.connection,
        { applicationName: this.#application, replication: true },
        opening.signal,
      );
    } catch (error) {
      if (life.aborted) return;
      throw error;
    } finally {
      life.removeEventListener('abort', onAbort);
    }
    try {
      await followLog(
        session,
        {
          slot: this.#slot,
          publication: this.#publication,
          from: lsn,
          markPrefix: this.#slot,
          durable: () => this.#durable,
          onOpen: (acknowledge) => {
            this.#acknowledge = acknowledge;
          },
        },
        sink,
        life,
      );
    } finally {
      this.#acknowledge = () => {};
    }
  }

  acknowledge(position: Position): void {
    const lsn = requireLsn(position);
    if (lsn <= this.#durable) return;
    this.#durable = lsn;
    this.#acknowledge();
  }

  async snapshot({ name, columns }: TableSchema, signal: AbortSignal): Promise<TableSnapshot> {
    return openSnapshot(this.#options.connection, this.#application, name, columns, signal);
  }

  async fetchRows(
    table: TableName,
    columns: readonly Column[],
    key: readonly string[],
    keys: readonly (readonly string[])[],
    signal: AbortSignal,
  ): Promise<Buffer> {
    return fetchRows(this.#options.connection, this.#application, table, columns, key, keys, signal);
  }

  async withSession<T>(signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
    const mine = this.#turn.then(async () => {
      signal.throwIfAborted();
      const session = await this.#shortSession(signal);
      const onAbort = (): void => session.destroy();
      signal.addEventListener('abort', onAbort);
      // A host that vanished while it owed us an answer would keep TCP trying for a quarter of an hour.
      const patience = setTimeout(() => session.destroy(), ANSWER_MS);
      try {
        return await work(session);
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        clearTimeout(patience);
        signal.removeEventListener('abort', onAbort);
      }
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #shortSession(signal: AbortSignal): Promise<Session> {
    if (this.#session?.alive) return this.#session;
    this.#session?.destroy();
    this.#session = null;
    const opening = new AbortController();
    const onAbort = (): void => opening.abort(signal.reason);
    const onClose = (): void => opening.abort(this.#closed.signal.reason);
    this.#closed.signal.throwIfAborted();
    signal.addEventListener('abort', onAbort);
    this.#closed.signal.addEventListener('abort', onClose);
    try {
      this.#session = await openSession(
        this.#options.connection,
        { applicationName: this.#application },
        opening.signal,
      );
      return this.#session;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#closed.signal.removeEventListener('abort', onClose);
    }
  }

  #open(signal: AbortSignal): Promise<Session> {
    return openSession(
      this.#options.connection,
      { applicationName: this.#application },
      AbortSignal.any([signal, this.#closed.signal]),
    );
  }

  readonly #notice = (message: string): void => {
    this.#options.notice?.(message);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new SluiceError('SOURCE_INTERRUPTED', 'the source was closed'));
    await this.#session?.[Symbol.asyncDispose]();
  }
}

import type { TableName } from '../../model/table.ts';
import type { Session } from './connect.ts';
import type { FilePlace } from './log-place.ts';
import { type BinlogPosition, readHead } from './position.ts';
import { LOCK_SECONDS, locked, openSettledSnapshot, readOwned, Waiting } from './settle.ts';

/** For so long a moment is looked for in which nobody commits; then the table is locked for one. */
const TRY_MS = 60_000;
const BEGIN = 'START TRANSACTION WITH CONSISTENT SNAPSHOT';

/** What is needed for a view of one table as of an exact place in the log. */
export interface ViewOf {
  /** Has the view afterwards, in a transaction that is left open. */
  readonly reader: Session;
  readonly helper: Session;
  readonly table: TableName;
  readonly transactional: boolean;
  /** The log's end, all of which can be seen. */
  readonly head: BinlogPosition;
  readonly notice: (message: string) => void;
  /** Begins to read; resolves when the server has begun to answer, and so holds the table itself. */
  readonly begin: () => Promise<void>;
}

/**
 * Begins to read a table, and returns the place in the log such that of the table's rows it sees all that was in the
 * log before that place, and nothing else.
 * @throws SluiceError SOURCE_*
 */
export async function beginExactly(view: ViewOf): Promise<FilePlace> {
  const { reader, helper, table, head, notice } = view;
  if (view.transactional && reader.info.flavour === 'mariadb') {
    const place = await openSettledSnapshot(reader, head, notice);
    await view.begin();
    return place;
  }
  if (view.transactional && reader.info.gtid) {
    const place = await quietMoment(reader, notice);
    if (place !== null) {
      await view.begin();
      return place;
    }
  }
  // DDL that comes between the lock and the reading waits for the lock, and the reading for the DDL. That the lock waits
  // for the reading no server can know, so it would be for ever. Nothing else is read over this connection.
  await reader.run(`SET lock_wait_timeout = ${LOCK_SECONDS}`);
  // Whoever has changed the table is done with it, and nobody begins to, until the place is known.
  return await locked(helper, table, notice, async () => {
    if (view.transactional) await reader.run(BEGIN);
    const place = placeOf(await readHead(helper));
    await view.begin();
    return place;
  });
}

/**
 * MySQL: a snapshot between two looks at the log's end that find the same. All that is in the log up to there is
 * committed if nobody owned a GTID after the first look (settle.ts says why), and nothing else is, since whatever is
 * committed was in the log before. null: there was no such moment.
 */
async function quietMoment(session: Session, notice: (message: string) => void): Promise<FilePlace | null> {
  const waiting = new Waiting(session.signal, notice);
  while (waiting.elapsedMs < TRY_MS) {
    const before = placeOf(await readHead(session));
    if ((await readOwned(session)).size === 0) {
      await session.run(BEGIN);
      const after = placeOf(await readHead(session));
      if (before.file === after.file && before.offset === after.offset) return before;
      await session.run('COMMIT');
    }
    // Moments are short where many write: they are met by looking often.
    waiting.tell(() => 'the full load waits for a moment in which nobody commits');
  }
  return null;
}

function placeOf({ file }: BinlogPosition): FilePlace {
  // readHead has no other.
  if (file === null) throw new Error('the end of the log has no file');
  return { file: file.name, offset: file.offset };
}

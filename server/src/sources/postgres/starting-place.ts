import { SluiceError } from '@sluice/contract';
import type { Position, StartChoice } from '../source.ts';
import type { Session } from './connect.ts';
import { readHead, requireLsn } from './position.ts';
import { checkOwner, checkResumable, readSlot } from './slot.ts';
import { formatLsn, type Lsn, parseLsn } from './wire/lsn.ts';

/**
 * The server keeps the log for the task's slot alone, from what the slot has confirmed on: that is as far back as a
 * start can go, whatever WAL files are there besides.
 * @throws SluiceError POSITION_INVALID, POSITION_EXPIRED, POSITION_AHEAD, PG_SLOT_MISSING, PG_SLOT_INVALIDATED,
 *   PG_SLOT_FOREIGN
 */
export async function startingPlace(
  session: Session,
  slot: string,
  database: string,
  choice: StartChoice,
): Promise<Position> {
  if (choice.by === 'time')
    throw new SluiceError('POSITION_INVALID', 'The log of PostgreSQL cannot be looked up by time.', {
      remedy:
        'Give a position: an LSN such as 16/B374D848 (SELECT pg_current_wal_lsn() tells that of the moment).',
    });
  const text = choice.position.trim();
  const lsn = parseLsn(text);
  if (lsn === null)
    throw new SluiceError(
      'POSITION_INVALID',
      `${JSON.stringify(text)} is not a position of PostgreSQL, which are LSNs such as 16/B374D848.`,
    );
  const state = await readSlot(session, slot);
  if (state === null)
    throw new SluiceError(
      'PG_SLOT_MISSING',
      `replication slot ${slot} does not exist, so the server has kept no log for this task`,
      {
        remedy:
          'Start the task stateless: that makes the slot, and loads the tables. Positions behind it can be chosen from then on.',
      },
    );
  const head = requireLsn(await readHead(session));
  const wanted = { lsn, first: state.confirmed, last: head };
  if (state.confirmed > lsn && state.invalid === null) {
    checkOwner(slot, state, database);
    throw refused('POSITION_EXPIRED', 'lies before what the replication slot still has', wanted);
  }
  checkResumable(slot, state, database, lsn);
  if (lsn > head) throw refused('POSITION_AHEAD', "lies behind the end of the server's log", wanted);
  return formatLsn(lsn);
}

function refused(
  code: 'POSITION_EXPIRED' | 'POSITION_AHEAD',
  how: string,
  { lsn, first, last }: { readonly lsn: Lsn; readonly first: Lsn; readonly last: Lsn },
): SluiceError {
  return new SluiceError(code, `The position ${formatLsn(lsn)} ${how}.`, {
    remedy: `Choose a position from ${formatLsn(first)} (confirmed_flush_lsn of the slot, which never goes back) to ${formatLsn(last)} (the end of the log now)${
      code === 'POSITION_EXPIRED' ? ', or start the task stateless' : ''
    }.`,
  });
}

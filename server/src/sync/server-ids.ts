import { SluiceError } from '@sluice/contract';
import type { ServerIds } from '../sources/source.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';

/** The reference's range: what a person sees in the source's list of replicas, it can be told from others' by. */
const FIRST = 5400;
const LAST = 6400;

/**
 * The numbers of one task: it keeps the one that it has for a server until it is deleted or a stranger has it.
 * @param member of a merge, which may know one server by several data sources; '' for a mirror
 */
export function taskServerIds(db: MetastoreDb, taskId: number, member = ''): ServerIds {
  return {
    allot: (of, taken) =>
      db.transaction().execute(async (trx) => {
        const server = member === '' ? of : `${of} ${member}`;
        const rows = await trx
          .selectFrom('server_ids')
          .select(['task_id', 'server', 'server_id'])
          .where((row) => row.or([row('server', '=', of), row('server', 'like', `${of} %`)]))
          .execute();
        const own = rows.find((row) => row.task_id === taskId && row.server === server);
        if (own !== undefined && !taken.has(own.server_id)) return own.server_id;
        const serverId = freeServerId(new Set(rows.map((row) => row.server_id)), taken);
        if (serverId === null)
          throw new SluiceError(
            'SERVER_ID_TAKEN',
            `No server id between ${FIRST} and ${LAST} is free at ${of}.`,
          );
        await trx
          .insertInto('server_ids')
          .values({ task_id: taskId, server, server_id: serverId })
          .onConflict((conflict) =>
            conflict.columns(['task_id', 'server']).doUpdateSet({ server_id: serverId }),
          )
          .execute();
        return serverId;
      }),
  };
}

/** @returns null where none is free */
export function freeServerId(ours: ReadonlySet<number>, taken: ReadonlySet<number>): number | null {
  for (let id = FIRST; id <= LAST; id++) if (!ours.has(id) && !taken.has(id)) return id;
  return null;
}

import { SluiceError } from '@sluice/contract';
import type { Selectable } from 'kysely';
import type { Connection } from '../sources/source.ts';
import type { MetastoreDb } from './open-metastore.ts';
import { dataSourceOwner, type Sealer } from './secrets.ts';
import type { Metastore } from './tables.ts';

/** What `data_sources.config_json` holds. */
export type ConnectionConfig = Omit<Connection, 'password'>;

/** How to reach a data source; holds the password, so keep it out of what is printed. */
export async function readConnection(
  db: MetastoreDb,
  sealer: Sealer,
  dataSourceId: number,
  database: string | null,
): Promise<{ readonly dsType: number; readonly connection: Connection }> {
  const row = await db
    .selectFrom('data_sources')
    .selectAll()
    .where('id', '=', dataSourceId)
    .executeTakeFirst();
  if (row === undefined)
    throw new SluiceError('NOT_FOUND', `The data source ${dataSourceId} does not exist (any more).`);
  return { dsType: row.ds_type, connection: connectionOf(row, sealer, database) };
}

export function connectionOf(
  row: Selectable<Metastore['data_sources']>,
  sealer: Sealer,
  database: string | null,
): Connection {
  const config = JSON.parse(row.config_json) as ConnectionConfig;
  const password = row.secret === null ? '' : sealer.open(row.secret, dataSourceOwner(row.id)).reveal();
  return { ...config, database: database ?? config.database, password };
}

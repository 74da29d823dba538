import { SluiceError } from '@sluice/contract';
import type { Selectable } from 'kysely';
import type { MetastoreDb } from '../store/open-metastore.ts';
import type { Metastore } from '../store/tables.ts';

type Named =
  | 'data_sources'
  | 'folders'
  | 'tasks'
  | 'vclusters'
  | 'alert_channels'
  | 'alert_policies'
  | 'alert_rules';

const WORDS: Readonly<Record<Named, string>> = {
  data_sources: 'data source',
  folders: 'folder',
  tasks: 'task',
  vclusters: 'VCluster',
  alert_channels: 'alert channel',
  alert_policies: 'notification policy',
  alert_rules: 'alert rule',
};

/**
 * A row by id (a number, or a text of digits only) or by name.
 * @throws SluiceError NOT_FOUND
 */
export async function findNamed<T extends Named>(
  db: MetastoreDb,
  table: T,
  ref: string | number,
): Promise<Selectable<Metastore[T]>> {
  const id = typeof ref === 'number' ? ref : /^\d{1,15}$/.test(ref) ? Number(ref) : null;
  // The tables' union is beyond what Kysely's types can follow; `id` and `name` are columns of each.
  const query = db.selectFrom(table as 'folders').selectAll();
  const row = await (id === null
    ? query.where('name', '=', String(ref))
    : query.where('id', '=', id)
  ).executeTakeFirst();
  if (row === undefined)
    throw new SluiceError(
      'NOT_FOUND',
      `There is no ${WORDS[table]} ${id === null ? JSON.stringify(ref) : id}.`,
    );
  return row as unknown as Selectable<Metastore[T]>;
}

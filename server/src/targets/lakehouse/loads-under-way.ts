import type { TableName } from '../../model/table.ts';
import type { MetastoreDb } from '../../store/open-metastore.ts';

/**
 * Whether a load of the table, or of any shard of a merged one, has begun and not taken its place: its files lie in the
 * table's folder, and no metadata of the catalog names them. Asked of the metastore, which knows also of loads that an
 * earlier attempt began.
 */
export async function hasLoadUnderWay(
  metastore: MetastoreDb,
  { schema, table }: TableName,
): Promise<boolean> {
  const lane = await metastore
    .selectFrom('lanes')
    .select('id')
    .where('target_schema', '=', schema)
    .where('target_table', '=', table)
    .where('load_json', 'is not', null)
    .limit(1)
    .executeTakeFirst();
  return lane !== undefined;
}

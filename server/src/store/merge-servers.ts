import { TaskSpec } from '@sluice/contract';
import type { MetastoreDb } from './open-metastore.ts';

/** The data source that a merge calls by a name, by its newest version that has one of that name; null: none has. */
export async function dataSourceOfServer(
  db: MetastoreDb,
  taskId: number,
  server: string,
): Promise<number | null> {
  const versions = await db
    .selectFrom('task_versions')
    .select('spec_json')
    .where('task_id', '=', taskId)
    .orderBy('version', 'desc')
    .execute();
  for (const { spec_json } of versions) {
    const spec = TaskSpec.parse(JSON.parse(spec_json));
    if (spec.pipelineType !== 2) continue;
    const found = spec.sources.find((source) => source.server === server);
    if (found !== undefined) return found.dataSource;
  }
  return null;
}

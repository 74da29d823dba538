import type { Logger } from 'pino';
import { CompositeSource } from '../sources/composite/composite-source.ts';
import { mergeMembers } from '../sources/composite/members.ts';
import { SOURCES, sourceAdmin } from '../sources/registry.ts';
import type { Connection, Source, SourceAdmin } from '../sources/source.ts';
import { readConnection } from '../store/connections.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import type { Sealer } from '../store/secrets.ts';
import { taskServerIds } from './server-ids.ts';
import type { Work } from './work.ts';

/** What a run reads of: a mirror's one database, or all logs of a merge. @throws SluiceError SOURCE_*, NOT_FOUND */
export async function openSource(
  {
    metastore,
    sealer,
    work,
    log,
  }: {
    readonly metastore: MetastoreDb;
    readonly sealer: Sealer;
    readonly work: Work;
    readonly log: Logger;
  },
  signal: AbortSignal,
): Promise<Source | CompositeSource> {
  const { publication, tinyint1, time, unloggedCascades } = work.parameters;
  const open = (admin: SourceAdmin, connection: Connection, taskKey: string, member = ''): Promise<Source> =>
    admin.open(
      {
        connection,
        taskKey,
        publication,
        reading: { tinyint1, time, unloggedCascades },
        serverIds: taskServerIds(metastore, work.taskId, member),
        notice: (message) => log.info(message),
      },
      signal,
    );
  const { spec } = work;
  if (spec.pipelineType !== 2) {
    const { dsType, connection } = await readConnection(metastore, sealer, spec.dataSource, spec.database);
    return open(sourceAdmin(SOURCES, dsType), connection, work.sourceKey);
  }
  const members = await mergeMembers(
    {
      sources: SOURCES,
      connectionOf: (dataSource) => readConnection(metastore, sealer, dataSource, null),
    },
    spec,
    work.sourceKey,
    signal,
  );
  const opened = new Map<string, Source>();
  try {
    for (const { label, admin, connection, taskKey } of members)
      opened.set(label, await open(admin, connection, taskKey, label));
    return new CompositeSource(opened);
  } catch (error) {
    for (const source of opened.values()) await source[Symbol.asyncDispose]();
    throw error;
  }
}

import { SluiceError } from '@sluice/contract';
import type { Logger } from 'pino';
import { splitPositions } from '../sources/composite/composite-position.ts';
import { CompositeSource, named } from '../sources/composite/composite-source.ts';
import { memberOf } from '../sources/composite/member-label.ts';
import { type MergeMember, memberTaskKey, mergeMembers } from '../sources/composite/members.ts';
import { SOURCES, sourceAdmin } from '../sources/registry.ts';
import type { Source } from '../sources/source.ts';
import { readConnection } from '../store/connections.ts';
import { dataSourceOfServer } from '../store/merge-servers.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import type { Sealer } from '../store/secrets.ts';
import { taskServerIds } from './server-ids.ts';
import type { Work } from './work.ts';

export interface SourceContext {
  readonly metastore: MetastoreDb;
  readonly sealer: Sealer;
  readonly work: Pick<Work, 'taskId' | 'sourceKey' | 'spec' | 'parameters' | 'begun' | 'start'>;
  readonly log: Logger;
  /** Where the task goes on from; null: it begins anew. */
  readonly saved: string | null;
}

/**
 * What a run reads of: a mirror's one database, or all logs of a merge. A merge that goes on does without servers that
 * cannot be reached, as long as one can.
 * @throws SluiceError SOURCE_*, NOT_FOUND
 */
export async function openSource(
  context: SourceContext,
  signal: AbortSignal,
): Promise<Source | CompositeSource> {
  const { metastore, sealer, work } = context;
  const { spec } = work;
  if (spec.pipelineType !== 2) {
    const { dsType, connection } = await readConnection(metastore, sealer, spec.dataSource, spec.database);
    const admin = sourceAdmin(SOURCES, dsType);
    return open(context, { label: '', admin, connection, taskKey: work.sourceKey }, signal);
  }
  const { present, away } = await mergeLogs(context, new Set(), signal);
  const opened = new Map<string, Source>();
  try {
    for (const member of present) opened.set(member.label, await open(context, member, signal));
    return new CompositeSource(opened, away);
  } catch (error) {
    for (const source of opened.values()) await source[Symbol.asyncDispose]();
    throw error;
  }
}

function open(
  { metastore, work, log }: SourceContext,
  { label, admin, connection, taskKey }: Omit<MergeMember, 'dsType'>,
  signal: AbortSignal,
): Promise<Source> {
  const { publication, tinyint1, time, unloggedCascades } = work.parameters;
  return admin.open(
    {
      connection,
      taskKey,
      publication,
      reading: { tinyint1, time, unloggedCascades },
      serverIds: taskServerIds(metastore, work.taskId, label),
      notice: (message) => log.info(message),
    },
    signal,
  );
}

/** Whether a merge could read a log now that it does not read: a database that is new, or a server that is back. */
export async function canReadMore(
  context: SourceContext,
  source: Source | CompositeSource,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(source instanceof CompositeSource)) return false;
  const read = new Set(source.labels);
  const { present, known } = await mergeLogs(context, read, signal);
  const more = present.filter(({ label }) => !read.has(label));
  for (const member of more) {
    if (known.has(member.label)) continue;
    // One that cannot be followed is to stop nothing that is: it is tried before the run depends on it.
    try {
      await using trial = await open(context, member, signal);
      await trial.attach(null, signal);
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = SluiceError.from(error);
      context.log.warn({ source: member.label, code, cause: message }, 'a log that is new cannot be read');
      return false;
    }
  }
  return more.length > 0;
}

const UNREACHABLE: ReadonlySet<string> = new Set(['SOURCE_UNREACHABLE', 'SOURCE_INTERRUPTED']);

/**
 * The logs of a merge, and which of them cannot be read now. Only a log that has a place to go on from may be away.
 * @param answering labels of members that need not be asked whether they are there
 */
async function mergeLogs(
  { metastore, sealer, work, saved }: SourceContext,
  answering: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<{
  readonly present: readonly MergeMember[];
  readonly away: ReadonlyMap<string, SluiceError>;
  /** Labels of logs that have a place. */
  readonly known: ReadonlySet<string>;
}> {
  const { spec } = work;
  if (spec.pipelineType !== 2) throw new Error('a mirror has one log');
  const goesOn = work.begun || work.start === 'resume';
  const places = saved === null || !goesOn ? new Set<string>() : new Set(splitPositions(saved).keys());
  const away = new Map<string, SluiceError>();
  const leaveOut = (label: string, error: unknown): void => {
    if (!places.has(label) || !(error instanceof SluiceError) || !UNREACHABLE.has(error.code)) throw error;
    away.set(label, named(label, error) as SluiceError);
  };
  const members = await mergeMembers(
    {
      sources: SOURCES,
      connectionOf: (dataSource) => readConnection(metastore, sealer, dataSource, null),
    },
    spec,
    work.sourceKey,
    signal,
    (server, error) => {
      const labels = [...places].filter((label) => memberOf(label).server === server);
      if (labels.length === 0) throw error;
      for (const label of labels) leaveOut(label, error);
      return labels.map((label) => memberOf(label).database ?? '');
    },
  );
  await Promise.all(
    members.map(async ({ label, admin, connection }) => {
      if (away.has(label) || answering.has(label) || !places.has(label)) return;
      try {
        await admin.head(connection, signal);
      } catch (error) {
        leaveOut(label, error);
      }
    }),
  );
  const present = members.filter(({ label }) => !away.has(label));
  const [first] = away.values();
  if (present.length === 0 && first !== undefined) throw first;
  return { present, away, known: places };
}

/** Has dropped what the task keeps at the sources of logs that it reads no longer; what cannot be dropped is said. */
export async function forgetLogs(
  { metastore, sealer, work, log }: SourceContext,
  labels: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (const label of labels) {
    const { server, database } = memberOf(label);
    const taskKey = memberTaskKey(work.sourceKey, label);
    try {
      const dataSource = await dataSourceOfServer(metastore, work.taskId, server);
      if (dataSource === null) throw new SluiceError('NOT_FOUND', `The data source of ${server} is gone.`);
      const { dsType, connection } = await readConnection(metastore, sealer, dataSource, null);
      await sourceAdmin(SOURCES, dsType).forget({ ...connection, database: database ?? '' }, taskKey, signal);
      log.info({ source: label }, 'a log is no longer read; what the task kept for it is dropped');
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = SluiceError.from(error);
      log.warn(
        { source: label, code, cause: message },
        `what the task kept there may still be there, and is to be dropped by hand: sluice_${taskKey}`,
      );
    }
  }
}

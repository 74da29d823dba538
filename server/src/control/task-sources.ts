import { type MergeSpec, SluiceError, type TaskSpec } from '@sluice/contract';
import { comparePositions, joinPositions, splitPositions } from '../sources/composite/composite-position.ts';
import { named } from '../sources/composite/composite-source.ts';
import { memberOf, shardOf } from '../sources/composite/member-label.ts';
import { type MergeMember, memberTaskKey, mergeMembers } from '../sources/composite/members.ts';
import { taggedId, taggedName } from '../sources/composite/names.ts';
import { virtualTables } from '../sources/composite/virtual-table-match.ts';
import { sourceAdmin } from '../sources/registry.ts';
import type { Connection, Position, SourceAdmin, StartChoice } from '../sources/source.ts';
import { readConnection } from '../store/connections.ts';
import { dataSourceOfServer } from '../store/merge-servers.ts';
import type { Control } from './context.ts';
import { selectTables } from './publish-check.ts';
import type { TaskRow } from './tasks.ts';

/** What the control plane asks of what a task reads of: a mirror's one database, or all logs of a merge. */
export interface TaskSources {
  /** The end of the log now. */
  head(signal: AbortSignal): Promise<Position>;
  compare(a: Position, b: Position): -1 | 0 | 1;
  /** The tables of the task that are there now, as its run knows them (Lane.objectId). */
  objectIds(signal: AbortSignal): Promise<ReadonlySet<string>>;
  /** As SourceAdmin.startingPlace. A position of a merge is one of each of its logs. */
  startingPlace(choice: StartChoice, signal: AbortSignal): Promise<Position>;
}

/** @throws SluiceError NOT_FOUND, SOURCE_* */
export async function taskSources(
  control: Control,
  spec: TaskSpec,
  sourceKey: string,
  signal: AbortSignal,
): Promise<TaskSources> {
  if (spec.pipelineType === 2) return mergeSources(control, spec, sourceKey, signal);
  const { dsType, connection } = await readConnection(
    control.db,
    control.sealer,
    spec.dataSource,
    spec.database,
  );
  const admin = sourceAdmin(control.sources, dsType);
  return {
    head: (until) => admin.head(connection, until),
    compare: (a, b) => admin.compare(a, b),
    objectIds: async (until) =>
      new Set(selectTables(spec, await admin.objects(connection, until)).map(({ objectId }) => objectId)),
    startingPlace: (choice, until) => admin.startingPlace(connection, sourceKey, choice, until),
  };
}

function membersOf(
  control: Control,
  spec: MergeSpec,
  sourceKey: string,
  signal: AbortSignal,
  otherwise?: (server: string) => readonly string[],
): Promise<readonly MergeMember[]> {
  const connectionOf = (dataSource: number) => readConnection(control.db, control.sealer, dataSource, null);
  return mergeMembers({ sources: control.sources, connectionOf }, spec, sourceKey, signal, otherwise);
}

async function mergeSources(
  control: Control,
  spec: MergeSpec,
  sourceKey: string,
  signal: AbortSignal,
): Promise<TaskSources> {
  const members = await membersOf(control, spec, sourceKey, signal);
  const tables = virtualTables(spec);
  const joined = async (ask: (member: MergeMember) => Promise<Position>): Promise<Position> =>
    joinPositions(
      new Map(
        await Promise.all(
          members.map(async (one) => {
            try {
              return [one.label, await ask(one)] as const;
            } catch (error) {
              throw named(one.label, error);
            }
          }),
        ),
      ),
    );
  return {
    head: (until) => joined(({ admin, connection }) => admin.head(connection, until)),
    compare: (a, b) => comparePositions(a, b, (x, y) => members[0]!.admin.compare(x, y)),
    objectIds: async (until) => {
      const ids = await Promise.all(
        members.map(async ({ label, admin, connection }) =>
          (await admin.objects(connection, until))
            .filter(({ schema }) =>
              tables.some(({ match }) => match.has(shardOf(taggedName(label, schema.name)))),
            )
            .map(({ objectId }) => taggedId(label, objectId)),
        ),
      );
      return new Set(ids.flat());
    },
    startingPlace: (choice, until) => {
      const places = choice.by === 'position' ? splitPositions(choice.position) : null;
      return joined(({ label, admin, connection, taskKey }) => {
        const place = places?.get(label);
        if (places !== null && place === undefined)
          throw new SluiceError('POSITION_INVALID', `The position tells nothing of ${label}.`, {
            remedy: 'A position of a merge has a place for each of its logs; start from a time instead.',
          });
        const own: StartChoice = place === undefined ? choice : { by: 'position', position: place };
        return admin.startingPlace(connection, taskKey, own, until);
      });
    },
  };
}

/** What a task keeps at one of its sources, in words, and how to have it dropped. */
export interface KeptThere {
  readonly source: string;
  readonly what: string;
  readonly cost: string;
  readonly admin: SourceAdmin;
  readonly connection: Connection;
  readonly taskKey: string;
}

/** Sources that keep nothing are not asked, so that they need not be there. */
export async function keptAtSources(
  control: Control,
  task: Pick<TaskRow, 'id' | 'source_key'>,
  spec: TaskSpec,
  position: Position | null,
  signal: AbortSignal,
): Promise<readonly KeptThere[]> {
  if (spec.pipelineType === 2) return keptByMerge(control, task, spec, position, signal);
  const sourceKey = task.source_key;
  const { dsType, connection } = await readConnection(
    control.db,
    control.sealer,
    spec.dataSource,
    spec.database,
  );
  const { name } = await control.db
    .selectFrom('data_sources')
    .select('name')
    .where('id', '=', spec.dataSource)
    .executeTakeFirstOrThrow();
  const admin = sourceAdmin(control.sources, dsType);
  return admin.keeps === null
    ? []
    : [{ source: name, ...admin.keeps, admin, connection, taskKey: sourceKey }];
}

/** At every log that it reads, or read under an earlier version; a server that cannot be asked is one of its position. */
async function keptByMerge(
  control: Control,
  { id, source_key }: Pick<TaskRow, 'id' | 'source_key'>,
  spec: MergeSpec,
  position: Position | null,
  signal: AbortSignal,
): Promise<readonly KeptThere[]> {
  const labels = position === null ? [] : [...splitPositions(position).keys()];
  const members = await membersOf(control, spec, source_key, signal, (server) =>
    labels.flatMap((label) => {
      const member = memberOf(label);
      return member.server === server ? [member.database ?? ''] : [];
    }),
  );
  const kept = members.flatMap(({ label, admin, connection, taskKey }) =>
    admin.keeps === null ? [] : [{ source: label, ...admin.keeps, admin, connection, taskKey }],
  );
  for (const label of labels) {
    if (members.some((member) => member.label === label)) continue;
    const { server, database } = memberOf(label);
    const dataSource = await dataSourceOfServer(control.db, id, server);
    if (dataSource === null) continue;
    const { dsType, connection } = await readConnection(control.db, control.sealer, dataSource, database);
    const admin = sourceAdmin(control.sources, dsType);
    if (admin.keeps === null) continue;
    const taskKey = memberTaskKey(source_key, label);
    kept.push({ source: label, ...admin.keeps, admin, connection, taskKey });
  }
  return kept;
}

import { type MergeSpec, SluiceError, type TaskSpec } from '@sluice/contract';
import { comparePositions, joinPositions, splitPositions } from '../sources/composite/composite-position.ts';
import { shardOf } from '../sources/composite/member-label.ts';
import { type MergeMember, mergeMembers } from '../sources/composite/members.ts';
import { taggedId, taggedName } from '../sources/composite/names.ts';
import { virtualTables } from '../sources/composite/virtual-table-match.ts';
import { sourceAdmin } from '../sources/registry.ts';
import type { Connection, Position, SourceAdmin, StartChoice } from '../sources/source.ts';
import { readConnection } from '../store/connections.ts';
import type { Control } from './context.ts';
import { selectTables } from './publish-check.ts';

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
): Promise<readonly MergeMember[]> {
  const connectionOf = (dataSource: number) => readConnection(control.db, control.sealer, dataSource, null);
  return mergeMembers({ sources: control.sources, connectionOf }, spec, sourceKey, signal);
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
      new Map(await Promise.all(members.map(async (one) => [one.label, await ask(one)] as const))),
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
  spec: TaskSpec,
  sourceKey: string,
  signal: AbortSignal,
): Promise<readonly KeptThere[]> {
  if (spec.pipelineType === 2) {
    const members = await membersOf(control, spec, sourceKey, signal);
    return members.flatMap(({ label, admin, connection, taskKey }) =>
      admin.keeps === null ? [] : [{ source: label, ...admin.keeps, admin, connection, taskKey }],
    );
  }
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

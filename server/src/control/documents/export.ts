import { SluiceError, type SpecDifference, type TaskSpec } from '@sluice/contract';
import type { MetastoreDb } from '../../store/open-metastore.ts';
import type { Control } from '../context.ts';
import { draftOf } from '../draft.ts';
import { findNamed } from '../references.ts';
import { specOfVersion } from '../run-rows.ts';
import type { TaskRow } from '../tasks.ts';
import { differences } from './differences.ts';
import { writeDocument } from './write.ts';

/** @throws SluiceError NOT_FOUND (task, version) */
export async function exportTask(
  control: Control,
  ref: string,
  version: number | undefined,
): Promise<{ yaml: string }> {
  const task = await findNamed(control.db, 'tasks', ref);
  const folder = await findNamed(control.db, 'folders', task.folder_id);
  const spec = await specAt(control.db, task, version ?? 'draft');
  const dataSources = await dataSourceNames(control.db);
  return {
    yaml: writeDocument({
      name: task.name,
      folder: folder.name,
      spec,
      dataSources,
      version: version ?? null,
    }),
  };
}

/** @throws SluiceError NOT_FOUND (task, version), CONFLICT (never published, and no version named) */
export async function diffTask(
  control: Control,
  ref: string,
  query: { readonly from?: number | 'draft' | undefined; readonly to: number | 'draft' },
): Promise<SpecDifference> {
  const task = await findNamed(control.db, 'tasks', ref);
  const from = query.from ?? task.published_version;
  if (from === null)
    throw new SluiceError('CONFLICT', `The task ${task.name} is not published: there is only its draft.`, {
      remedy: `Look at it with sluice task export ${JSON.stringify(task.name)}.`,
    });
  const names = await dataSourceNames(control.db);
  const [before, after] = [await specAt(control.db, task, from), await specAt(control.db, task, query.to)];
  return { from, to: query.to, changes: differences(byName(before, names), byName(after, names)) };
}

async function specAt(db: MetastoreDb, task: TaskRow, at: number | 'draft'): Promise<TaskSpec> {
  if (at === 'draft') return draftOf(task);
  const found = await db
    .selectFrom('task_versions')
    .select('version')
    .where('task_id', '=', task.id)
    .where('version', '=', at)
    .executeTakeFirst();
  if (found === undefined)
    throw new SluiceError('NOT_FOUND', `The task ${task.name} has no version ${at}.`, {
      remedy: 'Published versions count from 1; without one, the draft is meant.',
    });
  return specOfVersion(db, task.id, at);
}

export async function dataSourceNames(db: MetastoreDb): Promise<ReadonlyMap<number, string>> {
  const rows = await db.selectFrom('data_sources').select(['id', 'name']).execute();
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** A spec as people compare it. */
export function byName(spec: TaskSpec, names: ReadonlyMap<number, string>): Record<string, unknown> {
  const nameOf = (id: number): string => names.get(id) ?? String(id);
  if (spec.pipelineType !== 2) return { ...spec, dataSource: nameOf(spec.dataSource) };
  return {
    ...spec,
    sources: spec.sources.map((source) => ({ ...source, dataSource: nameOf(source.dataSource) })),
  };
}

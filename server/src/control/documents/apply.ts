import { isDeepStrictEqual } from 'node:util';
import {
  type AppliedTask,
  type AppliedTasks,
  type ApplyTasks,
  SluiceError,
  type SpecChange,
  TASK_TYPES,
  type TaskDocument,
  TaskSpec,
} from '@sluice/contract';
import type { MetastoreDb } from '../../store/open-metastore.ts';
import type { Control } from '../context.ts';
import { readDraft } from '../draft.ts';
import { findNamed } from '../references.ts';
import { specOfVersion } from '../run-rows.ts';
import {
  checkSpec,
  insertTask,
  publishTask,
  refuseOtherSource,
  resolveSpec,
  saveDraft,
  type TaskRow,
} from '../tasks.ts';
import { allOf } from '../yaml-shape.ts';
import { differences } from './differences.ts';
import { byName, dataSourceNames } from './export.ts';
import { type ReadDocument, readDocuments } from './read.ts';

interface PlannedTask {
  readonly name: string;
  readonly folder: string;
  /** Null: it is to be made. */
  readonly row: TaskRow | null;
  readonly draft: TaskSpec;
  readonly changes: readonly SpecChange[];
  readonly publishes: boolean;
}

interface Plan {
  readonly folders: readonly string[];
  readonly tasks: readonly PlannedTask[];
}

/**
 * Makes the drafts that a file describes, and publishes them where that is asked for. All is looked at before
 * anything is written, at the sources too where it is to be published; drafts are then written together.
 * @throws SluiceError INVALID_REQUEST, NOT_FOUND (data source, VCluster), and what publishing throws
 */
export async function applyTasks(
  control: Control,
  { yaml, publish, dryRun }: ApplyTasks,
  signal: AbortSignal,
): Promise<AppliedTasks> {
  const documents = readDocuments(yaml);
  const plan = await planOf(control.db, documents, publish);
  await each(
    plan.tasks.filter(({ publishes }) => publishes),
    ({ name }) => `the task ${JSON.stringify(name)}`,
    ({ draft }) => checkSpec(control, draft, signal),
  );
  const published = new Map<string, AppliedTask['published']>();
  if (!dryRun) {
    await control.db.transaction().execute(async (trx) => {
      // What was looked at is what is written, or nothing is.
      if (!isDeepStrictEqual(await planOf(trx, documents, publish), plan))
        throw new SluiceError('CONFLICT', 'Tasks were changed while the file was being applied.', {
          remedy: 'Apply it again.',
        });
      await write(trx, plan);
    });
    for (const { name } of plan.tasks.filter(({ publishes }) => publishes)) {
      const { version, takesEffect, waits } = await publishTask(control, name, signal);
      published.set(name, { version, takesEffect, waits });
    }
  }
  return {
    dryRun,
    foldersMade: [...plan.folders],
    tasks: plan.tasks.map(({ name, row, changes, publishes }) => ({
      name,
      action: row === null ? 'created' : changes.length > 0 ? 'changed' : 'unchanged',
      changes: [...changes],
      published: publishes ? (published.get(name) ?? { version: null }) : null,
    })),
  };
}

async function planOf(db: MetastoreDb, documents: readonly ReadDocument[], publish: boolean): Promise<Plan> {
  const names = await dataSourceNames(db);
  const folders = new Map<string, number>();
  for (const { id, name } of await db.selectFrom('folders').select(['id', 'name']).execute())
    folders.set(name, id);
  const tasks: PlannedTask[] = [];
  await each(
    documents,
    ({ line, document }) => `line ${line}, task ${JSON.stringify(document.name)}`,
    async ({ document }) => tasks.push(await planned(db, document, names, publish)),
  );
  const wanted = tasks.map(({ folder }) => folder).filter((name) => !folders.has(name));
  return { folders: [...new Set(wanted)], tasks };
}

async function planned(
  db: MetastoreDb,
  { name, folder, ...input }: TaskDocument,
  names: ReadonlyMap<number, string>,
  publish: boolean,
): Promise<PlannedTask> {
  // As it is read again once it is saved.
  const draft = TaskSpec.parse(JSON.parse(JSON.stringify(await resolveSpec(db, input))));
  const row = (await db.selectFrom('tasks').selectAll().where('name', '=', name).executeTakeFirst()) ?? null;
  if (row === null) return { name, folder, row, draft, changes: [], publishes: publish };
  const inFolder = await findNamed(db, 'folders', row.folder_id);
  const before = readDraft(row.draft_json);
  const changes = differences(
    { folder: inFolder.name, ...(before === null ? {} : byName(before, names)) },
    { folder, ...byName(draft, names) },
  );
  let publishes = publish;
  if (publish && row.published_version !== null) {
    publishes = !isDeepStrictEqual(await specOfVersion(db, row.id, row.published_version), draft);
    if (publishes) await refuseOtherSource(db, row, draft);
  }
  return { name, folder, row, draft, changes, publishes };
}

async function write(trx: MetastoreDb, plan: Plan): Promise<void> {
  for (const name of plan.folders)
    await trx.insertInto('folders').values({ name, created_at: Date.now() }).execute();
  for (const { name, folder, row, draft, changes } of plan.tasks) {
    const { id } = await findNamed(trx, 'folders', folder);
    if (row === null)
      await insertTask(trx, { name, folder: id, taskType: TASK_TYPES['multi-table-realtime'], draft });
    else if (changes.length > 0) await saveDraft(trx, row.id, draft, id);
  }
}

/**
 * Does the work for each, and says of all what failed.
 * @throws SluiceError with the code of the first
 */
async function each<T>(
  all: readonly T[],
  called: (one: T) => string,
  work: (one: T) => Promise<unknown>,
): Promise<void> {
  const failed: { readonly what: string; readonly error: SluiceError }[] = [];
  for (const one of all)
    try {
      await work(one);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      failed.push({ what: called(one), error });
    }
  const [first] = failed;
  if (first === undefined) return;
  const said = failed.map(({ what, error }) => `${what}: ${error.message}`);
  throw new SluiceError(first.error.code, allOf('The file cannot be applied', said), {
    remedy: first.error.remedy,
    cause: first.error,
  });
}

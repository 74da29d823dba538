import {
  CreateDataSource,
  type DataSource,
  DS_TYPES,
  dataSourcesOf,
  defaultPort,
  dsTypeWord,
  SluiceError,
  type UpdateDataSource,
} from '@sluice/contract';
import type { Selectable } from 'kysely';
import { sourceAdmin } from '../sources/registry.ts';
import type { ConnectionConfig } from '../store/connections.ts';
import { recordEvent } from '../store/events.ts';
import { isUniqueViolation } from '../store/metastore-error.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import { dataSourceOwner, Secret } from '../store/secrets.ts';
import type { Metastore } from '../store/tables.ts';
import { type Control, isoTime } from './context.ts';
import { readDraft } from './draft.ts';
import { findNamed } from './references.ts';

type Row = Selectable<Metastore['data_sources']>;

export async function listDataSources(control: Control): Promise<DataSource[]> {
  const rows = await control.db.selectFrom('data_sources').selectAll().orderBy('name').execute();
  return rows.map(view);
}

export async function getDataSource(control: Control, ref: string): Promise<DataSource> {
  return view(await findNamed(control.db, 'data_sources', ref));
}

/** @throws SluiceError ALREADY_EXISTS, INVALID_REQUEST for a kind that cannot be read */
export async function createDataSource(control: Control, request: CreateDataSource): Promise<DataSource> {
  const { name, type, password, ...given } = CreateDataSource.parse(request);
  const config = { ...given, port: given.port ?? defaultPort(type) };
  sourceAdmin(control.sources, DS_TYPES[type]);
  const now = Date.now();
  return control.db.transaction().execute(async (trx) => {
    const values = {
      name,
      ds_type: DS_TYPES[type],
      config_json: JSON.stringify(config satisfies ConnectionConfig),
      secret: null,
      created_at: now,
      updated_at: now,
    };
    const { insertId } = await trx
      .insertInto('data_sources')
      .values(values)
      .executeTakeFirstOrThrow()
      .catch((error: unknown) => refuseTwin(error, name));
    const id = Number(insertId);
    // The password is sealed for the id, which exists only now.
    if (password !== undefined) await savePassword(control, trx, id, password);
    await recordEvent(trx, { kind: 'data-source.created', dataSourceId: id });
    return view(await findNamed(trx, 'data_sources', id));
  });
}

export async function updateDataSource(
  control: Control,
  ref: string,
  request: UpdateDataSource,
): Promise<DataSource> {
  return control.db.transaction().execute(async (trx) => {
    const row = await findNamed(trx, 'data_sources', ref);
    const { name = row.name, password, ...changed } = request;
    const config = { ...(JSON.parse(row.config_json) as ConnectionConfig), ...changed };
    await trx
      .updateTable('data_sources')
      .set({ name, config_json: JSON.stringify(config), updated_at: Date.now() })
      .where('id', '=', row.id)
      .execute()
      .catch((error: unknown) => refuseTwin(error, name));
    if (password !== undefined) await savePassword(control, trx, row.id, password);
    await recordEvent(trx, {
      kind: 'data-source.changed',
      dataSourceId: row.id,
      detail: { fields: Object.keys(request) },
    });
    return view(await findNamed(trx, 'data_sources', row.id));
  });
}

/** @throws SluiceError CONFLICT while a task's draft or published version uses it */
export async function deleteDataSource(control: Control, ref: string): Promise<{ deleted: string }> {
  return control.db.transaction().execute(async (trx) => {
    const row = await findNamed(trx, 'data_sources', ref);
    const users = await tasksUsing(trx, row.id);
    if (users.length > 0)
      throw new SluiceError(
        'CONFLICT',
        `The data source ${row.name} is used by ${users.length === 1 ? 'the task' : 'the tasks'} ${users.join(', ')}.`,
        { remedy: 'Delete the tasks first, or let them use another data source.' },
      );
    await trx.deleteFrom('data_sources').where('id', '=', row.id).execute();
    await recordEvent(trx, { kind: 'data-source.deleted', detail: { name: row.name } });
    return { deleted: row.name };
  });
}

async function tasksUsing(db: MetastoreDb, dataSourceId: number): Promise<string[]> {
  const tasks = await db
    .selectFrom('tasks')
    .leftJoin('task_versions', (join) =>
      join
        .onRef('task_versions.task_id', '=', 'tasks.id')
        .onRef('task_versions.version', '=', 'tasks.published_version'),
    )
    .select(['tasks.name', 'tasks.draft_json', 'task_versions.spec_json'])
    .orderBy('tasks.name')
    .execute();
  const uses = (json: string | null): boolean => {
    const spec = json === null ? null : readDraft(json);
    return spec !== null && dataSourcesOf(spec).includes(dataSourceId);
  };
  return tasks.filter((task) => uses(task.draft_json) || uses(task.spec_json)).map((task) => task.name);
}

async function savePassword(
  control: Control,
  db: MetastoreDb,
  id: number,
  password: string | null,
): Promise<void> {
  const secret = password === null ? null : control.sealer.seal(new Secret(password), dataSourceOwner(id));
  await db.updateTable('data_sources').set({ secret }).where('id', '=', id).execute();
}

function refuseTwin(error: unknown, name: string): never {
  if (!isUniqueViolation(error)) throw error;
  throw new SluiceError('ALREADY_EXISTS', `A data source ${JSON.stringify(name)} exists already.`);
}

function view(row: Row): DataSource {
  return {
    id: row.id,
    name: row.name,
    type: dsTypeWord(row.ds_type) ?? String(row.ds_type),
    dsType: row.ds_type,
    ...(JSON.parse(row.config_json) as ConnectionConfig),
    hasPassword: row.secret !== null,
    createdAt: isoTime(row.created_at),
    updatedAt: isoTime(row.updated_at),
  };
}

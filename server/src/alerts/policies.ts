import { type AlertPolicy, CreateAlertPolicy, SluiceError, type UpdateAlertPolicy } from '@sluice/contract';
import { type Control, isoTime } from '../control/context.ts';
import { findNamed } from '../control/references.ts';
import { isForeignKeyViolation, isUniqueViolation } from '../store/metastore-error.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';

export async function listPolicies({ db }: Control): Promise<AlertPolicy[]> {
  const rows = await db.selectFrom('alert_policies').selectAll().orderBy('name').execute();
  const channels = await db
    .selectFrom('alert_policy_channels')
    .innerJoin('alert_channels', 'alert_channels.id', 'alert_policy_channels.channel_id')
    .select(['policy_id', 'alert_channels.name'])
    .orderBy('alert_channels.name')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    channels: channels.filter((one) => one.policy_id === row.id).map((one) => one.name),
    repeatSeconds: row.repeat_seconds,
    groupSeconds: row.group_seconds,
    createdAt: isoTime(row.created_at),
  }));
}

async function policyView(control: Control, id: number): Promise<AlertPolicy> {
  const found = (await listPolicies(control)).find((policy) => policy.id === id);
  if (found === undefined) throw new SluiceError('NOT_FOUND', `There is no notification policy ${id}.`);
  return found;
}

/** @throws SluiceError ALREADY_EXISTS; NOT_FOUND for a channel */
export async function createPolicy(control: Control, request: CreateAlertPolicy): Promise<AlertPolicy> {
  const { name, channels, repeatSeconds, groupSeconds } = CreateAlertPolicy.parse(request);
  const id = await control.db.transaction().execute(async (trx) => {
    const made = await trx
      .insertInto('alert_policies')
      .values({ name, repeat_seconds: repeatSeconds, group_seconds: groupSeconds, created_at: Date.now() })
      .returning('id')
      .executeTakeFirstOrThrow()
      .catch((error: unknown) => refuseTwin(error, name));
    await setChannels(trx, made.id, channels);
    return made.id;
  });
  return policyView(control, id);
}

export async function updatePolicy(
  control: Control,
  ref: string,
  { name, channels, repeatSeconds, groupSeconds }: UpdateAlertPolicy,
): Promise<AlertPolicy> {
  const id = await control.db.transaction().execute(async (trx) => {
    const row = await findNamed(trx, 'alert_policies', ref);
    await trx
      .updateTable('alert_policies')
      .set({
        name: name ?? row.name,
        repeat_seconds: repeatSeconds === undefined ? row.repeat_seconds : repeatSeconds,
        group_seconds: groupSeconds ?? row.group_seconds,
      })
      .where('id', '=', row.id)
      .execute()
      .catch((error: unknown) => refuseTwin(error, name ?? row.name));
    if (channels !== undefined) await setChannels(trx, row.id, channels);
    return row.id;
  });
  return policyView(control, id);
}

/** @throws SluiceError CONFLICT while a rule uses it */
export async function deletePolicy({ db }: Control, ref: string): Promise<{ deleted: string }> {
  const row = await findNamed(db, 'alert_policies', ref);
  try {
    await db.deleteFrom('alert_policies').where('id', '=', row.id).execute();
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error;
    const rules = await db.selectFrom('alert_rules').select('name').where('policy_id', '=', row.id).execute();
    throw new SluiceError(
      'CONFLICT',
      `The notification policy ${row.name} is used by ${rules.map((rule) => rule.name).join(', ')}.`,
      { remedy: 'Delete these rules first, or give them another policy.' },
    );
  }
  return { deleted: row.name };
}

async function setChannels(trx: MetastoreDb, policyId: number, refs: readonly string[]): Promise<void> {
  await trx.deleteFrom('alert_policy_channels').where('policy_id', '=', policyId).execute();
  const ids = new Set<number>();
  for (const ref of refs) ids.add((await findNamed(trx, 'alert_channels', ref)).id);
  for (const channel_id of ids)
    await trx.insertInto('alert_policy_channels').values({ policy_id: policyId, channel_id }).execute();
}

function refuseTwin(error: unknown, name: string): never {
  if (!isUniqueViolation(error)) throw error;
  throw new SluiceError('ALREADY_EXISTS', `A notification policy ${JSON.stringify(name)} exists already.`);
}

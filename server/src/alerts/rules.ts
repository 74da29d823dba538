import {
  ALERT_DEFAULTS,
  type Alert,
  type AlertKind,
  type AlertRule,
  CreateAlertRule,
  SluiceError,
  UpdateAlertRule,
} from '@sluice/contract';
import { type Control, isoTime, isoTimeOrNull } from '../control/context.ts';
import { findNamed } from '../control/references.ts';
import { isUniqueViolation } from '../store/metastore-error.ts';
import type { StoredSettings } from './evaluation.ts';

export async function listRules({ db }: Control): Promise<AlertRule[]> {
  const rows = await db
    .selectFrom('alert_rules')
    .innerJoin('alert_policies', 'alert_policies.id', 'alert_rules.policy_id')
    .selectAll('alert_rules')
    .select('alert_policies.name as policy')
    .orderBy('alert_rules.name')
    .execute();
  const firing = await db
    .selectFrom('alerts')
    .where('state', '!=', 'cleared')
    .groupBy('rule_id')
    .select(({ fn }) => ['rule_id', fn.countAll<number>().as('count')])
    .execute();
  const counts = new Map(firing.map((row) => [row.rule_id, Number(row.count)]));
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    kind: row.kind as AlertKind,
    policy: row.policy,
    ...(JSON.parse(row.settings_json) as StoredSettings),
    firing: counts.get(row.id) ?? 0,
    createdAt: isoTime(row.created_at),
    updatedAt: isoTime(row.updated_at),
  }));
}

async function ruleView(control: Control, id: number): Promise<AlertRule> {
  const found = (await listRules(control)).find((rule) => rule.id === id);
  if (found === undefined) throw new SluiceError('NOT_FOUND', `There is no alert rule ${id}.`);
  return found;
}

/** @throws SluiceError ALREADY_EXISTS, INVALID_REQUEST; NOT_FOUND for the policy */
export async function createRule(control: Control, request: CreateAlertRule): Promise<AlertRule> {
  const { name, kind, policy, ...given } = CreateAlertRule.parse(request);
  const defaults = ALERT_DEFAULTS[kind];
  const settings: StoredSettings = {
    enabled: given.enabled,
    threshold: given.threshold === undefined ? defaults.threshold : given.threshold,
    windowSeconds: given.windowSeconds ?? defaults.windowSeconds,
    holdSeconds: given.holdSeconds ?? defaults.holdSeconds,
    calmSeconds: given.calmSeconds ?? defaults.calmSeconds,
    filters: given.filters,
  };
  refuseThreshold(kind, settings);
  const now = Date.now();
  const { id: policyId } = await findNamed(control.db, 'alert_policies', policy);
  const { id } = await control.db
    .insertInto('alert_rules')
    .values({
      name,
      kind,
      policy_id: policyId,
      settings_json: JSON.stringify(settings),
      created_at: now,
      updated_at: now,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
    .catch((error: unknown) => refuseTwin(error, name));
  return ruleView(control, id);
}

export async function updateRule(
  control: Control,
  ref: string,
  request: UpdateAlertRule,
): Promise<AlertRule> {
  const { name, policy, ...changes } = UpdateAlertRule.parse(request);
  const id = await control.db.transaction().execute(async (trx) => {
    const row = await findNamed(trx, 'alert_rules', ref);
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const settings: StoredSettings = { ...(JSON.parse(row.settings_json) as StoredSettings), ...given };
    refuseThreshold(row.kind as AlertKind, settings);
    await trx
      .updateTable('alert_rules')
      .set({
        name: name ?? row.name,
        policy_id: policy === undefined ? row.policy_id : (await findNamed(trx, 'alert_policies', policy)).id,
        settings_json: JSON.stringify(settings),
        updated_at: Date.now(),
      })
      .where('id', '=', row.id)
      .execute()
      .catch((error: unknown) => refuseTwin(error, name ?? row.name));
    return row.id;
  });
  return ruleView(control, id);
}

export async function deleteRule({ db }: Control, ref: string): Promise<{ deleted: string }> {
  const row = await findNamed(db, 'alert_rules', ref);
  await db.deleteFrom('alert_rules').where('id', '=', row.id).execute();
  return { deleted: row.name };
}

export async function listAlerts({ db }: Control, all: boolean, limit: number): Promise<Alert[]> {
  let query = db
    .selectFrom('alerts')
    .innerJoin('alert_rules', 'alert_rules.id', 'alerts.rule_id')
    .selectAll('alerts')
    .select(['alert_rules.name as rule', 'alert_rules.kind as kind']);
  if (!all) query = query.where('alerts.state', '!=', 'cleared');
  const rows = await query.orderBy('alerts.id', 'desc').limit(limit).execute();
  return rows.map((row) => ({
    id: row.id,
    rule: row.rule,
    kind: row.kind as AlertKind,
    state: row.state as Alert['state'],
    task: row.task,
    table: row.table_name,
    dataSource: row.data_source,
    message: row.message,
    firedAt: isoTime(row.fired_at),
    notifiedAt: isoTimeOrNull(row.notified_at),
    clearedAt: isoTimeOrNull(row.cleared_at),
  }));
}

/** Rules that ask yes or no have no threshold, the others cannot do without. */
function refuseThreshold(kind: AlertKind, { threshold }: StoredSettings): void {
  const wants = ALERT_DEFAULTS[kind].threshold !== null;
  if (wants === (threshold !== null)) return;
  throw new SluiceError(
    'INVALID_REQUEST',
    `body.threshold: a rule of kind ${kind} ${wants ? 'needs one' : 'has none'}.`,
  );
}

function refuseTwin(error: unknown, name: string): never {
  if (!isUniqueViolation(error)) throw error;
  throw new SluiceError('ALREADY_EXISTS', `An alert rule ${JSON.stringify(name)} exists already.`);
}

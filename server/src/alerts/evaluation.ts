import type { AlertFilters, AlertKind } from '@sluice/contract';
import type { MetastoreDb } from '../store/open-metastore.ts';
import { look, type MachineState, QUIET, type Watched } from './alert-machine.ts';
import { judge, type Verdict } from './conditions.ts';
import type { TaskObservation } from './observation.ts';
import type { Interest } from './observe.ts';

/** What `alert_rules.settings_json` holds. */
export interface StoredSettings {
  readonly enabled: boolean;
  readonly threshold: number | null;
  readonly windowSeconds: number;
  readonly holdSeconds: number;
  readonly calmSeconds: number;
  readonly filters: AlertFilters;
}

export interface Rule extends StoredSettings {
  readonly id: number;
  readonly kind: AlertKind;
  readonly groupMs: number;
  readonly repeatMs: number | null;
}

/**
 * Looks at everything once and writes down what changed. What fires and clears is in the metastore, so that a server
 * that begins again neither forgets an alert nor tells it twice; what is only on its way to firing is in memory.
 */
export class Evaluation {
  readonly #db: MetastoreDb;
  #pending = new Map<string, Watched>();

  constructor(db: MetastoreDb) {
    this.#db = db;
  }

  async run(rules: readonly Rule[], tasks: readonly TaskObservation[], now: number): Promise<void> {
    const firing = await this.#db.selectFrom('alerts').selectAll().where('state', '!=', 'cleared').execute();
    const rows = new Map(firing.map((row) => [`${row.rule_id} ${row.subject}`, row]));
    const pending = new Map<string, Watched>();
    const writes: ((trx: MetastoreDb) => Promise<void>)[] = [];
    for (const rule of rules) {
      const verdicts = rule.enabled ? judge(rule, tasks, now) : [];
      for (const verdict of verdicts) {
        const subject = JSON.stringify([verdict.task.id, verdict.table]);
        const key = `${rule.id} ${subject}`;
        const row = rows.get(key);
        rows.delete(key);
        const before: Watched =
          row === undefined
            ? (this.#pending.get(key) ?? QUIET)
            : { state: row.state as MachineState, since: row.since };
        const { after, say } = look(before, verdict.breached, now, rule);
        if (after.state === 'pending') pending.set(key, after);
        if (say === 'fired') writes.push((trx) => fire(trx, rule, subject, verdict, now));
        else if (row !== undefined) {
          if (after.state !== before.state || say !== null)
            writes.push((trx) => move(trx, rule, row.id, after, say, now));
          else if (after.state === 'firing' && isRepeatDue(rule, row.notified_at, now))
            writes.push((trx) => repeat(trx, row.id, verdict, now));
        }
      }
    }
    const byId = new Map(rules.map((rule) => [rule.id, rule]));
    for (const row of rows.values()) {
      const rule = byId.get(row.rule_id);
      if (rule === undefined) continue;
      const { after, say } = look(
        { state: row.state as MachineState, since: row.since },
        undefined,
        now,
        rule,
      );
      writes.push((trx) => move(trx, rule, row.id, after, say, now));
    }
    if (writes.length > 0)
      await this.#db.transaction().execute(async (trx) => {
        for (const write of writes) await write(trx);
      });
    this.#pending = pending;
  }

  async rules(): Promise<Rule[]> {
    const rows = await this.#db
      .selectFrom('alert_rules')
      .innerJoin('alert_policies', 'alert_policies.id', 'alert_rules.policy_id')
      .select([
        'alert_rules.id',
        'alert_rules.kind',
        'alert_rules.settings_json',
        'alert_policies.group_seconds',
        'alert_policies.repeat_seconds',
      ])
      .execute();
    return rows.map((row) => ({
      ...(JSON.parse(row.settings_json) as StoredSettings),
      id: row.id,
      kind: row.kind as AlertKind,
      groupMs: row.group_seconds * 1000,
      repeatMs: row.repeat_seconds === null ? null : row.repeat_seconds * 1000,
    }));
  }
}

/** Not before the first message is out; `notified_at` is set with each. */
function isRepeatDue(rule: Rule, notifiedAt: number | null, now: number): boolean {
  return rule.repeatMs !== null && notifiedAt !== null && now - notifiedAt >= rule.repeatMs;
}

async function fire(
  trx: MetastoreDb,
  rule: Rule,
  subject: string,
  { task, table, message }: Verdict,
  now: number,
): Promise<void> {
  const { id } = await trx
    .insertInto('alerts')
    .values({
      rule_id: rule.id,
      subject,
      task: task.name,
      table_name: table,
      data_source: task.dataSources.join(', '),
      message,
      state: 'firing',
      since: now,
      fired_at: now,
      notified_at: null,
      cleared_at: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await notice(trx, id, 'fired', now + rule.groupMs);
}

async function move(
  trx: MetastoreDb,
  rule: Rule,
  alertId: number,
  after: Watched,
  say: 'fired' | 'cleared' | null,
  now: number,
): Promise<void> {
  const over = after.state === 'quiet';
  await trx
    .updateTable('alerts')
    .set({ state: over ? 'cleared' : after.state, since: after.since, cleared_at: over ? now : null })
    .where('id', '=', alertId)
    .execute();
  if (say === null) return;
  // A repetition that waits is of no interest any more.
  await trx
    .deleteFrom('alert_notices')
    .where('alert_id', '=', alertId)
    .where('kind', '=', 'repeated')
    .execute();
  await notice(trx, alertId, say, now + rule.groupMs);
}

async function repeat(trx: MetastoreDb, alertId: number, { message }: Verdict, now: number): Promise<void> {
  await trx.updateTable('alerts').set({ message, notified_at: now }).where('id', '=', alertId).execute();
  await notice(trx, alertId, 'repeated', now);
}

async function notice(trx: MetastoreDb, alertId: number, kind: string, dueAt: number): Promise<void> {
  await trx.insertInto('alert_notices').values({ alert_id: alertId, kind, due_at: dueAt }).execute();
}

export function interestOf(rules: readonly Rule[]): Interest {
  const enabled = rules.filter((rule) => rule.enabled);
  const windows = enabled.filter((rule) => rule.kind === 'task_failover').map((rule) => rule.windowSeconds);
  return {
    windowMs: Math.max(0, ...windows) * 1000,
    tables: enabled.some((rule) => rule.kind === 'table_exception' || rule.filters.tables.length > 0),
  };
}

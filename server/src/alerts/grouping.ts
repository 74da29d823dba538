import type { AlertKind, NoticeKind } from '@sluice/contract';
import { isoTime } from '../control/context.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import type { Message } from './message.ts';

/**
 * Makes messages of the notices whose time has come: one for all alerts of a rule on a data source that fired (or
 * cleared) together, for each channel of the rule's policy. With one that is due go those that still wait.
 */
export async function flushNotices(db: MetastoreDb, now: number): Promise<void> {
  const due = await db.selectFrom('alert_notices').select('id').where('due_at', '<=', now).limit(1).execute();
  if (due.length === 0) return;
  await db.transaction().execute(async (trx) => {
    const notices = await waiting(trx);
    for (const group of groupsOf(notices)) {
      if (!group.some((notice) => notice.dueAt <= now)) continue;
      const [first] = group;
      if (first === undefined) continue;
      const message: Message = {
        kind: first.kind,
        rule: first.rule,
        ruleKind: first.ruleKind,
        dataSource: first.dataSource,
        subjects: group.map((notice) => notice.subject),
        at: isoTime(now),
      };
      await enqueue(trx, first.policyId, message, now);
      const alertIds = group.map((notice) => notice.subject.alertId);
      const noticeIds = group.map((notice) => notice.id);
      await trx.updateTable('alerts').set({ notified_at: now }).where('id', 'in', alertIds).execute();
      await trx.deleteFrom('alert_notices').where('id', 'in', noticeIds).execute();
    }
  });
}

interface Notice {
  readonly id: number;
  readonly kind: NoticeKind;
  readonly dueAt: number;
  readonly ruleId: number;
  readonly rule: string;
  readonly ruleKind: AlertKind;
  readonly policyId: number;
  readonly dataSource: string;
  readonly subject: Message['subjects'][number];
}

/** SQLite takes so many values in a statement; more alerts than that are more than one message. */
const GROUP_LIMIT = 10_000;

export function groupsOf(notices: readonly Notice[]): readonly (readonly Notice[])[] {
  const groups = new Map<string, Notice[]>();
  for (const notice of notices) {
    const key = JSON.stringify([notice.ruleId, notice.dataSource, notice.kind]);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    if (group.length < GROUP_LIMIT) group.push(notice);
  }
  return [...groups.values()];
}

async function waiting(db: MetastoreDb): Promise<Notice[]> {
  const rows = await db
    .selectFrom('alert_notices')
    .innerJoin('alerts', 'alerts.id', 'alert_notices.alert_id')
    .innerJoin('alert_rules', 'alert_rules.id', 'alerts.rule_id')
    .select([
      'alert_notices.id',
      'alert_notices.kind',
      'alert_notices.due_at',
      'alerts.id as alert_id',
      'alerts.rule_id',
      'alerts.task',
      'alerts.table_name',
      'alerts.data_source',
      'alerts.message',
      'alerts.fired_at',
      'alert_rules.name as rule',
      'alert_rules.kind as rule_kind',
      'alert_rules.policy_id',
    ])
    .orderBy('alert_notices.id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind as NoticeKind,
    dueAt: row.due_at,
    ruleId: row.rule_id,
    rule: row.rule,
    ruleKind: row.rule_kind as AlertKind,
    policyId: row.policy_id,
    dataSource: row.data_source,
    subject: {
      alertId: row.alert_id,
      task: row.task,
      table: row.table_name,
      message: row.message,
      firedAt: isoTime(row.fired_at),
    },
  }));
}

async function enqueue(trx: MetastoreDb, policyId: number, message: Message, now: number): Promise<void> {
  const channels = await trx
    .selectFrom('alert_policy_channels')
    .select('channel_id')
    .where('policy_id', '=', policyId)
    .orderBy('channel_id')
    .execute();
  for (const { channel_id } of channels)
    await trx
      .insertInto('alert_deliveries')
      .values({
        channel_id,
        kind: message.kind,
        message_json: JSON.stringify(message),
        state: 'waiting',
        error: null,
        created_at: now,
        next_try_at: now,
        sent_at: null,
      })
      .execute();
}

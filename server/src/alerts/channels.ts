import {
  type AlertChannel,
  type AlertDelivery,
  type ChannelKind,
  type ChannelTestResult,
  CreateAlertChannel,
  SluiceError,
  type UpdateAlertChannel,
} from '@sluice/contract';
import type { Selectable } from 'kysely';
import type { z } from 'zod';
import { type Control, isoTime, isoTimeOrNull } from '../control/context.ts';
import { findNamed } from '../control/references.ts';
import { isForeignKeyViolation, isUniqueViolation } from '../store/metastore-error.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import type { Metastore } from '../store/tables.ts';
import { type ChannelConfig, type ChannelSecrets, channelOf, sealSecrets } from './channel-secrets.ts';
import { type Message, testMessage, titleOf } from './message.ts';
import { send } from './send.ts';

type Row = Selectable<Metastore['alert_channels']>;
type Whole = z.output<typeof CreateAlertChannel>;

export async function listChannels(control: Control): Promise<AlertChannel[]> {
  const rows = await control.db.selectFrom('alert_channels').selectAll().orderBy('name').execute();
  return rows.map((row) => view(control, row));
}

/** @throws SluiceError ALREADY_EXISTS */
export async function createChannel(control: Control, request: CreateAlertChannel): Promise<AlertChannel> {
  const whole = CreateAlertChannel.parse(request);
  const now = Date.now();
  return control.db.transaction().execute(async (trx) => {
    const { id } = await trx
      .insertInto('alert_channels')
      .values({
        name: whole.name,
        kind: whole.kind,
        config_json: JSON.stringify(configOf(whole)),
        // Sealed for the id, which exists only after this.
        secret: '',
        created_at: now,
        updated_at: now,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
      .catch((error: unknown) => refuseTwin(error, whole.name));
    await trx
      .updateTable('alert_channels')
      .set({ secret: sealSecrets(control.sealer, id, secretsOf(whole)) })
      .where('id', '=', id)
      .execute();
    return view(control, await findNamed(trx, 'alert_channels', id));
  });
}

/** @throws SluiceError NOT_FOUND, ALREADY_EXISTS, INVALID_REQUEST where the channel would not be whole any more */
export async function updateChannel(
  control: Control,
  ref: string,
  changes: UpdateAlertChannel,
): Promise<AlertChannel> {
  return control.db.transaction().execute(async (trx) => {
    const row = await findNamed(trx, 'alert_channels', ref);
    const { kind, config, secrets } = channelOf(row, control.sealer);
    // Who may change the host is not thereby told the password.
    const moved = changes.host !== undefined && changes.host !== config.host;
    const before = { ...config, ...secrets, ...(moved ? { password: undefined } : {}) };
    if (moved && secrets.password !== undefined && changes.password === undefined)
      throw new SluiceError('INVALID_REQUEST', 'body.password: another host wants the password again.');
    const merged = Object.entries({ name: row.name, kind, ...before, ...changes }).filter(
      ([, value]) => value !== null && value !== undefined,
    );
    const parsed = CreateAlertChannel.safeParse(Object.fromEntries(merged));
    if (!parsed.success) {
      const said = parsed.error.issues.map((issue) => `body.${issue.path.join('.')}: ${issue.message}`);
      throw new SluiceError('INVALID_REQUEST', said.join('; '));
    }
    await trx
      .updateTable('alert_channels')
      .set({
        name: parsed.data.name,
        config_json: JSON.stringify(configOf(parsed.data)),
        secret: sealSecrets(control.sealer, row.id, secretsOf(parsed.data)),
        updated_at: Date.now(),
      })
      .where('id', '=', row.id)
      .execute()
      .catch((error: unknown) => refuseTwin(error, parsed.data.name));
    return view(control, await findNamed(trx, 'alert_channels', row.id));
  });
}

/** @throws SluiceError CONFLICT while a policy uses it */
export async function deleteChannel({ db }: Control, ref: string): Promise<{ deleted: string }> {
  const row = await findNamed(db, 'alert_channels', ref);
  try {
    await db.deleteFrom('alert_channels').where('id', '=', row.id).execute();
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error;
    throw new SluiceError('CONFLICT', `The channel ${row.name} is used by ${await usersOf(db, row.id)}.`, {
      remedy: 'Take it out of the policies first: sluice alert policy update.',
    });
  }
  return { deleted: row.name };
}

async function usersOf(db: MetastoreDb, channelId: number): Promise<string> {
  const rows = await db
    .selectFrom('alert_policy_channels')
    .innerJoin('alert_policies', 'alert_policies.id', 'alert_policy_channels.policy_id')
    .where('channel_id', '=', channelId)
    .select('alert_policies.name')
    .execute();
  return rows.map((row) => row.name).join(', ');
}

/** Sends now, past whatever waits, and once only. */
export async function testChannel(
  control: Control,
  ref: string,
  signal: AbortSignal,
): Promise<ChannelTestResult> {
  const channel = channelOf(await findNamed(control.db, 'alert_channels', ref), control.sealer);
  const now = Date.now();
  const message = testMessage(isoTime(now));
  const sent = await send(channel, message, now, signal);
  const error = sent.ok ? null : sent.error;
  await control.db
    .insertInto('alert_deliveries')
    .values({
      channel_id: channel.id,
      kind: message.kind,
      message_json: JSON.stringify(message),
      state: sent.ok ? 'sent' : 'failed',
      tries: 1,
      error,
      created_at: now,
      next_try_at: null,
      sent_at: sent.ok ? Date.now() : null,
    })
    .execute();
  return { delivered: sent.ok, error };
}

export async function listDeliveries({ db }: Control, limit: number): Promise<AlertDelivery[]> {
  const rows = await db
    .selectFrom('alert_deliveries')
    .innerJoin('alert_channels', 'alert_channels.id', 'alert_deliveries.channel_id')
    .selectAll('alert_deliveries')
    .select('alert_channels.name as channel')
    .orderBy('alert_deliveries.id', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    channel: row.channel,
    kind: row.kind as AlertDelivery['kind'],
    title: titleOf(JSON.parse(row.message_json) as Message),
    state: row.state as AlertDelivery['state'],
    tries: row.tries,
    error: row.error,
    createdAt: isoTime(row.created_at),
    nextTryAt: isoTimeOrNull(row.next_try_at),
    sentAt: isoTimeOrNull(row.sent_at),
  }));
}

function configOf(channel: Whole): ChannelConfig {
  if (channel.kind !== 'email') return {};
  const { host, port, security, username, from, to } = channel;
  return { host, port, security, from, to, ...(username === undefined ? {} : { username }) };
}

function secretsOf(channel: Whole): ChannelSecrets {
  if (channel.kind === 'email') return channel.password === undefined ? {} : { password: channel.password };
  const secret = 'secret' in channel ? channel.secret : undefined;
  return { url: channel.url, ...(secret === undefined ? {} : { secret }) };
}

function view({ sealer }: Control, row: Row): AlertChannel {
  const { config, secrets } = channelOf(row, sealer);
  return {
    id: row.id,
    name: row.name,
    kind: row.kind as ChannelKind,
    target: secrets.url === undefined ? (config.to ?? []).join(', ') : new URL(secrets.url).host,
    signed: secrets.secret !== undefined || secrets.password !== undefined,
    createdAt: isoTime(row.created_at),
    updatedAt: isoTime(row.updated_at),
  };
}

function refuseTwin(error: unknown, name: string): never {
  if (!isUniqueViolation(error)) throw error;
  throw new SluiceError('ALREADY_EXISTS', `An alert channel ${JSON.stringify(name)} exists already.`);
}

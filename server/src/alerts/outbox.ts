import type { MetastoreDb } from '../store/open-metastore.ts';
import type { Sealer } from '../store/secrets.ts';
import { type Channel, channelOf } from './channel-secrets.ts';
import type { Message } from './message.ts';
import type { Sent } from './send.ts';

const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 1_800_000;
/** Over three hours. */
const MOST_TRIES = 12;

/** How long to wait after so many tries; null: it is given up. */
export function pauseAfterTry(tries: number): number | null {
  if (tries >= MOST_TRIES) return null;
  return Math.min(FIRST_PAUSE_MS * 3 ** (tries - 1), LONGEST_PAUSE_MS);
}

export type Send = (channel: Channel, message: Message, nowMs: number, signal: AbortSignal) => Promise<Sent>;

/**
 * Sends what waits, of each channel the oldest: what cleared is never told before what fired. A message is sent at
 * least once: a server that ends between the sending and the note of it sends it again.
 * @returns whether anything was sent, so that there may be more
 */
export async function deliver(
  db: MetastoreDb,
  sealer: Sealer,
  send: Send,
  now: () => number,
  signal: AbortSignal,
): Promise<boolean> {
  const heads = await db
    .selectFrom('alert_deliveries')
    .innerJoin('alert_channels', 'alert_channels.id', 'alert_deliveries.channel_id')
    .where('alert_deliveries.id', 'in', (eb) =>
      eb
        .selectFrom('alert_deliveries as one')
        .where('one.state', '=', 'waiting')
        .groupBy('one.channel_id')
        .select(({ fn }) => fn.min('one.id').as('id')),
    )
    .where('alert_deliveries.next_try_at', '<=', now())
    .select([
      'alert_deliveries.id as delivery_id',
      'alert_deliveries.message_json',
      'alert_deliveries.tries',
      'alert_channels.id',
      'alert_channels.name',
      'alert_channels.kind',
      'alert_channels.config_json',
      'alert_channels.secret',
    ])
    .execute();
  const outcomes = await Promise.all(
    heads.map(async (head) => {
      const sent = await attempt(head, sealer, send, now(), signal);
      // What was cut off by the end of the server is as if it had not been tried.
      if (!signal.aborted) await record(db, head.delivery_id, head.tries + 1, sent, now());
      return sent.ok;
    }),
  );
  return outcomes.some((ok) => ok);
}

async function attempt(
  head: Parameters<typeof channelOf>[0] & { readonly message_json: string },
  sealer: Sealer,
  send: Send,
  nowMs: number,
  signal: AbortSignal,
): Promise<Sent> {
  let channel: Channel;
  try {
    channel = channelOf(head, sealer);
  } catch (error) {
    return { ok: false, error: (error as Error).message, final: false };
  }
  return send(channel, JSON.parse(head.message_json) as Message, nowMs, signal);
}

async function record(db: MetastoreDb, id: number, tries: number, sent: Sent, now: number): Promise<void> {
  const pause = sent.ok || sent.final ? null : pauseAfterTry(tries);
  await db
    .updateTable('alert_deliveries')
    .set(
      sent.ok
        ? { state: 'sent', tries, error: null, next_try_at: null, sent_at: now }
        : {
            state: pause === null ? 'failed' : 'waiting',
            tries,
            error: sent.error,
            next_try_at: pause === null ? null : now + pause,
          },
    )
    .where('id', '=', id)
    .execute();
}

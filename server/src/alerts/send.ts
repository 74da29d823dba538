import { createTransport } from 'nodemailer';
import { within } from '../model/deadline.ts';
import { type HookRequest, hookRequest, isFinal, refusalOf } from './bodies.ts';
import type { Channel } from './channel-secrets.ts';
import { hidden } from './hidden.ts';
import { linesOf, type Message, titleOf } from './message.ts';

export type Sent =
  | { readonly ok: true }
  /** `final`: trying again cannot help. */
  | { readonly ok: false; readonly error: string; readonly final: boolean };

/** A chat service that does not answer holds up no other channel for longer. */
const PATIENCE_MS = 15_000;
const ANSWER_CHARACTERS = 4096;
/** As much of a service's words as is kept. */
const SAID_CHARACTERS = 300;

/** Sends a message; resolves, never rejects, with how it went. What it says names no secret. */
export async function send(
  channel: Channel,
  message: Message,
  nowMs: number,
  signal: AbortSignal,
): Promise<Sent> {
  const sent = await sendOnce(channel, message, nowMs, signal).catch(
    (error: unknown): Sent => ({ ok: false, error: causeOf(error), final: false }),
  );
  // Cut last: half a secret would not be known as one.
  return sent.ok ? sent : { ...sent, error: hidden(channel.secrets, sent.error).slice(0, SAID_CHARACTERS) };
}

async function sendOnce(
  channel: Channel,
  message: Message,
  nowMs: number,
  signal: AbortSignal,
): Promise<Sent> {
  const { kind, secrets } = channel;
  if (kind === 'email') return await sendMail(channel, message);
  const { url = '', secret = null } = secrets;
  return await post(kind, hookRequest({ kind, url, secret }, message, nowMs), signal);
}

async function post(
  kind: Exclude<Channel['kind'], 'email'>,
  { url, headers, body }: HookRequest,
  signal: AbortSignal,
): Promise<Sent> {
  const answer = await fetch(url, {
    method: 'POST',
    headers,
    body,
    // A redirect would carry the message, and what signs it, to somebody else.
    redirect: 'manual',
    signal: within(signal, PATIENCE_MS),
  });
  const refusal = refusalOf(kind, answer.status, (await answer.text()).slice(0, ANSWER_CHARACTERS));
  return refusal === null ? { ok: true } : { ok: false, error: refusal, final: isFinal(answer.status) };
}

async function sendMail({ config, secrets }: Channel, message: Message): Promise<Sent> {
  const { host, port = 587, security = 'starttls', username, from, to = [] } = config;
  const transport = createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(username === undefined ? {} : { auth: { user: username, pass: secrets.password ?? '' } }),
    connectionTimeout: PATIENCE_MS,
    greetingTimeout: PATIENCE_MS,
    socketTimeout: PATIENCE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      from,
      to: [...to],
      subject: titleOf(message),
      text: `${[titleOf(message), '', ...linesOf(message)].join('\n')}\n`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
    return { ok: true };
  } catch (error) {
    const { responseCode = 0 } = error as { responseCode?: number };
    // 5xx of SMTP is for good: no such mailbox, no right to send.
    return { ok: false, error: causeOf(error), final: responseCode >= 500 };
  } finally {
    transport.close();
  }
}

/** fetch says "fetch failed", and why only in its cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${PATIENCE_MS / 1000} s`;
  const { cause } = error;
  if (cause instanceof Error) return (cause as NodeJS.ErrnoException).code ?? cause.message;
  return error.message;
}

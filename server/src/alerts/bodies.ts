import { createHmac } from 'node:crypto';
import { linesOf, type Message, titleOf } from './message.ts';

/** A request that tells a chat room or a program. */
export interface HookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Hook {
  readonly kind: 'feishu' | 'wecom' | 'dingtalk' | 'slack' | 'webhook';
  readonly url: string;
  readonly secret: string | null;
}

/** What the services take at most; WeCom refuses a text of more than 2048 bytes. */
const LIMITS = { feishu: 20_000, wecom: 2000, dingtalk: 18_000, slack: 35_000 } as const;

export function hookRequest(hook: Hook, message: Message, nowMs: number): HookRequest {
  return HOOKS[hook.kind](hook, message, nowMs);
}

type Make = (hook: Hook, message: Message, nowMs: number) => HookRequest;

const HOOKS: Readonly<Record<Hook['kind'], Make>> = {
  // The key is the time and the secret, and what is signed is nothing.
  feishu: ({ url, secret }, message, nowMs) => {
    const timestamp = String(Math.floor(nowMs / 1000));
    const signed =
      secret === null
        ? {}
        : { timestamp, sign: createHmac('sha256', `${timestamp}\n${secret}`).update('').digest('base64') };
    return json(url, { ...signed, msg_type: 'text', content: { text: textOf(message, LIMITS.feishu) } });
  },
  wecom: ({ url }, message) =>
    json(url, { msgtype: 'text', text: { content: textOf(message, LIMITS.wecom) } }),
  dingtalk: ({ url, secret }, message, nowMs) => {
    const signed = new URL(url);
    if (secret !== null) {
      const sign = createHmac('sha256', secret).update(`${nowMs}\n${secret}`).digest('base64');
      signed.searchParams.set('timestamp', String(nowMs));
      signed.searchParams.set('sign', sign);
    }
    return json(signed.href, { msgtype: 'text', text: { content: textOf(message, LIMITS.dingtalk) } });
  },
  slack: ({ url }, message) => json(url, { text: escapeSlack(textOf(message, LIMITS.slack)) }),
  webhook: ({ url, secret }, message, nowMs) => {
    const request = json(url, {
      version: 1,
      kind: message.kind,
      title: titleOf(message),
      rule: message.rule,
      ruleKind: message.ruleKind,
      dataSource: message.dataSource,
      at: message.at,
      alerts: message.subjects,
    });
    if (secret === null) return request;
    const timestamp = String(Math.floor(nowMs / 1000));
    const signature = createHmac('sha256', secret).update(`${timestamp}.${request.body}`).digest('hex');
    return {
      ...request,
      headers: {
        ...request.headers,
        'x-sluice-timestamp': timestamp,
        'x-sluice-signature': `v1=${signature}`,
      },
    };
  },
};

const json = (url: string, body: unknown): HookRequest => ({
  url,
  headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'sluice' },
  body: JSON.stringify(body),
});

/** Title and lines, cut where the service would refuse them; never inside a character. */
function textOf(message: Message, limitBytes: number): string {
  const text = [titleOf(message), ...linesOf(message)].join('\n');
  if (Buffer.byteLength(text) <= limitBytes) return text;
  let bytes = 3;
  let cut = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > limitBytes) break;
    cut += character;
  }
  return `${cut}…`;
}

/** Slack's three control characters (docs: "Escaping text"). */
const escapeSlack = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/**
 * What the service thinks of the message: most answer 200 whatever was wrong, and say it in the body.
 * @returns null where it took it
 */
export function refusalOf(kind: Hook['kind'], status: number, body: string): string | null {
  if (status < 200 || status > 299) return `HTTP ${status}${status < 500 ? `: ${body}` : ''}`;
  if (kind === 'slack' || kind === 'webhook') return null;
  let said: { code?: unknown; StatusCode?: unknown; errcode?: unknown; msg?: unknown; errmsg?: unknown };
  try {
    said = JSON.parse(body);
  } catch {
    return `it answered ${body}`;
  }
  const code = kind === 'feishu' ? (said.code ?? said.StatusCode) : said.errcode;
  return code === 0 ? null : `it answered ${String(code)}: ${String(said.msg ?? said.errmsg ?? '')}`;
}

/** Trying the same again cannot help. */
export function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429;
}

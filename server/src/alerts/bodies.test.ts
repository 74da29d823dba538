import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Hook, hookRequest, isFinal, refusalOf } from './bodies.ts';
import { linesOf, type Message, testMessage, titleOf } from './message.ts';

const AT = '2026-11-23T12:00:00.000Z';
const NOW = Date.parse(AT);
const subject = (table: string, message = 'The key changed.') => ({
  alertId: 7,
  task: 'shop',
  table,
  message,
  firedAt: AT,
});
const MESSAGE: Message = {
  kind: 'fired',
  rule: 'tables',
  ruleKind: 'table_exception',
  dataSource: 'db',
  subjects: [subject('public.a'), subject('public.b', '<x> & "y"')],
  at: AT,
};
const TEXT = [
  'Sluice: Alert: tables: 2 tables have stopped (db)',
  'public.a of shop: The key changed.',
  'public.b of shop: <x> & "y"',
  'Data source: db',
].join('\n');

const request = (hook: Partial<Hook> & Pick<Hook, 'kind'>, message = MESSAGE) =>
  hookRequest({ url: 'https://hooks.example/a?b=c', secret: null, ...hook }, message, NOW);
const body = (hook: Partial<Hook> & Pick<Hook, 'kind'>, message = MESSAGE): unknown =>
  JSON.parse(request(hook, message).body);

describe('what is said', () => {
  it('is one title for one subject and another for many', () => {
    expect(titleOf({ ...MESSAGE, subjects: [subject('public.a')] })).toBe(
      'Sluice: Alert: tables: public.a of shop',
    );
    expect(titleOf({ ...MESSAGE, kind: 'repeated' })).toBe(
      'Sluice: Still firing: tables: 2 tables have stopped (db)',
    );
    expect(titleOf(testMessage(AT))).toBe('Sluice: test message');
  });

  it('names twenty, and counts the rest', () => {
    const subjects = Array.from({ length: 500 }, (_, index) => subject(`public.t${index}`));
    const lines = linesOf({ ...MESSAGE, subjects });
    expect(lines).toHaveLength(22);
    expect(lines.slice(-2)).toEqual(['and 480 more', 'Data source: db']);
  });

  it('tells when it fired, once it is over', () => {
    expect(linesOf({ ...MESSAGE, kind: 'cleared', subjects: [subject('public.a')] })).toEqual([
      `public.a of shop: over. It fired at ${AT}.`,
      'Data source: db',
    ]);
  });
});

describe('bodies', () => {
  it('of Feishu', () => {
    expect(body({ kind: 'feishu' })).toEqual({ msg_type: 'text', content: { text: TEXT } });
    const timestamp = String(NOW / 1000);
    // As the service computes it: the key is the time, a line end and the secret; nothing is hashed with it.
    const sign = createHmac('sha256', `${timestamp}\nkey`).digest('base64');
    expect(body({ kind: 'feishu', secret: 'key' })).toEqual({
      timestamp,
      sign,
      msg_type: 'text',
      content: { text: TEXT },
    });
  });

  it('of WeCom', () => {
    expect(body({ kind: 'wecom' })).toEqual({ msgtype: 'text', text: { content: TEXT } });
  });

  it('of WeCom, cut to what it takes, and not inside a character', () => {
    const long = { ...MESSAGE, subjects: [subject('public.a', '表'.repeat(2000))] };
    const { text } = body({ kind: 'wecom' }, long) as { text: { content: string } };
    expect(Buffer.byteLength(text.content)).toBeLessThanOrEqual(2000);
    expect(Buffer.byteLength(text.content)).toBeGreaterThan(1990);
    expect(text.content.endsWith('表…')).toBe(true);
  });

  it('of DingTalk, signed in the address', () => {
    expect(body({ kind: 'dingtalk' })).toEqual({ msgtype: 'text', text: { content: TEXT } });
    const url = new URL(request({ kind: 'dingtalk', secret: 'SECkey' }).url);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      b: 'c',
      timestamp: String(NOW),
      sign: createHmac('sha256', 'SECkey').update(`${NOW}\nSECkey`).digest('base64'),
    });
  });

  it('of Slack, with its control characters escaped', () => {
    expect(body({ kind: 'slack' })).toEqual({
      text: TEXT.replace('<x> & "y"', '&lt;x&gt; &amp; "y"'),
    });
  });

  it('of a program, signed in a header', () => {
    const { headers, body: sent } = request({ kind: 'webhook', secret: 'key' });
    expect(JSON.parse(sent)).toEqual({
      version: 1,
      kind: 'fired',
      title: 'Sluice: Alert: tables: 2 tables have stopped (db)',
      rule: 'tables',
      ruleKind: 'table_exception',
      dataSource: 'db',
      at: AT,
      alerts: MESSAGE.subjects,
    });
    const timestamp = headers['x-sluice-timestamp'];
    expect(timestamp).toBe(String(NOW / 1000));
    expect(headers['x-sluice-signature']).toBe(
      `v1=${createHmac('sha256', 'key').update(`${timestamp}.${sent}`).digest('hex')}`,
    );
    expect(request({ kind: 'webhook' }).headers).not.toHaveProperty('x-sluice-signature');
  });
});

describe('answers', () => {
  it('of 200 may be refusals, which stand in the body', () => {
    expect(refusalOf('feishu', 200, '{"code":0,"msg":"success"}')).toBeNull();
    expect(refusalOf('feishu', 200, '{"StatusCode":0}')).toBeNull();
    expect(refusalOf('feishu', 200, '{"code":19021,"msg":"sign match fail"}')).toBe(
      'it answered 19021: sign match fail',
    );
    expect(refusalOf('wecom', 200, '{"errcode":0,"errmsg":"ok"}')).toBeNull();
    expect(refusalOf('wecom', 200, '{"errcode":45009,"errmsg":"api freq out of limit"}')).toContain('45009');
    expect(refusalOf('dingtalk', 200, '{"errcode":310000,"errmsg":"sign not match"}')).toContain('310000');
    expect(refusalOf('dingtalk', 200, '<html>')).toBe('it answered <html>');
    expect(refusalOf('slack', 200, 'ok')).toBeNull();
    expect(refusalOf('webhook', 204, '')).toBeNull();
    expect(refusalOf('webhook', 302, '')).toContain('HTTP 302');
    expect(refusalOf('slack', 404, 'no_service')).toBe('HTTP 404: no_service');
  });

  it('that are for good are not asked for again', () => {
    expect([400, 401, 404, 410].every(isFinal)).toBe(true);
    expect([200, 302, 408, 425, 429, 500, 503].some(isFinal)).toBe(false);
  });
});

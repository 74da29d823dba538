import { z } from 'zod';
import { Id, Name, Time } from './primitives.ts';

export const CHANNEL_KINDS = ['feishu', 'wecom', 'dingtalk', 'slack', 'webhook', 'email'] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];

const Url = z
  .url({ protocol: /^https?$/ })
  .max(4096)
  .describe('who has it may post there, so it is kept like a password and never shown again');
const Secret = z.string().min(1).max(4096);
const Address = z.email().max(320);

/** Where chat rooms and programs are told. `secret` signs, where the other side checks it. */
const hook = { url: Url, secret: Secret.optional() };
const email = {
  host: z.string().min(1).max(255),
  port: z.int().min(1).max(65535).default(587),
  security: z
    .enum(['none', 'starttls', 'tls'])
    .default('starttls')
    .describe('starttls: refused where the server has none; none: in the clear'),
  username: z.string().min(1).max(320).optional(),
  password: Secret.optional(),
  from: Address,
  to: z.array(Address).min(1).max(100),
};

export const CreateAlertChannel = z.discriminatedUnion('kind', [
  z.strictObject({ name: Name, kind: z.literal('feishu'), ...hook }),
  z.strictObject({ name: Name, kind: z.literal('wecom'), url: Url }),
  z.strictObject({ name: Name, kind: z.literal('dingtalk'), ...hook }),
  z.strictObject({ name: Name, kind: z.literal('slack'), url: Url }),
  z.strictObject({ name: Name, kind: z.literal('webhook'), ...hook }),
  z.strictObject({ name: Name, kind: z.literal('email'), ...email }),
]);
export type CreateAlertChannel = z.input<typeof CreateAlertChannel>;

/** What is left out stays as it is; `secret` and `password` are taken away by null. */
export const UpdateAlertChannel = z
  .strictObject({
    name: Name,
    url: Url,
    secret: Secret.nullable(),
    host: email.host,
    port: z.int().min(1).max(65535),
    security: z.enum(['none', 'starttls', 'tls']),
    username: z.string().min(1).max(320).nullable(),
    password: Secret.nullable(),
    from: Address,
    to: email.to,
  })
  .partial();
export type UpdateAlertChannel = z.input<typeof UpdateAlertChannel>;

/** Never with its secrets: of an address only the host. */
export const AlertChannel = z.object({
  id: Id,
  name: z.string(),
  kind: z.enum(CHANNEL_KINDS),
  target: z.string().describe('the host of the URL, or the mail addresses'),
  signed: z.boolean().describe('whether messages are signed, or the mail server wants a password'),
  createdAt: Time,
  updatedAt: Time,
});
export type AlertChannel = z.infer<typeof AlertChannel>;

/** `fired`, `repeated`, `cleared`: of alerts; `test`: somebody pressed the button. */
export const NOTICE_KINDS = ['fired', 'repeated', 'cleared', 'test'] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

export const AlertDelivery = z.object({
  id: Id,
  channel: z.string(),
  kind: z.enum(NOTICE_KINDS),
  title: z.string(),
  state: z.enum(['waiting', 'sent', 'failed']),
  tries: z.int(),
  error: z.string().nullable(),
  createdAt: Time,
  nextTryAt: Time.nullable(),
  sentAt: Time.nullable(),
});
export type AlertDelivery = z.infer<typeof AlertDelivery>;

export const ListDeliveries = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

export const ChannelTestResult = z.object({ delivered: z.boolean(), error: z.string().nullable() });
export type ChannelTestResult = z.infer<typeof ChannelTestResult>;

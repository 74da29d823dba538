import type { AlertKind, ChannelKind } from '@sluice/contract';

interface RuleWords {
  readonly text: string;
  readonly about: string;
  /** What the threshold counts; null: the rule asks yes or no. */
  readonly unit: 'failovers' | 'seconds' | null;
  /** Held to the contract's table by a test: that table would bring its schemas into the browser. */
  readonly threshold: number | null;
  readonly windowSeconds: number;
  readonly holdSeconds: number;
  readonly calmSeconds: number;
}

export const RULES: Readonly<Record<AlertKind, RuleWords>> = {
  task_failover: {
    text: 'A task fails over',
    about: 'Attempts failed and were followed by another, so many in the time looked back at.',
    unit: 'failovers',
    threshold: 1,
    windowSeconds: 900,
    holdSeconds: 0,
    calmSeconds: 0,
  },
  task_stopped: {
    text: 'A task has failed',
    about: 'It does nothing until somebody acts. Not when somebody stopped it.',
    unit: null,
    threshold: null,
    windowSeconds: 0,
    holdSeconds: 0,
    calmSeconds: 0,
  },
  table_exception: {
    text: 'A table is on the blocklist',
    about: 'It cannot be followed; the rest of its task goes on.',
    unit: null,
    threshold: null,
    windowSeconds: 0,
    holdSeconds: 0,
    calmSeconds: 0,
  },
  latency: {
    text: 'Changes become visible late',
    about: 'From the commit at the source until it is visible, or waits already.',
    unit: 'seconds',
    threshold: 60,
    windowSeconds: 60,
    holdSeconds: 60,
    calmSeconds: 60,
  },
  position_lag: {
    text: 'The read position is behind',
    about: "The source's log has had something for so long that was not read.",
    unit: 'seconds',
    threshold: 300,
    windowSeconds: 0,
    holdSeconds: 60,
    calmSeconds: 60,
  },
};

export const RULE_KINDS = Object.keys(RULES) as AlertKind[];

export const CHANNELS: Readonly<Record<ChannelKind, { readonly text: string; readonly signs: boolean }>> = {
  slack: { text: 'Slack', signs: false },
  feishu: { text: 'Feishu', signs: true },
  wecom: { text: 'WeCom', signs: false },
  dingtalk: { text: 'DingTalk', signs: true },
  webhook: { text: 'Webhook', signs: true },
  email: { text: 'E-mail', signs: false },
};

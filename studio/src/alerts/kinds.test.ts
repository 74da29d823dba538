import { ALERT_DEFAULTS, ALERT_KINDS, CHANNEL_KINDS } from '@sluice/contract';
import { expect, it } from 'vitest';
import { CHANNELS, RULE_KINDS, RULES } from './kinds.ts';

it('knows each kind of rule with its defaults, and each kind of channel', () => {
  expect(new Set(RULE_KINDS)).toEqual(new Set(ALERT_KINDS));
  for (const kind of ALERT_KINDS) expect(RULES[kind]).toMatchObject(ALERT_DEFAULTS[kind]);
  expect(new Set(Object.keys(CHANNELS))).toEqual(new Set(CHANNEL_KINDS));
});

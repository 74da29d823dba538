import type { ALERT_API } from '@sluice/contract';
import * as channels from '../alerts/channels.ts';
import * as policies from '../alerts/policies.ts';
import * as rules from '../alerts/rules.ts';
import type { Control } from '../control/context.ts';
import type { Handlers } from './handlers.ts';

export type AlertRoute = keyof typeof ALERT_API;

export function alertHandlers(control: Control): Handlers<AlertRoute> {
  return {
    listAlerts: ({ query }) => rules.listAlerts(control, query.all, query.limit),
    listAlertRules: () => rules.listRules(control),
    createAlertRule: ({ body }) => rules.createRule(control, body),
    updateAlertRule: ({ params, body }) => rules.updateRule(control, params.ref, body),
    deleteAlertRule: ({ params }) => rules.deleteRule(control, params.ref),
    listAlertPolicies: () => policies.listPolicies(control),
    createAlertPolicy: ({ body }) => policies.createPolicy(control, body),
    updateAlertPolicy: ({ params, body }) => policies.updatePolicy(control, params.ref, body),
    deleteAlertPolicy: ({ params }) => policies.deletePolicy(control, params.ref),
    listAlertChannels: () => channels.listChannels(control),
    createAlertChannel: ({ body }) => channels.createChannel(control, body),
    updateAlertChannel: ({ params, body }) => channels.updateChannel(control, params.ref, body),
    deleteAlertChannel: ({ params }) => channels.deleteChannel(control, params.ref),
    testAlertChannel: ({ params, signal }) => channels.testChannel(control, params.ref, signal),
    listAlertDeliveries: ({ query }) => channels.listDeliveries(control, query.limit),
  };
}

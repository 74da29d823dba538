import { z } from 'zod';
import {
  Alert,
  AlertPolicy,
  AlertRule,
  CreateAlertPolicy,
  CreateAlertRule,
  ListAlerts,
  UpdateAlertPolicy,
  UpdateAlertRule,
} from './alert.ts';
import {
  AlertChannel,
  AlertDelivery,
  ChannelTestResult,
  CreateAlertChannel,
  ListDeliveries,
  UpdateAlertChannel,
} from './alert-channel.ts';
import type { Route } from './api.ts';
import { Reference } from './primitives.ts';

const ByRef = z.strictObject({ ref: Reference });
const Deleted = z.object({ deleted: z.string() });

/** Alerts: who is told what, and when. */
export const ALERT_API = {
  listAlerts: {
    method: 'GET',
    path: '/alerts',
    summary: 'Alerts that are firing, newest first',
    query: ListAlerts,
    response: z.array(Alert),
  },
  listAlertRules: {
    method: 'GET',
    path: '/alert-rules',
    summary: 'What is watched',
    response: z.array(AlertRule),
  },
  createAlertRule: {
    method: 'POST',
    path: '/alert-rules',
    summary: 'Watch for something; without filters, at every task',
    body: CreateAlertRule,
    response: AlertRule,
  },
  updateAlertRule: {
    method: 'PATCH',
    path: '/alert-rules/:ref',
    summary: 'Change a rule',
    params: ByRef,
    body: UpdateAlertRule,
    response: AlertRule,
  },
  deleteAlertRule: {
    method: 'DELETE',
    path: '/alert-rules/:ref',
    summary: 'Delete a rule; its firing alerts end without a word',
    params: ByRef,
    response: Deleted,
  },
  listAlertPolicies: {
    method: 'GET',
    path: '/alert-policies',
    summary: 'Who is told, and how often',
    response: z.array(AlertPolicy),
  },
  createAlertPolicy: {
    method: 'POST',
    path: '/alert-policies',
    summary: 'Make a notification policy',
    body: CreateAlertPolicy,
    response: AlertPolicy,
  },
  updateAlertPolicy: {
    method: 'PATCH',
    path: '/alert-policies/:ref',
    summary: 'Change a notification policy',
    params: ByRef,
    body: UpdateAlertPolicy,
    response: AlertPolicy,
  },
  deleteAlertPolicy: {
    method: 'DELETE',
    path: '/alert-policies/:ref',
    summary: 'Delete a notification policy that no rule uses',
    params: ByRef,
    response: Deleted,
  },
  listAlertChannels: {
    method: 'GET',
    path: '/alert-channels',
    summary: 'Where messages go',
    response: z.array(AlertChannel),
  },
  createAlertChannel: {
    method: 'POST',
    path: '/alert-channels',
    summary: 'Make a channel; nothing is sent yet',
    body: CreateAlertChannel,
    response: AlertChannel,
  },
  updateAlertChannel: {
    method: 'PATCH',
    path: '/alert-channels/:ref',
    summary: 'Change a channel',
    params: ByRef,
    body: UpdateAlertChannel,
    response: AlertChannel,
  },
  deleteAlertChannel: {
    method: 'DELETE',
    path: '/alert-channels/:ref',
    summary: 'Delete a channel that no policy uses',
    params: ByRef,
    response: Deleted,
  },
  testAlertChannel: {
    method: 'POST',
    path: '/alert-channels/:ref/test',
    summary: 'Send a message through a channel now, and tell how it went',
    params: ByRef,
    response: ChannelTestResult,
  },
  listAlertDeliveries: {
    method: 'GET',
    path: '/alert-deliveries',
    summary: 'What was sent, newest first',
    query: ListDeliveries,
    response: z.array(AlertDelivery),
  },
} as const satisfies Record<string, Route>;

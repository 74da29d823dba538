import { ALERT_KINDS, type AlertFilters, type AlertKind, type UpdateAlertRule } from '@sluice/contract';
import { type Command, Option } from 'commander';
import { gather, splitList, usage, wholeNumber } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { pick } from '../present.ts';
import { addChannelCommands } from './alert-channel.ts';

interface RuleOptions {
  readonly kind: AlertKind;
  readonly policy?: string;
  readonly name?: string;
  readonly threshold?: string;
  readonly window?: string;
  readonly hold?: string;
  readonly calm?: string;
  readonly folder?: readonly string[];
  readonly task?: readonly string[];
  readonly dataSource?: readonly string[];
  readonly table?: readonly string[];
  readonly enabled?: boolean;
}

interface PolicyOptions {
  readonly channels?: string;
  readonly repeat?: string;
  readonly group?: string;
  readonly name?: string;
}

const WEEK = 604_800;

export function addAlertCommands(program: Command, terminal: Terminal): void {
  const group = program.command('alert').description('What is watched, and who is told');

  addLeaf<{ readonly all?: boolean }>(group, terminal, {
    usage: 'list',
    summary: 'Alerts that are firing, newest first',
    options: (command) => command.option('--all', 'also those that have cleared'),
    run: async ({ call, options }) => {
      const data = await call('listAlerts', { query: { all: options.all === true ? 'true' : 'false' } });
      const view = pick(data, {
        id: (row) => row.id,
        state: (row) => row.state,
        rule: (row) => row.rule,
        task: (row) => row.task,
        table: (row) => row.table ?? '',
        fired: (row) => row.firedAt,
        what: (row) => row.message,
      });
      return { data, view };
    },
  });
  addLeaf<{ readonly limit: string }>(group, terminal, {
    usage: 'deliveries',
    summary: 'What was sent, newest first, and what could not be',
    options: (command) => command.option('--limit <n>', 'at most so many', '100'),
    run: async ({ call, options }) => {
      const limit = wholeNumber('--limit', options.limit, 1, 1000);
      const data = await call('listAlertDeliveries', { query: { limit } });
      const view = pick(data, {
        id: (row) => row.id,
        channel: (row) => row.channel,
        state: (row) => row.state,
        tries: (row) => row.tries,
        made: (row) => row.createdAt,
        title: (row) => row.title,
        error: (row) => row.error ?? '',
      });
      return { data, view };
    },
  });
  addRuleCommands(group, terminal);
  addPolicyCommands(group, terminal);
  addChannelCommands(group, terminal);
}

function addRuleCommands(group: Command, terminal: Terminal): void {
  const rules = group.command('rule').description('What is watched');
  addLeaf(rules, terminal, {
    usage: 'list',
    summary: 'All rules',
    run: async ({ call }) => {
      const data = await call('listAlertRules');
      const view = pick(data, {
        id: (row) => row.id,
        name: (row) => row.name,
        kind: (row) => row.kind,
        enabled: (row) => row.enabled,
        threshold: (row) => row.threshold ?? '',
        policy: (row) => row.policy,
        firing: (row) => row.firing,
      });
      return { data, view };
    },
  });
  addLeaf<RuleOptions>(rules, terminal, {
    usage: 'create <name>',
    summary: 'Watch for something; without filters, at every task',
    options: (command) =>
      ruleOptions(
        command
          .addOption(new Option('--kind <kind>', 'what for').choices([...ALERT_KINDS]).makeOptionMandatory())
          .requiredOption('--policy <policy>', 'who is told'),
      ),
    run: async ({ call, args: [name = ''], options }) => ({
      data: await call('createAlertRule', {
        body: { name, kind: options.kind, policy: options.policy ?? '', ...settings(options) },
      }),
    }),
  });
  addLeaf<RuleOptions>(rules, terminal, {
    usage: 'update <name>',
    summary: 'Change a rule; what is not named stays. Filters are replaced as a whole',
    options: (command) =>
      ruleOptions(command)
        .option('--name <name>', 'another name')
        .option('--policy <policy>', 'who is told')
        .option('--enabled', 'watch again')
        .option('--no-enabled', 'do not watch; what fires is over'),
    run: async ({ call, args: [ref = ''], options }) => {
      const body: UpdateAlertRule = {
        ...settings(options),
        ...(options.name === undefined ? {} : { name: options.name }),
        ...(options.policy === undefined ? {} : { policy: options.policy }),
        ...(options.enabled === undefined ? {} : { enabled: options.enabled }),
      };
      return { data: await call('updateAlertRule', { params: { ref }, body }) };
    },
  });
  addLeaf(rules, terminal, {
    usage: 'delete <name>',
    summary: 'Delete a rule; its firing alerts end without a word',
    run: async ({ call, args: [ref = ''] }) => ({ data: await call('deleteAlertRule', { params: { ref } }) }),
  });
}

function ruleOptions(command: Command): Command {
  return command
    .option('--threshold <n>', 'failovers, or seconds')
    .option('--window <seconds>', 'what is looked back at')
    .option('--hold <seconds>', 'for how long it must be so before it fires')
    .option('--calm <seconds>', 'for how long it must be well before it clears')
    .option('--folder <name>', 'only tasks of this folder; * for any characters; several times', gather)
    .option('--task <name>', 'only this task; likewise', gather)
    .option('--data-source <name>', 'only tasks of this data source; likewise', gather)
    .option('--table <schema.table>', 'only this table; likewise', gather);
}

function settings(options: RuleOptions): Omit<UpdateAlertRule, 'name' | 'policy'> {
  const { threshold, window, hold, calm, folder, task, dataSource, table } = options;
  const seconds = (name: string, text: string): number => wholeNumber(name, text, 0, WEEK);
  const filters: AlertFilters = {
    folders: [...(folder ?? [])],
    tasks: [...(task ?? [])],
    dataSources: [...(dataSource ?? [])],
    tables: [...(table ?? [])],
  };
  return {
    ...(threshold === undefined ? {} : { threshold: numberAbove0('--threshold', threshold) }),
    ...(window === undefined ? {} : { windowSeconds: seconds('--window', window) }),
    ...(hold === undefined ? {} : { holdSeconds: seconds('--hold', hold) }),
    ...(calm === undefined ? {} : { calmSeconds: seconds('--calm', calm) }),
    ...(Object.values(filters).some((names) => names.length > 0) ? { filters } : {}),
  };
}

function numberAbove0(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw usage(`${name} cannot be ${JSON.stringify(text)}: a number above 0 is expected.`);
}

function addPolicyCommands(group: Command, terminal: Terminal): void {
  const policies = group.command('policy').description('Who is told, and how often');
  const policyOptions = (command: Command): Command =>
    command
      .option('--repeat <seconds>', 'while it fires, tell again; never: once only')
      .option('--group <seconds>', 'how long the first waits for others of its kind');
  const body = ({ channels, repeat, group: wait, name }: PolicyOptions) => ({
    ...(channels === undefined ? {} : { channels: splitList(channels) }),
    ...(repeat === undefined
      ? {}
      : { repeatSeconds: repeat === 'never' ? null : wholeNumber('--repeat', repeat, 60, 2_592_000) }),
    ...(wait === undefined ? {} : { groupSeconds: wholeNumber('--group', wait, 0, 3600) }),
    ...(name === undefined ? {} : { name }),
  });
  addLeaf(policies, terminal, {
    usage: 'list',
    summary: 'All notification policies',
    run: async ({ call }) => {
      const data = await call('listAlertPolicies');
      const view = pick(data, {
        id: (row) => row.id,
        name: (row) => row.name,
        channels: (row) => row.channels.join(', '),
        repeat: (row) => row.repeatSeconds ?? 'never',
        group: (row) => row.groupSeconds,
      });
      return { data, view };
    },
  });
  addLeaf<PolicyOptions>(policies, terminal, {
    usage: 'create <name>',
    summary: 'Make a notification policy',
    options: (command) =>
      policyOptions(command.requiredOption('--channels <names>', 'who is told, separated by commas')),
    run: async ({ call, args: [name = ''], options }) => ({
      data: await call('createAlertPolicy', {
        body: { ...body(options), name, channels: splitList(options.channels ?? '') },
      }),
    }),
  });
  addLeaf<PolicyOptions>(policies, terminal, {
    usage: 'update <name>',
    summary: 'Change a notification policy; what is not named stays',
    options: (command) =>
      policyOptions(command)
        .option('--name <name>', 'another name')
        .option('--channels <names>', 'who is told, separated by commas'),
    run: async ({ call, args: [ref = ''], options }) => ({
      data: await call('updateAlertPolicy', { params: { ref }, body: body(options) }),
    }),
  });
  addLeaf(policies, terminal, {
    usage: 'delete <name>',
    summary: 'Delete a notification policy that no rule uses',
    run: async ({ call, args: [ref = ''] }) => ({
      data: await call('deleteAlertPolicy', { params: { ref } }),
    }),
  });
}

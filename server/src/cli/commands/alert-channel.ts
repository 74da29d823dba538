import {
  CHANNEL_KINDS,
  type ChannelKind,
  type CreateAlertChannel,
  SluiceError,
  type UpdateAlertChannel,
} from '@sluice/contract';
import { type Command, Option } from 'commander';
import { splitList, usage, wholeNumber } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { pick } from '../present.ts';

interface ChannelOptions {
  readonly kind: ChannelKind;
  readonly host?: string;
  readonly port?: string;
  readonly security?: 'none' | 'starttls' | 'tls';
  readonly username?: string;
  readonly from?: string;
  readonly to?: string;
}

interface UpdateOptions extends Omit<ChannelOptions, 'kind'> {
  readonly name?: string;
  readonly urlStdin?: boolean;
  readonly secretStdin?: boolean;
  readonly passwordStdin?: boolean;
  /** commander's way of `--no-secret`: true where it is not given. */
  readonly secret: boolean;
  readonly login: boolean;
}

/** Addresses and passwords come by standard input: a command line is seen by everybody on the machine. */
export function addChannelCommands(group: Command, terminal: Terminal): void {
  const channels = group.command('channel').description('Where messages go');
  addLeaf(channels, terminal, {
    usage: 'list',
    summary: 'All channels',
    run: async ({ call }) => {
      const data = await call('listAlertChannels');
      const view = pick(data, {
        id: (row) => row.id,
        name: (row) => row.name,
        kind: (row) => row.kind,
        target: (row) => row.target,
        signed: (row) => row.signed,
      });
      return { data, view };
    },
  });
  addLeaf<ChannelOptions>(channels, terminal, {
    usage: 'create <name>',
    summary:
      'Make a channel. Standard input holds the webhook URL and, in a second line, the secret that signs; ' +
      'or for mail the password',
    options: (command) =>
      command
        .addOption(new Option('--kind <kind>', 'where to').choices([...CHANNEL_KINDS]).makeOptionMandatory())
        .option('--host <host>', 'mail server')
        .option('--port <port>', 'its port', '587')
        .addOption(
          new Option('--security <how>', 'of the connection to it').choices(['starttls', 'tls', 'none']),
        )
        .option('--username <user>', 'account at it; its password is read from standard input')
        .option('--from <address>', 'sender of mails')
        .option('--to <addresses>', 'receivers of mails, separated by commas'),
    run: async ({ call, args: [name = ''], options }) => ({
      data: await call('createAlertChannel', { body: await channelBody(name, options, terminal) }),
    }),
  });
  addLeaf<UpdateOptions>(channels, terminal, {
    usage: 'update <name>',
    summary: 'Change a channel; what is not named stays',
    options: (command) =>
      command
        .option('--name <name>', 'another name')
        .option('--url-stdin', 'another webhook URL, from standard input; a second line is the secret')
        .option('--secret-stdin', 'another secret that signs, from standard input')
        .option('--no-secret', 'messages are not signed any more')
        .option('--host <host>', 'mail server')
        .option('--port <port>', 'its port')
        .addOption(
          new Option('--security <how>', 'of the connection to it').choices(['starttls', 'tls', 'none']),
        )
        .option('--username <user>', 'account at it')
        .option('--password-stdin', 'another password of the account, from standard input')
        .option('--no-login', 'the mail server wants no account any more')
        .option('--from <address>', 'sender of mails')
        .option('--to <addresses>', 'receivers of mails, separated by commas'),
    run: async ({ call, args: [ref = ''], options }) => ({
      data: await call('updateAlertChannel', {
        params: { ref },
        body: await channelChange(options, terminal),
      }),
    }),
  });
  addLeaf(channels, terminal, {
    usage: 'test <name>',
    summary: 'Send a message through a channel now',
    run: async ({ call, args: [ref = ''] }) => {
      const data = await call('testAlertChannel', { params: { ref } });
      if (!data.delivered)
        throw new SluiceError('CONFLICT', `The channel ${ref} did not take the message: ${data.error}.`, {
          remedy: 'Check the address, the secret and the network, then test again.',
        });
      return { data };
    },
  });
  addLeaf(channels, terminal, {
    usage: 'delete <name>',
    summary: 'Delete a channel that no policy uses',
    run: async ({ call, args: [ref = ''] }) => ({
      data: await call('deleteAlertChannel', { params: { ref } }),
    }),
  });
}

async function channelBody(
  name: string,
  options: ChannelOptions,
  terminal: Terminal,
): Promise<CreateAlertChannel> {
  const { kind } = options;
  if (kind === 'email') {
    const { host, port = '587', security, username, from, to } = options;
    if (host === undefined || from === undefined || to === undefined)
      throw usage('A mail channel needs --host, --from and --to.');
    return {
      name,
      kind,
      host,
      port: wholeNumber('--port', port, 1, 65_535),
      from,
      to: splitList(to),
      ...(security === undefined ? {} : { security }),
      ...(username === undefined
        ? {}
        : { username, password: (await lines(terminal))[0] ?? missing('the password of the mail account') }),
    };
  }
  const [url = missing('the URL of the webhook'), secret] = await lines(terminal);
  return { name, kind, url, ...(secret === undefined ? {} : { secret }) } as CreateAlertChannel;
}

async function channelChange(options: UpdateOptions, terminal: Terminal): Promise<UpdateAlertChannel> {
  const { urlStdin, secretStdin, passwordStdin, secret, login, port, to } = options;
  if ([urlStdin, secretStdin, passwordStdin].filter((one) => one === true).length > 1)
    throw usage('Standard input can hold one of these: give the others in a second call.');
  const given =
    urlStdin === true || secretStdin === true || passwordStdin === true ? await lines(terminal) : [];
  const { name, host, security, username, from } = options;
  const change: UpdateAlertChannel = {
    ...Object.fromEntries(
      Object.entries({ name, host, security, username, from }).filter(([, value]) => value !== undefined),
    ),
    ...(port === undefined ? {} : { port: wholeNumber('--port', port, 1, 65_535) }),
    ...(to === undefined ? {} : { to: splitList(to) }),
    ...(urlStdin === true ? { url: given[0] ?? missing('the URL of the webhook') } : {}),
    ...(urlStdin === true && given[1] !== undefined ? { secret: given[1] } : {}),
    ...(secretStdin === true ? { secret: given[0] ?? missing('the secret') } : {}),
    ...(passwordStdin === true ? { password: given[0] ?? missing('the password of the mail account') } : {}),
    ...(secret ? {} : { secret: null }),
    ...(login ? {} : { username: null, password: null }),
  };
  if (Object.keys(change).length === 0) throw usage('Nothing of the channel was named that is to change.');
  return change;
}

async function lines(terminal: Terminal): Promise<string[]> {
  const text = await terminal.readStdin();
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function missing(what: string): never {
  throw usage(`Standard input should hold ${what}.`);
}

import { CHANNEL_KINDS, type ChannelKind, type CreateAlertChannel, SluiceError } from '@sluice/contract';
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

import {
  type Call,
  type CreateDataSource,
  DS_TYPES,
  type DsTypeWord,
  type UpdateDataSource,
} from '@sluice/contract';
import { type Command, Option } from 'commander';
import { gather, onlyTable, splitList, tableName, usage, wholeNumber } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { pick } from '../present.ts';
import { addEvents } from './events.ts';

interface CreateOptions {
  readonly type: DsTypeWord;
  readonly host: string;
  readonly port?: string;
  readonly username: string;
  readonly database: string;
  readonly sslmode?: 'disable' | 'require' | 'verify-full';
  readonly timezone?: string;
  readonly passwordStdin?: boolean;
}

interface UpdateOptions {
  readonly name?: string;
  readonly host?: string;
  readonly port?: string;
  readonly username?: string;
  readonly database?: string;
  readonly sslmode?: 'disable' | 'require' | 'verify-full';
  readonly passwordStdin?: boolean;
  /** false: --no-timezone was given. */
  readonly timezone?: string | false;
  /** false: --no-password was given. */
  readonly password: boolean;
}

interface CheckOptions {
  readonly database?: string;
  readonly schema?: readonly string[];
  readonly tables?: string;
}

export function addDataSourceCommands(program: Command, terminal: Terminal): void {
  const group = program.command('datasource').description('Configured connections to databases');
  addEvents(group, terminal, 'data source', {
    ask: (call, ref, query) => call('dataSourceEvents', { params: { ref }, query }),
    feed: (ref) => `/data-sources/${encodeURIComponent(ref)}/events/live`,
  });

  addLeaf<CreateOptions>(group, terminal, {
    usage: 'create <name>',
    summary: 'Make a data source; nothing is connected to yet',
    options: (command) =>
      command
        .addOption(
          new Option('--type <type>', 'kind of database').choices(Object.keys(DS_TYPES)).default('postgres'),
        )
        .requiredOption('--host <host>', 'host name or address')
        .option('--port <port>', 'port (postgres: 5432; mysql, mariadb: 3306)')
        .requiredOption('--username <user>', 'account to read with')
        .requiredOption('--database <database>', 'database to connect to')
        .addOption(
          new Option('--sslmode <mode>', 'encryption').choices(['disable', 'require', 'verify-full']),
        )
        .option('--timezone <zone>', 'zone that the server is meant to run in, as +08:00; check-cdc compares')
        .option('--password-stdin', 'read the password from standard input'),
    run: async ({ call, args: [name = ''], options }) => {
      const body: CreateDataSource = {
        name,
        type: options.type,
        host: options.host,
        username: options.username,
        database: options.database,
        ...(options.port === undefined ? {} : { port: wholeNumber('--port', options.port, 1, 65_535) }),
        ...(options.sslmode === undefined ? {} : { sslmode: options.sslmode }),
        ...(options.timezone === undefined ? {} : { timezone: options.timezone }),
        ...(options.passwordStdin === true ? { password: await readPassword(terminal) } : {}),
      };
      return { data: await call('createDataSource', { body }) };
    },
  });

  addLeaf<UpdateOptions>(group, terminal, {
    usage: 'update <name>',
    summary: 'Change a data source; what is not named stays, and runs take it over at their next attempt',
    options: (command) =>
      command
        .option('--name <name>', 'another name')
        .option('--host <host>', 'host name or address')
        .option('--port <port>', 'port')
        .option('--username <user>', 'account to read with')
        .option('--database <database>', 'database to connect to')
        .addOption(
          new Option('--sslmode <mode>', 'encryption').choices(['disable', 'require', 'verify-full']),
        )
        .option('--timezone <zone>', 'another zone that the server is meant to run in, as +08:00')
        .option('--no-timezone', 'nothing is expected of its zone any more')
        .option('--password-stdin', 'another password, from standard input')
        .option('--no-password', 'the account has no password any more'),
    run: async ({ call, args: [ref = ''], options }) => ({
      data: await call('updateDataSource', { params: { ref }, body: await changeOf(options, terminal) }),
    }),
  });

  addLeaf(group, terminal, {
    usage: 'list',
    summary: 'All data sources',
    run: async ({ call }) => {
      const data = await call('listDataSources');
      const view = pick(data, {
        id: (row) => row.id,
        name: (row) => row.name,
        type: (row) => row.type,
        address: (row) => `${row.host}:${row.port}`,
        database: (row) => row.database,
        username: (row) => row.username,
      });
      return { data, view };
    },
  });

  addLeaf(group, terminal, {
    usage: 'delete <name>',
    summary: 'Delete a data source that no task uses',
    run: async ({ call, args: [ref = ''] }) => ({
      data: await call('deleteDataSource', { params: { ref } }),
    }),
  });

  addLeaf(group, terminal, {
    usage: 'test <name>',
    summary: 'Connect, and tell the version and the round trip',
    run: async ({ call, args: [ref = ''] }) => ({ data: await call('testDataSource', { params: { ref } }) }),
  });

  addLeaf<CheckOptions>(group, terminal, {
    usage: 'check-cdc <name>',
    summary: 'What stands in the way of change capture, each with the statement that mends it',
    options: (command) =>
      command
        .option('--database <database>', 'database that a task would sync')
        .option('--schema <schema>', 'schema that a task would sync; several times', gather)
        .option('--tables <a,b>', 'tables that a task would sync'),
    run: async ({ call, args: [ref = ''], options }) => {
      const tables = splitList(options.tables ?? '').map(tableName);
      const known =
        tables.some(({ schema }) => schema === null) && options.schema?.length !== 1
          ? await objectsOf(call, ref, options.database)
          : [];
      const only = options.schema?.length === 1 ? options.schema[0] : undefined;
      const data = await call('checkCdc', {
        params: { ref },
        body: {
          ...(options.database === undefined ? {} : { database: options.database }),
          ...(options.schema === undefined ? {} : { schemas: [...options.schema] }),
          ...(tables.length === 0
            ? {}
            : {
                tables: tables.map(({ schema, table }) =>
                  onlyTable({ schema: schema ?? only ?? null, table }, known),
                ),
              }),
        },
      });
      return { data, view: checkText(data) };
    },
  });

  addLeaf(group, terminal, {
    usage: 'catalogs <name>',
    summary: 'The databases of a data source',
    run: async ({ call, args: [ref = ''] }) => ({ data: await call('listCatalogs', { params: { ref } }) }),
  });

  addLeaf(group, terminal, {
    usage: 'objects <name> <catalog>',
    summary: 'The tables of a database',
    run: async ({ call, args: [ref = '', catalog = ''] }) => {
      const data = await call('listObjects', { params: { ref, catalog } });
      const view = pick(data, {
        schema: (row) => row.schema,
        table: (row) => row.table,
        columns: (row) => row.columns,
        key: (row) => row.key.join(', ') || '(whole row)',
        'rows (about)': (row) => row.estimatedRows,
        problem: (row) => row.problem?.message ?? '',
      });
      return { data, view };
    },
  });

  addLeaf(group, terminal, {
    usage: 'describe <name> <catalog> <object>',
    summary: 'A table of a database, with its columns',
    run: async ({ call, args: [ref = '', catalog = '', object = ''] }) => {
      const data = await call('describeObject', { params: { ref, catalog }, query: objectQuery(object) });
      const columns = pick(data.columns, {
        column: (row) => row.name,
        source: (row) => row.native,
        lake: (row) => row.type,
        null: (row) => (row.nullable ? 'yes' : 'no'),
        key: (row) => (row.inKey ? 'key' : ''),
      });
      return { data, view: columns };
    },
  });

  addLeaf<{ readonly limit: string }>(group, terminal, {
    usage: 'sample <name> <catalog> <object>',
    summary: 'The first rows of a table, as text',
    options: (command) => command.option('--limit <rows>', 'at most so many rows', '10'),
    run: async ({ call, args: [ref = '', catalog = '', object = ''], options }) => {
      const limit = wholeNumber('--limit', options.limit, 1, 1000);
      const data = await call('sampleObject', {
        params: { ref, catalog },
        query: { ...objectQuery(object), limit },
      });
      return { data, view: { columns: data.columns, rows: data.rows } };
    },
  });
}

/** @throws SluiceError USAGE where nothing is to be changed */
async function changeOf(
  { password, passwordStdin = false, port, name, host, username, database, sslmode, timezone }: UpdateOptions,
  terminal: Terminal,
): Promise<UpdateDataSource> {
  if (passwordStdin && !password) throw usage('--password-stdin goes without --no-password.');
  const body: UpdateDataSource = {
    ...(name === undefined ? {} : { name }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: wholeNumber('--port', port, 1, 65_535) }),
    ...(username === undefined ? {} : { username }),
    ...(database === undefined ? {} : { database }),
    ...(sslmode === undefined ? {} : { sslmode }),
    ...(timezone === undefined ? {} : { timezone: timezone === false ? null : timezone }),
    ...(password ? {} : { password: null }),
    ...(passwordStdin ? { password: await readPassword(terminal) } : {}),
  };
  if (Object.keys(body).length === 0) throw usage('update says what is to be changed, such as --host.');
  return body;
}

async function objectsOf(call: Call, ref: string, database: string | undefined) {
  const catalog = database ?? (await call('getDataSource', { params: { ref } })).database;
  return await call('listObjects', { params: { ref, catalog } });
}

function objectQuery(text: string): { table: string; schema?: string } {
  const { schema, table } = tableName(text);
  return schema === null ? { table } : { table, schema };
}

/** Without the line end that `echo` and files put behind it. */
export async function readPassword(terminal: Terminal): Promise<string> {
  if (terminal.stdinIsTerminal) terminal.note('Type the password, then Enter and Ctrl-D.\n');
  return (await terminal.readStdin()).replace(/\r?\n$/, '');
}

const MARKS = { error: '✗', warning: '!', info: '·', ok: '✓' } as const;

/** Findings as a person goes through them: what, why, and the statement to copy. */
export function checkText(result: {
  readonly passed: boolean;
  readonly findings: readonly {
    readonly level: keyof typeof MARKS;
    readonly subject: string;
    readonly found: string;
    readonly why: string;
    readonly fix: string | null;
  }[];
}): string {
  const lines = result.findings.flatMap(({ level, subject, found, why, fix }) => [
    `${MARKS[level]} ${subject}: ${found}`,
    ...(level === 'ok' ? [] : [`    ${why}`]),
    ...(fix === null ? [] : [`    → ${fix}`]),
  ]);
  const verdict = result.passed
    ? 'Nothing stands in the way.'
    : 'Change capture is not possible yet: mend what is marked with ✗.';
  return `${[...lines, '', verdict].join('\n')}\n`;
}

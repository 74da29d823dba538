import {
  type Call,
  type CheckCdcRequest,
  type DataSource,
  DS_TYPES,
  SluiceError,
  type TableRef,
  type TaskSpecInput,
} from '@sluice/contract';
import { type Command, Option } from 'commander';
import { gather, onlyTable, splitList, tableName, wholeNumber } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { Interview } from '../interview.ts';
import { checkText, readPassword } from './datasource.ts';
import { chosenMerge, type MergeChoices } from './setup-merge.ts';
import { chosenSource, type SourceOptions } from './setup-source.ts';

interface SetupOptions extends Omit<SourceOptions, 'password'>, MergeChoices {
  readonly passwordStdin?: boolean;
  readonly mode?: string;
  readonly tables?: string;
  readonly prepared?: boolean;
  readonly targetSchema?: string;
  readonly name?: string;
  readonly folder?: string;
  readonly timeout?: string;
  readonly yes?: boolean;
}

const WHOLE = 'database';
const SOME = 'tables';
const MERGE = 'merge';

/** From nothing to a running mirror: what it does is what the single commands do. */
export function addSetupCommand(program: Command, terminal: Terminal): void {
  addLeaf<SetupOptions>(program, terminal, {
    usage: 'setup',
    summary: 'Ask for what is not known yet, and end with a running mirror; every question has its flag',
    options: (command) =>
      command
        .option('--source <data source>', 'one that exists, or the name of the one to be made')
        .addOption(new Option('--type <type>', 'kind of database').choices(Object.keys(DS_TYPES)))
        .option('--host <host>', 'host name or address; makes a data source')
        .option('--port <port>', 'port')
        .option('--username <user>', 'account to read with')
        .option('--password-stdin', 'read the password from standard input')
        .addOption(
          new Option('--sslmode <mode>', 'encryption').choices(['disable', 'require', 'verify-full']),
        )
        .option('--database <database>', 'database to mirror')
        .addOption(
          new Option(
            '--mode <mode>',
            'all of the database, later tables too; some tables; or shards that become one table',
          ).choices([WHOLE, SOME, MERGE]),
        )
        .option('--tables <a,b>', 'these tables')
        .option('--match <part=pattern>', "the shards of a merge: 'table=orders_\\d+'; several times", gather)
        .option('--target <schema.table>', 'the table that they become')
        .option('--extended-field <part=column>', 'a column that says which shard a row is from', gather)
        .option('--extended-key', 'shards may hold equal keys: where a row is from is part of the key')
        .option('--prepared', 'the source is prepared for change capture: do not check it')
        .option('--target-schema <rule>', "naming rule, such as '{SOURCE_SCHEMA}'")
        .addOption(
          new Option('--sync-mode <mode>', '1: full load, then changes; 2: changes only').choices(['1', '2']),
        )
        .option('--name <name>', 'of the task')
        .option('--folder <folder>', 'of the task; made where it does not exist')
        .option('--timeout <seconds>', 'how long to wait for the full load (60)')
        .option('-y, --yes', 'take what is usual, and ask only for what nobody can guess'),
    run: async ({ call, options }) => {
      const password = options.passwordStdin === true ? await readPassword(terminal) : undefined;
      const seconds = wholeNumber('--timeout', options.timeout ?? '60', 0, 3600);
      const interview = new Interview(terminal, options.yes === true);
      const source = await chosenSource(call, interview, { ...options, password });
      const chosen = await chosenTables(call, interview, source, options);
      await prepared(call, interview, source, chosen, options.prepared === true);
      return await begun(call, interview, source, chosen, options, seconds);
    },
  });
}

/** What will be synced, and what the source is checked for. */
interface Chosen {
  readonly spec: TaskSpecInput;
  readonly database: string;
  readonly tables: readonly TableRef[];
  /** For a person: from what into what. */
  readonly what: string;
}

async function chosenTables(
  call: Call,
  interview: Interview,
  source: DataSource,
  options: SetupOptions,
): Promise<Chosen> {
  const catalogs = (await call('listCatalogs', { params: { ref: source.name } })).map(({ name }) => name);
  const database = await interview.know({
    flag: '--database',
    given: options.database,
    text: 'Database to mirror',
    otherwise: source.database,
    choices: catalogs,
  });
  const mode = await interview.know({
    flag: '--mode',
    given: options.mode ?? impliedMode(options),
    text: 'All of it, some tables, or shards that become one table',
    otherwise: WHOLE,
    choices: [WHOLE, SOME, MERGE],
  });
  if (mode === MERGE) {
    const spec = await chosenMerge(call, interview, source, database, options);
    const [virtual] = spec.virtualTables ?? [];
    const what = `shards of ${database} from ${source.name} into ${virtual?.target.schema}.${virtual?.target.table}`;
    return { spec, database, tables: [], what };
  }
  const common = {
    dataSource: source.id,
    database,
    syncMode: options.syncMode === '2' ? (2 as const) : (1 as const),
  };
  const tables = mode === WHOLE ? [] : await namedTables(call, interview, source, database, options.tables);
  const targetSchema = await interview.know({
    flag: '--target-schema',
    given: options.targetSchema,
    text: 'Schema in the lakehouse',
    otherwise: '{SOURCE_SCHEMA}',
  });
  const spec = {
    ...common,
    pipelineType: mode === WHOLE ? (3 as const) : (1 as const),
    tables,
    targetSchema,
  };
  const those = mode === WHOLE ? database : `${tables.length} tables of ${database}`;
  return { spec, database, tables, what: `${those} from ${source.name} into ${targetSchema}` };
}

function impliedMode({ tables, match }: SetupOptions): string | undefined {
  if (tables !== undefined) return SOME;
  return match === undefined ? undefined : MERGE;
}

async function namedTables(
  call: Call,
  interview: Interview,
  source: DataSource,
  database: string,
  given: string | undefined,
): Promise<TableRef[]> {
  const known = await call('listObjects', { params: { ref: source.name, catalog: database } });
  interview.tell(known.map(({ schema, table }) => `  ${schema}.${table}\n`).join(''));
  const text = await interview.know({ flag: '--tables', given, text: 'Which, with commas between them' });
  return splitList(text).map((one) => onlyTable(tableName(one), known));
}

/** @throws SluiceError CONFLICT with what is missing at the source */
async function prepared(
  call: Call,
  interview: Interview,
  source: DataSource,
  { database, tables }: Chosen,
  given: boolean,
): Promise<void> {
  const answer = given
    ? 'yes'
    : await interview.know({
        flag: '--prepared',
        given: undefined,
        text: 'Is the source prepared for change capture, or shall that be checked',
        otherwise: 'check',
        choices: ['yes', 'check'],
      });
  if (answer === 'yes') return;
  const body: CheckCdcRequest = {
    database,
    ...(tables.length === 0 ? {} : { tables: tables.map(({ schema, table }) => ({ schema, table })) }),
  };
  for (;;) {
    const result = await call('checkCdc', { params: { ref: source.name }, body });
    if (result.passed) return interview.tell('The source is prepared.\n');
    interview.tell(checkText(result));
    if (await interview.again('Look again, once that is mended?')) continue;
    const wrong = result.findings.filter(({ level }) => level === 'error');
    throw new SluiceError(
      'CONFLICT',
      `The source ${source.name} is not prepared: ${wrong.map(({ code, found }) => `${code} (${found})`).join('; ')}.`,
      {
        remedy:
          wrong
            .map(({ fix }) => fix ?? '')
            .filter(Boolean)
            .join('\n') || 'See sluice datasource check-cdc.',
      },
    );
  }
}

async function begun(
  call: Call,
  interview: Interview,
  source: DataSource,
  { spec, database, what }: Chosen,
  options: SetupOptions,
  seconds: number,
): Promise<{ data: unknown; view: string }> {
  const name = await freeName(call, interview, options.name, database);
  const folders = (await call('listFolders')).map((folder) => folder.name);
  const folder = await interview.know({
    flag: '--folder',
    given: options.folder,
    text: 'Folder',
    otherwise: folders[0] ?? 'mirrors',
  });
  interview.tell(`The task ${name} will sync ${what} (${source.host}:${source.port}).\n`);
  if (interview.asks && !(await interview.agreed('Make, publish and start it?')))
    throw new SluiceError('CONFIRMATION_REQUIRED', 'Nothing was started.');
  if (!folders.includes(folder)) await call('createFolder', { body: { name: folder } });
  await call('createTask', { body: { name, folder, spec } });
  const params = { ref: name };
  await call('publishTask', { params });
  await call('startTask', { params });
  const { reached, status } = await call('waitTask', {
    params,
    query: { for: 'incremental', timeout: seconds },
  });
  if (status.state === 'failed')
    throw new SluiceError(
      'CONFLICT',
      `The task ${name} was started and failed: ${status.error?.message ?? ''}`,
      {
        ...(status.error === null ? {} : { remedy: status.error.remedy }),
      },
    );
  const view = reached
    ? `${name} runs: ${status.tables.total} tables are loaded, and follow their source.\n`
    : `${name} runs, and is still loading: sluice task wait ${name} --for incremental\n`;
  return { data: { task: name, source: source.name, reached, status }, view };
}

/** The database's own name, where it is free: of the name a person is asked again, a script is told. */
async function freeName(
  call: Call,
  interview: Interview,
  given: string | undefined,
  database: string,
): Promise<string> {
  const taken = new Set((await call('listTasks')).map((task) => task.name));
  const otherwise = taken.has(database) || /^\d+$/.test(database) ? undefined : database;
  for (let asked = given; ; asked = undefined) {
    const name = await interview.know({
      flag: '--name',
      given: asked,
      text: 'Name of the task',
      ...(otherwise === undefined ? {} : { otherwise }),
    });
    if (!taken.has(name)) return name;
    if (!interview.asks)
      throw new SluiceError('ALREADY_EXISTS', `A task ${JSON.stringify(name)} exists already.`);
    interview.tell(`There is a task ${name} already.\n`);
  }
}

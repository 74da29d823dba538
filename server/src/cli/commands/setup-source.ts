import {
  type Call,
  type CreateDataSource,
  type DataSource,
  DS_TYPES,
  type DsTypeWord,
  defaultPort,
  SluiceError,
} from '@sluice/contract';
import { wholeNumber } from '../arguments.ts';
import type { Interview } from '../interview.ts';

export interface SourceOptions {
  readonly source?: string;
  readonly type?: DsTypeWord;
  readonly host?: string;
  readonly port?: string;
  readonly username?: string;
  readonly sslmode?: 'disable' | 'require' | 'verify-full';
  readonly database?: string;
  /** Read from standard input already; undefined where it is to be asked for. */
  readonly password: string | undefined;
}

const NEW = 'new';
/** Those that can be read in this version. */
const TYPES = (Object.keys(DS_TYPES) as DsTypeWord[]).filter((word) => /postgres|mysql|mariadb/.test(word));

/** The data source that is meant, or one that is made now; it has answered when this returns. */
export async function chosenSource(
  call: Call,
  interview: Interview,
  options: SourceOptions,
): Promise<DataSource> {
  const known = await call('listDataSources');
  const described = options.host !== undefined;
  const names = known.map(({ name }) => name);
  const wanted =
    (described && options.source === undefined) || known.length === 0
      ? (options.source ?? NEW)
      : await interview.know({
          flag: '--source',
          given: options.source,
          text: 'Data source',
          ...(names.length === 1 && names[0] !== undefined ? { otherwise: names[0] } : {}),
          ...(described ? {} : { choices: [...names, NEW] }),
        });
  const found = known.find(({ name }) => name === wanted);
  if (found !== undefined) {
    if (described)
      throw new SluiceError('ALREADY_EXISTS', `A data source ${found.name} exists already.`, {
        remedy: 'Leave out --host and what belongs to it, or give the new one another name with --source.',
      });
    await call('testDataSource', { params: { ref: found.name } });
    return found;
  }
  return made(call, interview, options, wanted === NEW ? undefined : wanted);
}

async function made(
  call: Call,
  interview: Interview,
  options: SourceOptions,
  name: string | undefined,
): Promise<DataSource> {
  const type = (await interview.know({
    flag: '--type',
    given: options.type,
    text: 'Kind of database',
    otherwise: 'postgres',
    choices: TYPES,
  })) as DsTypeWord;
  const host = await interview.know({ flag: '--host', given: options.host, text: 'Host' });
  const port = await interview.know({
    flag: '--port',
    given: options.port,
    text: 'Port',
    otherwise: String(defaultPort(type)),
  });
  const username = await interview.know({ flag: '--username', given: options.username, text: 'Account' });
  const password = await interview.know({
    flag: '--password-stdin',
    given: options.password,
    text: 'Password',
    hidden: true,
  });
  const database = await interview.know({ flag: '--database', given: options.database, text: 'Database' });
  const body: CreateDataSource = {
    name: await interview.know({
      flag: '--source',
      given: name,
      text: 'Name of this data source',
      otherwise: database,
    }),
    type,
    host,
    port: wholeNumber('--port', port, 1, 65_535),
    username,
    password,
    database,
    ...(options.sslmode === undefined ? {} : { sslmode: options.sslmode }),
  };
  const source = await call('createDataSource', { body });
  try {
    const { version } = await call('testDataSource', { params: { ref: source.name } });
    interview.tell(`${source.name}: ${version}\n`);
  } catch (error) {
    // What does not answer is not left behind: the next try may use its name.
    await call('deleteDataSource', { params: { ref: source.name } });
    throw error;
  }
  return source;
}

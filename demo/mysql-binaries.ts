import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Account, postgresAccount, postgresFolder, repositoryRoot } from './postgres-binaries.ts';

const run = promisify(execFile);

export type Flavour = 'mysql' | 'mariadb';

export interface MysqlBinaries {
  readonly flavour: Flavour;
  /** The folder that holds `usr`, all libraries included: nothing of the system's is used. */
  readonly root: string;
  /** The system's names for this machine: lib/<triplet>, and the loader of its programs. */
  readonly triplet: string;
  readonly loader: string;
  /** `null`: as whoever we are. */
  readonly account: Account | null;
  /** Folder that the account can reach and that lives as long as the clone. */
  readonly cache: string;
}

/** Debian 12 has MariaDB 10.11; MySQL is in Debian's unstable alone. */
const SUITES: Readonly<Record<Flavour, { readonly suite: string; readonly packages: readonly string[] }>> = {
  mysql: { suite: 'sid', packages: ['mysql-server-core'] },
  mariadb: { suite: 'bookworm', packages: ['mariadb-server-core'] },
};

/** Comes along as somebody's dependency and is large; no program that we start reads it. */
const LEFT_OUT = /^(perl|libperl|libc-gconv|libdb5|gcc-\d+-base|libgdbm)/;

const MACHINES: Readonly<Record<string, { readonly triplet: string; readonly loader: string }>> = {
  x64: { triplet: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { triplet: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
};

/**
 * A server as Debian packs it, unpacked into the clone's cache with every library that it needs, down to the C
 * library: the machine's own packages are neither used nor changed. Fetched once.
 * @throws Error where this is no Debian with apt, or its mirror does not answer
 */
export async function findMysql(flavour: Flavour): Promise<MysqlBinaries> {
  const machine = MACHINES[arch()];
  if (process.platform !== 'linux' || machine === undefined)
    throw new Error(
      `${flavour} is fetched for Debian on x64 and arm64 only; this is ${process.platform} ${arch()}`,
    );
  const account = await postgresAccount();
  const cache = await postgresFolder(join(repositoryRoot(), '.cache', flavour), account);
  const root = join(cache, 'root');
  if (!existsSync(root)) await fetchOnce(flavour, SUITES[flavour].packages, cache, root);
  return { flavour, root, ...machine, account, cache };
}

/** The plain client of MySQL, in a folder of its own beside the server. Fetched once. */
export async function findMysqlClient(): Promise<MysqlBinaries> {
  const server = await findMysql('mysql');
  const root = join(server.cache, 'client-root');
  if (!existsSync(root)) await fetchOnce('mysql', ['mysql-client-core'], server.cache, root);
  return { ...server, root };
}

/** Two processes may come here at once: both fetch, the first one's folder stays. */
async function fetchOnce(
  flavour: Flavour,
  packages: readonly string[],
  cache: string,
  root: string,
): Promise<void> {
  const work = await mkdtemp(join(cache, `fetch-${process.pid}-`));
  try {
    const archives = await download(flavour, packages, work);
    const files = join(work, 'files');
    await mkdir(files);
    for (const archive of archives) await run('dpkg', ['-x', archive, files]);
    await rename(files, root).catch((error: unknown) => {
      if (!existsSync(root)) throw error;
    });
  } catch (cause) {
    const { stderr } = cause as { stderr?: string };
    throw new Error(
      `${flavour} could not be fetched from Debian's ${SUITES[flavour].suite} by apt-get: ${stderr ?? (cause as Error).message}`,
      { cause },
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A state of apt's own in `work`, with nothing installed in it: so it fetches the libraries too. */
async function download(
  flavour: Flavour,
  packages: readonly string[],
  work: string,
): Promise<readonly string[]> {
  const { suite } = SUITES[flavour];
  for (const folder of ['lists/partial', 'cache/archives/partial', 'debs/partial'])
    await mkdir(join(work, folder), { recursive: true });
  await writeFile(join(work, 'status'), '');
  const key = '/usr/share/keyrings/debian-archive-keyring.gpg';
  await writeFile(join(work, 'sources.list'), `deb [signed-by=${key}] ${await mirror()} ${suite} main\n`);
  const settings: Record<string, string> = {
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '/nonexistent',
    'Dir::Etc::preferencesparts': '/nonexistent',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': join(work, 'status'),
    'Dir::Cache': join(work, 'cache'),
    'Dir::Cache::archives': join(work, 'debs'),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'APT::Install-Recommends': 'false',
  };
  const config = join(work, 'apt.conf');
  await writeFile(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name} "${value}";\n`)
      .join(''),
  );
  const options = { env: { ...process.env, APT_CONFIG: config }, timeout: 300_000, maxBuffer: 64 << 20 };
  await run('apt-get', ['update', '-qq'], options);
  await run('apt-get', ['install', '-y', '-qq', '-d', ...packages], options);
  const names = await readdir(join(work, 'debs'));
  return names
    .filter((name) => name.endsWith('.deb') && !LEFT_OUT.test(name))
    .map((name) => join(work, 'debs', name));
}

/** The mirror that this machine already uses. */
async function mirror(): Promise<string> {
  const folder = '/etc/apt/sources.list.d';
  const names = await readdir(folder).catch(() => []);
  const files = ['/etc/apt/sources.list', ...names.map((name) => join(folder, name))];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const uri = /^URIs:\s*(\S+)/m.exec(text)?.[1] ?? /^deb\s+(?:\[[^\]]*\]\s*)?(http\S+)/m.exec(text)?.[1];
    if (uri !== undefined) return uri.replace(/\/$/, '');
  }
  throw new Error('no mirror of Debian is configured in /etc/apt');
}

/** How a program of the unpacked server is started: by its own loader, with its own libraries. */
export function programOf(
  binaries: MysqlBinaries,
  name: string,
  folder: 'bin' | 'sbin' = 'sbin',
): { readonly command: string; readonly args: readonly string[] } {
  const { root, triplet, loader } = binaries;
  const libraries = [join(root, 'usr/lib', triplet), join(root, 'lib', triplet)].join(':');
  const found = [
    join(root, 'usr/lib64', loader),
    join(root, 'lib64', loader),
    join(root, 'lib', triplet, loader),
    join(root, 'usr/lib', triplet, loader),
  ];
  const command = found.find((path) => existsSync(path));
  if (command === undefined) throw new Error(`the loader ${loader} was not found under ${root}`);
  return {
    command,
    args: ['--argv0', name, '--library-path', libraries, join(root, 'usr', folder, name)],
  };
}

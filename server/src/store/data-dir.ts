import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SluiceError } from '@sluice/contract';
import { SECRET_KEY_BYTES, Sealer } from './secrets.ts';

/** Where things lie in a data folder. */
export interface DataDir {
  readonly root: string;
  readonly metastore: string;
  readonly warehouse: string;
  readonly logs: string;
  /** A task's segments and staged files: `<work>/task-<id>/`. */
  readonly work: string;
  readonly secretKey: string;
  readonly token: string;
  readonly lock: string;
  readonly pid: string;
}

export function dataDirLayout(root: string): DataDir {
  const at = resolve(root);
  return {
    root: at,
    metastore: join(at, 'metastore.db'),
    warehouse: join(at, 'warehouse'),
    logs: join(at, 'logs'),
    work: join(at, 'work'),
    secretKey: join(at, 'secret.key'),
    token: join(at, 'token'),
    lock: join(at, 'server.lock'),
    pid: join(at, 'server.pid'),
  };
}

/** Makes what is missing of a data folder; only its owner can read it. */
export async function prepareDataDir(root: string): Promise<DataDir> {
  const layout = dataDirLayout(root);
  try {
    await mkdir(layout.root, { recursive: true, mode: 0o700 });
    await chmod(layout.root, 0o700);
    for (const folder of [layout.warehouse, layout.logs, layout.work])
      await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new SluiceError(
      'STORAGE_FAILED',
      `The data folder ${layout.root} cannot be used: ${text(error)}.`,
      {
        cause: error,
      },
    );
  }
  return layout;
}

/** The sealer of the folder's key, which is made at the first call. */
export async function openSealer(layout: DataDir): Promise<Sealer> {
  const key = await readOrMake(layout.secretKey, () => randomBytes(SECRET_KEY_BYTES).toString('base64'));
  const bytes = Buffer.from(key, 'base64');
  if (bytes.length !== SECRET_KEY_BYTES)
    throw new SluiceError('INTERNAL', `The file ${layout.secretKey} does not hold a key.`, {
      remedy: 'Put the right secret.key back into the data folder.',
    });
  return new Sealer(bytes);
}

/** The token of the HTTP API, which is made at the first call. */
export async function openToken(layout: DataDir): Promise<string> {
  const token = await readOrMake(layout.token, () => randomBytes(32).toString('base64url'));
  if (token.length < 16)
    throw new SluiceError('INTERNAL', `The token in ${layout.token} is shorter than 16 characters.`, {
      remedy: 'Delete the file; the next start makes a new token.',
    });
  return token;
}

/** A file appears whole or not at all: it is written beside its place, and the first link to the place wins. */
async function readOrMake(path: string, make: () => string): Promise<string> {
  const existing = await readIfThere(path);
  if (existing !== null) return existing;
  const beside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(beside, 'wx', 0o600);
    try {
      await file.writeFile(`${make()}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(beside, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } catch (error) {
    throw new SluiceError('STORAGE_FAILED', `The file ${path} cannot be written: ${text(error)}.`, {
      cause: error,
    });
  } finally {
    await unlink(beside).catch(() => {});
  }
  return (await readFile(path, 'utf8')).trim();
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new SluiceError('STORAGE_FAILED', `The file ${path} cannot be read: ${text(error)}.`, {
      cause: error,
    });
  }
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

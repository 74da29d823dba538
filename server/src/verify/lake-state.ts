import { SluiceError } from '@sluice/contract';
import type { LiveFile } from '../lakehouse/data-file.ts';
import type { EmbeddedCatalog } from '../lakehouse/embedded-catalog.ts';
import type { TableMetadata } from '../lakehouse/metadata.ts';
import { liveFiles } from '../lakehouse/scan.ts';
import type { Storage } from '../lakehouse/storage.ts';
import type { TableName } from '../model/table.ts';

/** A table of the lake at one commit. */
export interface LakeState {
  readonly metadata: TableMetadata;
  readonly files: readonly LiveFile[];
}

/** Commits of a task are half a second apart at least; a line is read in milliseconds. */
const MOST_TRIES = 20;

/**
 * The table as it is now. Of a shard: what the merged table shows of it, which are those of its files that are the
 * shard's line's too; a file that the merged table lacks is then missing, as it is for its readers.
 * @returns null where it is not there
 * @throws SluiceError TIMEOUT where a shard's line moved whenever it was read; STORAGE_FAILED
 */
export async function lakeState(
  storage: Storage,
  catalog: Pick<EmbeddedCatalog, 'load' | 'pointer'>,
  target: TableName,
  signal: AbortSignal,
): Promise<LakeState | null> {
  if (target.shard === undefined) {
    const loaded = await catalog.load(target);
    return loaded && { metadata: loaded.metadata, files: await liveFiles(storage, loaded.metadata) };
  }
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    signal.throwIfAborted();
    const line = await catalog.pointer(target);
    if (line === null) return null;
    const read = await shownOfLine(storage, catalog, target).catch((error: unknown) => ({ error }));
    // Line and merged table move in one transaction: a line that did not move stands in this very state of the table.
    // One that did may have lost its lists of manifests meanwhile.
    if ((await catalog.pointer(target)) !== line) continue;
    if (read !== null && 'error' in read) throw read.error;
    return read;
  }
  throw new SluiceError('TIMEOUT', 'Commits came faster than the table could be looked at.', {
    remedy: 'Compare again when less is written to it.',
  });
}

async function shownOfLine(
  storage: Storage,
  catalog: Pick<EmbeddedCatalog, 'load'>,
  target: TableName,
): Promise<LakeState | null> {
  const line = await catalog.load(target);
  const whole = await catalog.load({ schema: target.schema, table: target.table });
  if (line === null || whole === null) return null;
  const own = new Set((await liveFiles(storage, line.metadata)).map(({ path }) => path));
  const shown = await liveFiles(storage, whole.metadata);
  return { metadata: whole.metadata, files: shown.filter(({ path }) => own.has(path)) };
}

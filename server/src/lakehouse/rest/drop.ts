import { SluiceError } from '@sluice/contract';
import { type TableName, tableText } from '../../model/table.ts';
import { isInside } from '../file-storage.ts';
import { readMetadata } from '../metadata-file.ts';
import { reachableFiles } from '../reachability.ts';
import { CatalogRefusal, noSuchTable } from './answer.ts';
import type { RestCatalogOptions } from './options.ts';

/**
 * Forgets a table; removes its files only where asked: those that its metadata names and that lie in its own
 * folder, and none where another table has its metadata in that folder too. Removed after the pointer is gone,
 * so a reader never meets a table without its files.
 */
export async function dropTable(options: RestCatalogOptions, name: TableName, purge: boolean): Promise<void> {
  const files = purge ? await filesToPurge(options, name) : [];
  try {
    await options.catalog.dropTable(name);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'NOT_FOUND') throw noSuchTable(tableText(name));
    throw error;
  }
  await options.storage.remove(files);
}

async function filesToPurge({ catalog, storage }: RestCatalogOptions, name: TableName): Promise<string[]> {
  const pointer = await catalog.pointer(name);
  if (pointer === null) throw noSuchTable(tableText(name));
  const metadata = await readMetadata(storage, pointer);
  const tables = await catalog.tables();
  const shared = tables.find(
    (other) =>
      (other.name.schema !== name.schema || other.name.table !== name.table) &&
      isInside(storage, metadata.location, other.metadataLocation),
  );
  if (shared)
    throw new CatalogRefusal(
      409,
      'ConflictException',
      `The table ${tableText(shared.name)} has its files in the same folder: drop without purge.`,
    );
  const files = await reachableFiles(storage, metadata, pointer);
  return [...files].filter((file) => isInside(storage, metadata.location, file));
}

import { createHash, randomUUID } from 'node:crypto';
import type { TableName } from '../model/table.ts';
import type { Storage } from './storage.ts';

const MAX_BYTES = 100;

/** The folder of a new table: `<warehouse>/<schema>/<table>`. Different names have different folders. */
export function tableLocation(storage: Storage, warehouse: string, name: TableName): string {
  return storage.join(warehouse, folderName(name.schema), folderName(name.table));
}

/**
 * The same for a table to be made, where no other table's files are: a renamed table keeps its folder, and
 * some file systems do not tell upper from lower case.
 * @param taken locations of the metadata files of all tables
 */
export function freeTableLocation(
  storage: Storage,
  warehouse: string,
  name: TableName,
  taken: readonly string[],
): string {
  const location = tableLocation(storage, warehouse, name);
  const prefix = `${location}/`.toLowerCase();
  if (!taken.some((one) => one.toLowerCase().startsWith(prefix))) return location;
  return `${location}-${randomUUID().slice(0, 8)}`;
}

/**
 * Names of `A-Z a-z 0-9 _ -` are folder names as they are. In others what is unsafe becomes `_`, and a part of
 * the name's SHA-256 behind it tells them apart; so no name is `.`, `..`, or leads out of the warehouse.
 */
export function folderName(name: string): string {
  // A name that ends like a made one could be some other name's folder.
  const made = /-[0-9a-f]{8}$/.test(name);
  if (/^[A-Za-z0-9_-]+$/.test(name) && name.length <= MAX_BYTES && !made) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.replaceAll(/[^A-Za-z0-9_-]/gu, '_').slice(0, MAX_BYTES - 9)}-${hash}`;
}

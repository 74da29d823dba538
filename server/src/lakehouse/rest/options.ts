import type { EmbeddedCatalog } from '../embedded-catalog.ts';
import { isInside } from '../file-storage.ts';
import type { Storage } from '../storage.ts';
import { badRequest } from './answer.ts';

export interface RestCatalogOptions {
  readonly catalog: EmbeddedCatalog;
  readonly storage: Storage;
  /** Location of the folder that all tables are in. */
  readonly warehouse: string;
}

/** A client names files; the server reads and may remove what it names, so it must lie in the warehouse. */
export function requireInside({ storage, warehouse }: RestCatalogOptions, location: string): void {
  if (!isInside(storage, warehouse, location))
    throw badRequest(`${location} is not inside the warehouse of this catalog.`);
}

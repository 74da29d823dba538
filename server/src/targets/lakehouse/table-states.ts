import type { EmbeddedCatalog } from '../../lakehouse/embedded-catalog.ts';
import type { TableMetadata } from '../../lakehouse/metadata.ts';
import { readMetadata, writeMetadata } from '../../lakehouse/metadata-file.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { type TableName, tableKey } from '../../model/table.ts';
import type { Staged } from '../target.ts';

/** States that are remembered, and the ones that they were made on. */
const KNOWN = 2048;
export const NOTHING = { rowsWritten: 0, nulledValues: 0, fetched: false, deleted: [] } as const;

/** The states of tables by the location of their metadata: a step is made on what the last one wrote, which is not read again. */
export class TableStates {
  readonly #storage: Storage;
  readonly #catalog: EmbeddedCatalog;
  readonly #known = new Map<string, TableMetadata>();
  readonly #bases = new Map<string, string>();
  readonly #pointers = new Map<string, string | null>();

  constructor(storage: Storage, catalog: EmbeddedCatalog) {
    this.#storage = storage;
    this.#catalog = catalog;
  }

  /** Where the catalog's table stands; null: it has none of that name. */
  async pointer(table: TableName): Promise<string | null> {
    const key = tableKey(table);
    const known = this.#pointers.get(key);
    if (known !== undefined) return known;
    const pointer = await this.#catalog.pointer(table);
    this.#pointers.set(key, pointer);
    return pointer;
  }

  async metadata(location: string): Promise<TableMetadata> {
    const known = this.#known.get(location);
    if (known !== undefined) return known;
    const metadata = await readMetadata(this.#storage, location);
    remember(this.#known, location, metadata);
    return metadata;
  }

  /**
   * Writes a state, which nobody sees before its pointer is moved.
   * @param previous the one that it was made on
   * @param storage that of the step which made it
   */
  async write(
    metadata: TableMetadata,
    previous: string | null,
    counts: Omit<Staged, 'location'> = NOTHING,
    storage = this.#storage,
  ): Promise<Staged> {
    const written = await writeMetadata(storage, metadata, previous);
    remember(this.#known, written.location, written.metadata);
    if (previous !== null) remember(this.#bases, written.location, previous);
    const { rowsWritten, nulledValues, fetched, deleted } = counts;
    return { location: written.location, rowsWritten, nulledValues, fetched, deleted };
  }

  /** The state that this one was made on, as far as it is remembered. */
  baseOf(location: string): string | null {
    return this.#bases.get(location) ?? null;
  }

  /** The pointer stands elsewhere now. @returns what stood at the former place, where it is remembered */
  moved(table: TableName, from: string | null, to: string): TableMetadata | null {
    this.#pointers.set(tableKey(table), to);
    if (from === null) return null;
    const before = this.#known.get(from) ?? null;
    this.#known.delete(from);
    return before;
  }

  /** Another writer moved a pointer: the next look goes to the catalog. */
  forgetPointers(): void {
    this.#pointers.clear();
  }

  clear(): void {
    this.#known.clear();
  }
}

function remember<T>(known: Map<string, T>, key: string, value: T): void {
  known.set(key, value);
  if (known.size <= KNOWN) return;
  const [oldest] = known.keys();
  known.delete(oldest!);
}

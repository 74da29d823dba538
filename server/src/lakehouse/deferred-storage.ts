import type { Storage } from './storage.ts';

/**
 * A storage for one step whose files nobody is told of before it is done: what is created is durable after `settle`, and not
 * before. Where each of a dozen small files waits for the disk by itself, the step takes a dozen times as long as all at once.
 */
export class DeferredStorage implements Storage {
  readonly origin: Storage;
  #written: string[] = [];

  constructor(origin: Storage) {
    this.origin = origin;
  }

  async create(location: string, bytes: Uint8Array): Promise<void> {
    await this.origin.write(location, bytes);
    this.#written.push(location);
  }

  async sync(locations: readonly string[]): Promise<void> {
    this.#written.push(...locations);
  }

  /** @throws SluiceError STORAGE_*; then none of it may be relied on */
  async settle(): Promise<void> {
    const written = this.#written;
    this.#written = [];
    await this.origin.sync(written);
  }

  async remove(locations: readonly string[]): Promise<void> {
    this.#written = this.#written.filter((location) => !locations.includes(location));
    await this.origin.remove(locations);
  }

  join: Storage['join'] = (base, ...parts) => this.origin.join(base, ...parts);
  localPath: Storage['localPath'] = (location) => this.origin.localPath(location);
  location: Storage['location'] = (path) => this.origin.location(path);
  read: Storage['read'] = (location) => this.origin.read(location);
  write: Storage['write'] = (location, bytes) => this.origin.write(location, bytes);
  makeFolder: Storage['makeFolder'] = (location) => this.origin.makeFolder(location);
  list: Storage['list'] = (base) => this.origin.list(base);
}

/** What is remembered of a storage's files is remembered of this one. */
export function originOf(storage: Storage): Storage {
  return storage instanceof DeferredStorage ? storage.origin : storage;
}

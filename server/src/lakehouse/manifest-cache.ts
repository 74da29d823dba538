import { originOf } from './deferred-storage.ts';
import { decodeManifest, type ManifestEntry } from './manifest.ts';
import { decodeManifestList, type ManifestFile } from './manifest-list.ts';
import type { Storage } from './storage.ts';

/**
 * Manifests and manifest lists never change once written, and their names are never used again, so what was
 * read once is kept, by path. Least recently used ones go first. The bound is in bytes of the files; decoded
 * they take some ten times of that.
 */
const KEPT_BYTES = 8 * 1024 * 1024;

class ManifestCache {
  readonly #kept = new Map<string, { readonly value: Promise<unknown>; readonly bytes: number }>();
  #bytes = 0;

  get<T>(path: string, bytes: number, read: () => Promise<T>): Promise<T> {
    const known = this.#kept.get(path);
    if (known) {
      this.#kept.delete(path);
      this.#kept.set(path, known);
      return known.value as Promise<T>;
    }
    const value = read();
    this.#kept.set(path, { value, bytes });
    this.#bytes += bytes;
    value.catch(() => this.#forget(path));
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES || oldest === path) break;
      this.#forget(oldest);
    }
    return value;
  }

  #forget(path: string): void {
    const known = this.#kept.get(path);
    if (known && this.#kept.delete(path)) this.#bytes -= known.bytes;
  }
}

const caches = new WeakMap<Storage, ManifestCache>();

function cacheOf(storage: Storage): ManifestCache {
  const origin = originOf(storage);
  const known = caches.get(origin);
  if (known) return known;
  const cache = new ManifestCache();
  caches.set(origin, cache);
  return cache;
}

export function readManifest(storage: Storage, manifest: ManifestFile): Promise<readonly ManifestEntry[]> {
  return cacheOf(storage).get(manifest.path, manifest.bytes, async () =>
    decodeManifest(await storage.read(manifest.path), manifest),
  );
}

/** Keeps what was written as if it had been read. */
export function keepManifest(storage: Storage, manifest: ManifestFile, bytes: Buffer): void {
  void cacheOf(storage).get(manifest.path, manifest.bytes, async () => decodeManifest(bytes, manifest));
}

export function keepManifestList(storage: Storage, location: string, bytes: Buffer): void {
  void cacheOf(storage).get(location, LIST_BYTES, async () => decodeManifestList(bytes, location));
}

/** A list's size is not known before it is read; a line takes about 100 bytes, and lists are short. */
const LIST_BYTES = 4096;

export function readManifestList(storage: Storage, location: string): Promise<readonly ManifestFile[]> {
  return cacheOf(storage).get(location, LIST_BYTES, async () =>
    decodeManifestList(await storage.read(location), location),
  );
}

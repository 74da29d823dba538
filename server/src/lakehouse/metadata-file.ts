import { randomUUID } from 'node:crypto';
import { SluiceError } from '@sluice/contract';
import { originOf } from './deferred-storage.ts';
import { parseJson, printJson } from './json.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';
import type { Storage } from './storage.ts';

/**
 * Earlier metadata files that a table's log names, and that are kept: so many, or more where they were replaced so
 * lately that a reader who has just learnt of one may not have opened it, but no more than Iceberg's default
 * (write.metadata.previous-versions-max). A table that is committed to every few seconds would keep megabytes that
 * nobody reads.
 */
const LOGGED_VERSIONS = 20;
const LOGGED_MS = 30_000;
const MOST_LOGGED = 100;

/**
 * Writes the next metadata file of a table, durably: `<location>/metadata/<n>-<uuid>.metadata.json`, n one more
 * than that of `previousLocation`.
 * @returns the metadata as it stands in the file, with the previous file in its metadata log
 * @throws SluiceError STORAGE_*
 */
export async function writeMetadata(
  storage: Storage,
  metadata: TableMetadata,
  previousLocation: string | null,
): Promise<{ readonly location: string; readonly metadata: TableMetadata }> {
  const written = previousLocation === null ? metadata : await logged(storage, metadata, previousLocation);
  const version = previousLocation === null ? 0 : versionOf(previousLocation) + 1;
  const name = `${String(version).padStart(5, '0')}-${randomUUID()}.metadata.json`;
  const location = storage.join(metadata.location, 'metadata', name);
  await storage.create(location, Buffer.from(printMetadata(written)));
  remember(storage, location, written['last-updated-ms']);
  return { location, metadata: written };
}

/** Of a snapshot, which never changes and stands in hundreds of files. */
const PRINTED = new WeakMap<Snapshot, string>();

function printMetadata({ snapshots, ...rest }: TableMetadata): string {
  const texts = snapshots.map((snapshot) => {
    const text = PRINTED.get(snapshot) ?? printJson(snapshot);
    PRINTED.set(snapshot, text);
    return text;
  });
  return `${printJson(rest).slice(0, -1)},"snapshots":[${texts.join(',')}]}`;
}

async function logged(storage: Storage, metadata: TableMetadata, previous: string): Promise<TableMetadata> {
  const updated = known(storage).get(previous) ?? (await readMetadata(storage, previous))['last-updated-ms'];
  const log = [...metadata['metadata-log'], { 'metadata-file': previous, 'timestamp-ms': updated }];
  const since = metadata['last-updated-ms'] - LOGGED_MS;
  const lately = log.filter((entry) => entry['timestamp-ms'] >= since).length;
  const kept = Math.min(Math.max(LOGGED_VERSIONS, lately), MOST_LOGGED);
  return { ...metadata, 'metadata-log': log.slice(-kept) };
}

/** Other writers count from other names (`v3.metadata.json`); then ours begin again at 1, which is as good. */
function versionOf(location: string): number {
  return Number(/\/(\d{1,9})-[^/]*$/.exec(location)?.[1] ?? 0);
}

/** @throws SluiceError STORAGE_FAILED where there is no such file or it is no metadata of versions 1 to 3 */
export async function readMetadata(storage: Storage, location: string): Promise<TableMetadata> {
  const bytes = await storage.read(location);
  const metadata = normal(parse(bytes, location), location);
  remember(storage, location, metadata['last-updated-ms']);
  return metadata;
}

function parse(bytes: Buffer, location: string): unknown {
  try {
    return parseJson(bytes.toString());
  } catch (error) {
    throw new SluiceError('STORAGE_FAILED', `${location} is not valid JSON.`, { cause: error });
  }
}

type Raw = { readonly [K in keyof TableMetadata]?: TableMetadata[K] } & {
  readonly schema?: TableMetadata['schemas'][number];
};

/** Fields that writers may leave out (spec section "Table Metadata Fields") get their default here, once. */
function normal(value: unknown, location: string): TableMetadata {
  const raw = value as Raw;
  const version = raw?.['format-version'];
  if (
    (version !== 1 && version !== 2 && version !== 3) ||
    !raw.schemas ||
    !raw.location ||
    !raw['table-uuid']
  )
    throw new SluiceError('STORAGE_FAILED', `${location} is not Iceberg table metadata.`);
  const head = raw['current-snapshot-id'];
  const current = head === undefined || head === -1 ? null : head;
  return {
    ...(raw as TableMetadata),
    'last-sequence-number': raw['last-sequence-number'] ?? 0,
    properties: raw.properties ?? {},
    'partition-specs': raw['partition-specs'] ?? [{ 'spec-id': 0, fields: [] }],
    'default-spec-id': raw['default-spec-id'] ?? 0,
    'last-partition-id': raw['last-partition-id'] ?? 999,
    'sort-orders': raw['sort-orders'] ?? [{ 'order-id': 0, fields: [] }],
    'default-sort-order-id': raw['default-sort-order-id'] ?? 0,
    'current-snapshot-id': current,
    refs: raw.refs ?? (current === null ? {} : { main: { 'snapshot-id': current, type: 'branch' } }),
    snapshots: raw.snapshots ?? [],
    'snapshot-log': raw['snapshot-log'] ?? [],
    'metadata-log': raw['metadata-log'] ?? [],
  };
}

/**
 * When the metadata files that were last seen were made: the next file's log tells it. A running task writes a
 * table's files one after the other, so it is not read again for each.
 */
const seen = new WeakMap<Storage, Map<string, number>>();
const SEEN_KEPT = 4096;

function known(storage: Storage): Map<string, number> {
  const origin = originOf(storage);
  const map = seen.get(origin) ?? new Map<string, number>();
  seen.set(origin, map);
  return map;
}

function remember(storage: Storage, location: string, updatedMs: number): void {
  const map = known(storage);
  if (map.size >= SEEN_KEPT) map.clear();
  map.set(location, updatedMs);
}

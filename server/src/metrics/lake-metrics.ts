import type { Catalog } from '../lakehouse/catalog.ts';
import type { TableMetadata } from '../lakehouse/metadata.ts';
import { readMetadata } from '../lakehouse/metadata-file.ts';
import { type TableInfo, tableInfo } from '../lakehouse/query/table-info.ts';
import type { Storage } from '../lakehouse/storage.ts';
import { tableText } from '../model/table.ts';
import type { Instruments } from './instruments.ts';

interface Known {
  readonly location: string;
  readonly sequence: number;
  readonly info: TableInfo;
  readonly snapshots: number;
}

/** What Iceberg's own metadata says of the tables. A metadata file never changes, so each is read once. */
export class LakeMetrics {
  readonly #metrics: Instruments['lake'];
  readonly #catalog: Catalog;
  readonly #storage: Storage;
  readonly #known = new Map<string, Known>();

  constructor(metrics: Instruments['lake'], catalog: Catalog, storage: Storage) {
    this.#metrics = metrics;
    this.#catalog = catalog;
    this.#storage = storage;
  }

  async show(tableLimit: number): Promise<void> {
    const { rows, bytes, files, snapshots } = this.#metrics;
    const tables = (await this.#catalog.tables()).slice(0, tableLimit);
    const present = new Set<string>();
    for (const { name, metadataLocation } of tables) {
      const table = tableText(name);
      present.add(table);
      if (this.#known.get(table)?.location === metadataLocation) continue;
      try {
        this.#learn(table, metadataLocation, await readMetadata(this.#storage, metadataLocation), name);
      } catch {
        // It was moved on and its old metadata removed since; the next scrape finds the newer one.
      }
    }
    for (const gauge of [rows, bytes, files, snapshots]) gauge.reset();
    for (const [table, known] of this.#known) {
      if (!present.has(table)) {
        this.#forget(table);
        continue;
      }
      const { info } = known;
      if (info.rows !== null) rows.set({ table }, info.rows);
      if (info.bytes !== null) bytes.set({ table }, info.bytes);
      if (info.dataFiles !== null) files.set({ table, content: 'data' }, info.dataFiles);
      if (info.deleteFiles !== null) files.set({ table, content: 'delete' }, info.deleteFiles);
      snapshots.set({ table }, known.snapshots);
    }
  }

  #learn(
    table: string,
    location: string,
    metadata: TableMetadata,
    name: { schema: string; table: string },
  ): void {
    const before = this.#known.get(table);
    const sequence = metadata['last-sequence-number'];
    // A table that is seen for the first time has a past that nobody watched.
    const since = before === undefined ? sequence : Math.min(before.sequence, sequence);
    for (const snapshot of metadata.snapshots) {
      if (snapshot['sequence-number'] <= since) continue;
      this.#metrics.writtenBytes.inc({ table }, Number(snapshot.summary['added-files-size'] ?? 0));
      if (snapshot.summary.operation === 'replace') this.#metrics.compactions.inc({ table });
    }
    if (before === undefined) {
      this.#metrics.writtenBytes.inc({ table }, 0);
      this.#metrics.compactions.inc({ table }, 0);
    }
    const info = tableInfo(name, metadata);
    this.#known.set(table, { location, sequence, info, snapshots: metadata.snapshots.length });
  }

  #forget(table: string): void {
    this.#known.delete(table);
    this.#metrics.writtenBytes.remove({ table });
    this.#metrics.compactions.remove({ table });
  }
}

/**
 * A data file or a position-delete file as manifests describe it (spec section "Manifests", struct data_file).
 * Bounds are in Iceberg's single-value binary form (spec appendix D), by field id.
 */
export interface ContentFile {
  readonly content: 'data' | 'position-deletes' | 'equality-deletes';
  /** The file's location as written in manifests and in delete files' file_path: file:///… */
  readonly path: string;
  readonly records: number;
  readonly bytes: number;
  readonly columnSizes: ReadonlyMap<number, number>;
  readonly valueCounts: ReadonlyMap<number, number>;
  readonly nullCounts: ReadonlyMap<number, number>;
  readonly nanCounts: ReadonlyMap<number, number>;
  readonly lowerBounds: ReadonlyMap<number, Uint8Array>;
  readonly upperBounds: ReadonlyMap<number, Uint8Array>;
  /** Delete files only: the one data file that all positions lie in; null: several. */
  readonly referencedDataFile: string | null;
}

/** A file of a snapshot with the sequence number that decides which deletes hit which data. */
export interface LiveFile extends ContentFile {
  /** Data sequence number; a position delete hits data files of the same or a smaller one. */
  readonly sequence: number;
}

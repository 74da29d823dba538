import type { Lake, TableComparison } from './comparison.ts';
import type { WriterCounts } from './writers.ts';

export type SourceKind = 'postgres' | 'mysql' | 'mariadb';

/** The demo's shop in a real database, whichever it is. */
export interface Shop extends AsyncDisposable {
  /** For people: PostgreSQL 18. */
  readonly title: string;
  /** How the mirror reaches it. */
  readonly connection: {
    readonly type: SourceKind;
    readonly host: string;
    readonly port: number;
    readonly username: string;
    readonly password: string;
    readonly database: string;
  };
  /** The schema of its tables in the lake. */
  readonly schema: string;
  /** Makes and fills the database, unless an earlier start did. @returns its rows, or null where it was there */
  fill(): Promise<number | null>;
  /** Lets the shop live until the signal aborts; resolves when the last transaction has ended. */
  write(counts: WriterCounts, signal: AbortSignal): Promise<void>;
  /** `report` is called with each table as soon as it is compared. */
  compare(lake: Lake, report: (result: TableComparison) => void): Promise<readonly TableComparison[]>;
}

/** Starts the server of an earlier start, or a new one, with its data under `home`. */
export interface ShopOptions {
  /** The folder of package.json. */
  readonly root: string;
  readonly home: string;
  /** Forget what an earlier start left. */
  readonly fresh: boolean;
}

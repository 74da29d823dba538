import type { SourceRegistry } from '../sources/registry.ts';
import type { DataDir } from '../store/data-dir.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import type { Sealer } from '../store/secrets.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Supervisor } from './supervisor.ts';

/** What the operations of the control plane work with. */
export interface Control {
  readonly db: MetastoreDb;
  readonly dataDir: DataDir;
  readonly sealer: Sealer;
  readonly sources: SourceRegistry;
  readonly supervisor: Supervisor;
  readonly log: Logger;
  readonly startedAt: number;
}

export const isoTime = (ms: number): string => new Date(ms).toISOString();
export const isoTimeOrNull = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));

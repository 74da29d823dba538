import type { Logger } from 'pino';
import type { Engine } from '../../lakehouse/duckdb/engine.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import type { Upkeep } from './upkeep.ts';

export interface UpkeepOptions {
  readonly storage: Storage;
  readonly engine: Engine;
  readonly targetBytes: number;
  readonly log: Logger;
}

export function openUpkeep(_options: UpkeepOptions): Upkeep {
  return {
    finish: async (_table, metadata) => metadata,
    committed: () => {},
    stop: async () => {},
  };
}

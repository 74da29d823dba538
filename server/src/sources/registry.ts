import { DS_TYPES, type DsTypeWord, dsTypeWord, SluiceError } from '@sluice/contract';
import { discreet } from './discreet.ts';
import { mysqlAdmin } from './mysql/admin.ts';
import { postgresAdmin } from './postgres/admin.ts';
import type { SourceAdmin } from './source.ts';

/** Which code reads which kind of data source (`ds_type`). */
export type SourceRegistry = ReadonlyMap<number, SourceAdmin>;

export const SOURCES: SourceRegistry = new Map([
  [DS_TYPES.postgres, postgresAdmin],
  [DS_TYPES['aurora-postgres'], postgresAdmin],
  [DS_TYPES['polardb-postgres'], postgresAdmin],
  [DS_TYPES.mysql, mysqlAdmin],
  [DS_TYPES['polardb-mysql'], mysqlAdmin],
  [DS_TYPES['aurora-mysql'], mysqlAdmin],
  [DS_TYPES.mariadb, mysqlAdmin],
]);

/** @throws SluiceError INVALID_REQUEST for a kind that this version cannot read */
export function sourceAdmin(sources: SourceRegistry, dsType: number): SourceAdmin {
  const admin = sources.get(dsType);
  if (admin !== undefined) return discreet(admin);
  throw new SluiceError(
    'INVALID_REQUEST',
    `Data sources of type ${dsTypeWord(dsType) ?? dsType} cannot be read yet.`,
    {
      remedy: `Choose among ${[...sources.keys()].map((code) => dsTypeWord(code)).join(', ')}.`,
    },
  );
}

export function isReadable(sources: SourceRegistry, word: DsTypeWord): boolean {
  return sources.has(DS_TYPES[word]);
}

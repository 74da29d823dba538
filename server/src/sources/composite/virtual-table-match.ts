import { type MergeSpec, SluiceError, type VirtualTable } from '@sluice/contract';
import { type ShardMatch, shardMatch } from '../../model/merge/shard-match.ts';

export interface MatchedTable {
  readonly table: VirtualTable;
  readonly match: ShardMatch;
}

/** Which source tables belong to which virtual table of a merge: of its data sources, and of the databases they name. */
export function virtualTables({ sources, virtualTables }: MergeSpec): readonly MatchedTable[] {
  const named = new Map(sources.map(({ server, databases }) => [server, new Set(databases)]));
  const looksAt = (server: string, database: string): boolean => {
    const databases = named.get(server);
    return databases !== undefined && (databases.size === 0 || databases.has(database));
  };
  return virtualTables.map((table) => {
    const chosen = choiceOf(table);
    return {
      table,
      match: {
        has: (shard) => looksAt(shard.server, shard.database) && chosen.has(shard),
        mayHold: (server, database) => looksAt(server, database) && chosen.mayHold(server, database),
      },
    };
  });
}

/** Patterns were compiled once before they were saved. */
function choiceOf({ name, shards }: VirtualTable): ShardMatch {
  const match = shardMatch(
    shards.by === 'rules'
      ? shards
      : {
          by: 'tables',
          tables: shards.tables.map((shard) => ({ ...shard, schema: shard.schema ?? shard.database })),
        },
  );
  if ('troubles' in match)
    throw new SluiceError('INVALID_REQUEST', `The patterns of ${name} cannot be read any more.`);
  return match;
}

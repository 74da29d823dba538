import {
  DS_TYPES,
  MergeSpec,
  type MergeSpecInput,
  type ShardName,
  SluiceError,
  type VirtualTable,
} from '@sluice/contract';
import type { z } from 'zod';
import { shardMatch } from '../../model/merge/shard-match.ts';
import type { MetastoreDb } from '../../store/open-metastore.ts';
import { findNamed } from '../references.ts';
import { readVirtualTables } from './virtual-table-file.ts';

/** Servers whose databases are their schemas. */
export const WITHOUT_SCHEMAS: ReadonlySet<number> = new Set([
  DS_TYPES.mysql,
  DS_TYPES.mariadb,
  DS_TYPES['aurora-mysql'],
  DS_TYPES['polardb-mysql'],
]);

/**
 * A merge as it is saved: data sources by id, what an uploaded file says taken in, every pattern one that compiles.
 * Nothing is connected to.
 * @throws SluiceError NOT_FOUND (data source), INVALID_REQUEST
 */
export async function resolveMerge(
  db: MetastoreDb,
  input: z.output<typeof MergeSpecInput>,
): Promise<MergeSpec> {
  const { virtualTableFile: file, ...rest } = input;
  const sources = [];
  const types = new Map<string, number>();
  for (const source of input.sources) {
    const { id, name, ds_type } = await findNamed(db, 'data_sources', source.dataSource);
    const server = source.server ?? name;
    sources.push({ ...source, dataSource: id, server });
    types.set(server, ds_type);
  }
  const given =
    file === undefined ? input.virtualTables : [...input.virtualTables, ...readVirtualTables(file)];
  const spec = parsed({ ...rest, sources, virtualTables: given });
  const virtualTables = spec.virtualTables.map((table) => withSchemas(table, types));
  for (const table of virtualTables) refuseBadPatterns(table);
  return { ...spec, virtualTables };
}

/** What a caller sent was looked at already; what a file holds, and what comes of both together, was not. */
function parsed(spec: unknown): MergeSpec {
  const { success, data, error } = MergeSpec.safeParse(spec);
  if (success) return data;
  const said = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new SluiceError('INVALID_REQUEST', said.join('; '));
}

/** Named source tables in full. */
function withSchemas(table: VirtualTable, types: ReadonlyMap<string, number>): VirtualTable {
  if (table.shards.by === 'rules') return table;
  const full = (shard: ShardName): ShardName => {
    const type = types.get(shard.server);
    const text = `${shard.server}, ${shard.database}, ${shard.table}`;
    if (type === undefined)
      throw invalid(table, `names the source table ${text}, and no data source of the task is called so`, {
        remedy: `Name one of ${[...types.keys()].join(', ')}.`,
      });
    if (WITHOUT_SCHEMAS.has(type)) {
      if (shard.schema !== undefined && shard.schema !== shard.database)
        throw invalid(table, `names the source table ${text} with the schema ${shard.schema}`, {
          remedy: 'Leave the schema out: a database of MySQL or MariaDB has none.',
        });
      return { ...shard, schema: shard.database };
    }
    if (shard.schema === undefined)
      throw invalid(table, `names the source table ${text} without its schema`, {
        remedy: 'Name the schema too, such as public.',
      });
    return shard;
  };
  return { ...table, shards: { by: 'tables', tables: table.shards.tables.map(full) } };
}

function refuseBadPatterns(table: VirtualTable): void {
  if (table.shards.by === 'tables') return;
  const match = shardMatch(table.shards);
  if (!('troubles' in match)) return;
  const [first] = match.troubles;
  throw invalid(
    table,
    `has the pattern ${JSON.stringify(first!.pattern)} for ${first!.part} in rule ${first!.rule + 1}, which cannot be read: ${first!.error}`,
    {
      remedy:
        'Write it in the syntax of RE2 (no look-around, no backreferences); it has to match the whole name.',
    },
  );
}

function invalid(table: VirtualTable, what: string, options: { readonly remedy: string }): SluiceError {
  return new SluiceError(
    'INVALID_REQUEST',
    `The virtual table ${JSON.stringify(table.name)} ${what}.`,
    options,
  );
}

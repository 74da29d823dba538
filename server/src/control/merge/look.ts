import { type MergeSpec, type Problem, parseParameters, SluiceError } from '@sluice/contract';
import type { Shard } from '../../model/merge/shard.ts';
import type { ShardMatch } from '../../model/merge/shard-match.ts';
import { sourceAdmin } from '../../sources/registry.ts';
import type { DiscoveredTable, ReadingOptions } from '../../sources/source.ts';
import { readConnection } from '../../store/connections.ts';
import type { Control } from '../context.ts';

/** A source table that could be a shard. */
export interface Candidate {
  readonly shard: Shard;
  readonly table: DiscoveredTable;
}

export interface SeenDatabase {
  readonly name: string;
  readonly candidates: readonly Candidate[];
  readonly error: Problem | null;
}

export interface SeenSource {
  readonly server: string;
  readonly dataSource: number;
  /** Those that a virtual table could have shards in. */
  readonly databases: readonly SeenDatabase[];
  readonly error: Problem | null;
}

type MergeSource = MergeSpec['sources'][number];

/** Databases of one server that are read at a time: each is a connection. */
const AT_ONCE = 4;

/**
 * What the servers of a merge have, as far as a virtual table could have shards there. A server or a database that
 * cannot be read is said to be so, and the others are looked at all the same.
 */
export async function lookAt(
  control: Control,
  spec: MergeSpec,
  matches: readonly ShardMatch[],
  signal: AbortSignal,
): Promise<readonly SeenSource[]> {
  const { tinyint1, time, unloggedCascades } = parseParameters(spec.parameters);
  const reading = { tinyint1, time, unloggedCascades };
  return Promise.all(spec.sources.map((source) => lookAtServer(control, source, matches, reading, signal)));
}

async function lookAtServer(
  control: Control,
  source: MergeSource,
  matches: readonly ShardMatch[],
  reading: ReadingOptions,
  signal: AbortSignal,
): Promise<SeenSource> {
  const { server, dataSource } = source;
  const found = await orProblem(async () => {
    if (source.databases.length > 0) return source.databases;
    const { dsType, connection } = await readConnection(control.db, control.sealer, dataSource, null);
    return sourceAdmin(control.sources, dsType).catalogs(connection, signal);
  }, signal);
  if ('problem' in found) return { server, dataSource, databases: [], error: found.problem };
  const queue = found.value.filter((name) => matches.some((match) => match.mayHold(server, name)));
  const names = [...queue];
  const seen = new Map<string, SeenDatabase>();
  const worker = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift())
      seen.set(name, await lookAtDatabase(control, source, name, reading, signal));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { server, dataSource, databases: names.map((name) => seen.get(name)!), error: null };
}

async function lookAtDatabase(
  control: Control,
  { server, dataSource }: MergeSource,
  name: string,
  reading: ReadingOptions,
  signal: AbortSignal,
): Promise<SeenDatabase> {
  const found = await orProblem(async () => {
    const { dsType, connection } = await readConnection(control.db, control.sealer, dataSource, name);
    return sourceAdmin(control.sources, dsType).objects(connection, signal, reading);
  }, signal);
  if ('problem' in found) return { name, candidates: [], error: found.problem };
  const candidates = found.value.map((table) => ({
    shard: { server, database: name, ...table.schema.name },
    table,
  }));
  return { name, candidates, error: null };
}

/** A trouble of the source is an answer; one of ours, or a caller that has gone, is none. */
async function orProblem<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<{ readonly value: T } | { readonly problem: Problem }> {
  try {
    return { value: await work() };
  } catch (error) {
    const trouble = SluiceError.from(error);
    if (signal.aborted || !/^(SOURCE|PG|MYSQL)_/.test(trouble.code)) throw error;
    return { problem: trouble.toBody().error };
  }
}

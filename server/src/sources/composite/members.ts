import { createHash } from 'node:crypto';
import { DS_TYPES, type MergeSpec } from '@sluice/contract';
import { type SourceRegistry, sourceAdmin } from '../registry.ts';
import type { Connection, SourceAdmin } from '../source.ts';
import { memberLabel } from './member-label.ts';
import { virtualTables } from './virtual-table-match.ts';

/** One log that a merge reads. */
export interface MergeMember {
  readonly label: string;
  readonly dsType: number;
  readonly admin: SourceAdmin;
  readonly connection: Connection;
  /** The task's name there: databases of one server may not share it (PostgreSQL: a slot is the server's). */
  readonly taskKey: string;
}

export function memberTaskKey(taskKey: string, label: string): string {
  return `${taskKey}_${createHash('sha256').update(label).digest('hex').slice(0, 6)}`;
}

/** Servers whose one log tells of all their databases. */
const ONE_LOG: ReadonlySet<number> = new Set([
  DS_TYPES.mysql,
  DS_TYPES.mariadb,
  DS_TYPES['aurora-mysql'],
  DS_TYPES['polardb-mysql'],
]);

/**
 * The logs in which shards of a merge may be. Where a data source does not name its databases, those that its server
 * has now and that a rule could match.
 * @throws SluiceError NOT_FOUND, SOURCE_*
 */
export async function mergeMembers(
  {
    sources,
    connectionOf,
  }: {
    readonly sources: SourceRegistry;
    readonly connectionOf: (
      dataSource: number,
    ) => Promise<{ readonly dsType: number; readonly connection: Connection }>;
  },
  spec: MergeSpec,
  taskKey: string,
  signal: AbortSignal,
  /** Databases to take a server to have that cannot be asked, and why it cannot. @throws where nothing is known of it */
  otherwise: (server: string, error: unknown) => readonly string[] = (_, error) => {
    throw error;
  },
): Promise<readonly MergeMember[]> {
  const tables = virtualTables(spec);
  const members: MergeMember[] = [];
  for (const { dataSource, server, databases } of spec.sources) {
    const { dsType, connection } = await connectionOf(dataSource);
    const admin = sourceAdmin(sources, dsType);
    const member = (database: string | null): MergeMember => {
      const label = memberLabel({ server, database });
      return {
        label,
        dsType,
        admin,
        // A data source's own database is where its users look first, no limit of what its server has.
        connection: { ...connection, database: database ?? '' },
        taskKey: memberTaskKey(taskKey, label),
      };
    };
    if (ONE_LOG.has(dsType)) {
      members.push(member(null));
      continue;
    }
    const named =
      databases.length > 0
        ? databases
        : await admin.catalogs(connection, signal).catch((error: unknown) => otherwise(server, error));
    for (const database of named)
      if (tables.some(({ match }) => match.mayHold(server, database))) members.push(member(database));
  }
  return members;
}

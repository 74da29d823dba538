import { SluiceError } from '@sluice/contract';
import { type TableName, tableKey, tableText } from '../../model/table.ts';
import type { LoadedTable, PointerMove } from '../catalog.ts';
import type { TableMetadata } from '../metadata.ts';
import { writeMetadata } from '../metadata-file.ts';
import { unmet } from '../metadata-requirement.ts';
import { applyUpdates } from '../metadata-update.ts';
import { EMPTY_TABLE } from '../table-metadata.ts';
import { badRequest, CatalogRefusal, commitFailed, noSuchNamespace, noSuchTable } from './answer.ts';
import type { CommitSteps } from './bodies.ts';
import { requireWhole } from './create.ts';
import { type RestCatalogOptions, requireInside } from './options.ts';

export interface TableCommit extends CommitSteps {
  readonly name: TableName;
}

/** A client's requirements may hold as well on what another writer has made of the table meanwhile. */
const ATTEMPTS = 4;

/**
 * Commits to several tables at once: all, or none.
 * @throws CatalogRefusal 409 where a requirement does not hold or other writers are always faster
 */
export async function commitTables(
  options: RestCatalogOptions,
  commits: readonly TableCommit[],
): Promise<readonly LoadedTable[]> {
  if (new Set(commits.map((commit) => tableKey(commit.name))).size !== commits.length)
    throw badRequest('A table can be named once in a transaction.');
  for (let attempt = 1; ; attempt++) {
    const steps = await beforeTheCommit(() => Promise.all(commits.map((commit) => prepare(options, commit))));
    try {
      await options.catalog.commit(steps.flatMap(({ move }) => (move ? [move] : [])));
      return steps.map(({ table }) => table);
    } catch (error) {
      const lost = steps.flatMap(({ move }) => (move ? [move.to] : []));
      if (isKnownFailure(error)) await options.storage.remove(lost).catch(() => undefined);
      if (!(error instanceof SluiceError) || error.code !== 'COMMIT_CONFLICT') throw afterTheCommit(error);
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

interface Step {
  readonly table: LoadedTable;
  /** null: the updates change nothing. */
  readonly move: PointerMove | null;
}

async function prepare(options: RestCatalogOptions, commit: TableCommit): Promise<Step> {
  const { name, requirements, updates } = commit;
  const before = await options.catalog.load(name);
  const creates = requirements.some((requirement) => requirement.type === 'assert-create');
  if (before === null && !creates) throw noSuchTable(tableText(name));
  if (before === null && (await options.catalog.namespaceProperties(name.schema)) === null)
    throw noSuchNamespace(name.schema);
  for (const requirement of requirements) {
    const why = unmet(requirement, before?.metadata ?? null);
    if (why !== null) throw commitFailed(`Requirement failed: ${why}`);
  }
  await leaveMergesAlone(options, commit);
  const base = before?.metadata ?? EMPTY_TABLE;
  const after = applyUpdates(base, updates, Date.now());
  if (before !== null && after === base) return { table: before, move: null };
  if (before === null) requireWhole(after);
  requireFilesInside(options, base, after);
  const from = before?.metadataLocation ?? null;
  const { location, metadata } = await writeMetadata(options.storage, after, from);
  return {
    table: { name, metadata, metadataLocation: location },
    move: { name, from, to: location, uuid: metadata['table-uuid'] },
  };
}

/**
 * A sharded-table merge makes its table's snapshots of the files of its lines: it would take another writer's rows back,
 * or list files that this writer has rewritten and removed. Asking again would not help, so it is no conflict.
 */
async function leaveMergesAlone(options: RestCatalogOptions, { name, updates }: TableCommit): Promise<void> {
  const rows = updates.some(
    (update) =>
      update.action === 'add-snapshot' ||
      (update.action === 'set-snapshot-ref' && update['ref-name'] === 'main'),
  );
  if (rows && (await options.catalog.lines(name)).length > 0)
    throw badRequest(
      `A sharded-table merge keeps the table ${tableText(name)}, and nobody else can write rows of it. ` +
        'Undeploy the merge first; then the table is an ordinary one.',
    );
}

function requireFilesInside(options: RestCatalogOptions, base: TableMetadata, after: TableMetadata): void {
  if (after.location !== base.location) requireInside(options, after.location);
  for (const snapshot of after.snapshots)
    if (!base.snapshots.includes(snapshot)) requireInside(options, snapshot['manifest-list']);
}

/** Nothing has been committed yet, so no failure may look like one whose outcome is not known. */
async function beforeTheCommit<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CatalogRefusal) throw error;
    const { code, message } = SluiceError.from(error);
    if (code === 'INVALID_REQUEST' || code === 'TABLE_SCHEMA') throw badRequest(message);
    throw commitFailed(`Nothing was committed: ${message} (${code})`);
  }
}

/** A metastore that is busy was not written; what else went wrong in it may have been the answer only. */
function isKnownFailure(error: unknown): boolean {
  return (
    error instanceof SluiceError && (error.code === 'COMMIT_CONFLICT' || error.code === 'METASTORE_BUSY')
  );
}

function afterTheCommit(error: unknown): Error {
  if (isKnownFailure(error)) return commitFailed(`Nothing was committed: ${(error as Error).message}`);
  return new CatalogRefusal(500, 'CommitStateUnknownException', SluiceError.from(error).message);
}

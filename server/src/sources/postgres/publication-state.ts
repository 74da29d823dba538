import { SluiceError } from '@sluice/contract';
import { type TableName, tableKey } from '../../model/table.ts';
import type { Session } from './connect.ts';
import { partitionTree } from './partition-tree.ts';
import { quoteTable } from './quote.ts';

export interface PublicationState {
  readonly viaRoot: boolean;
  readonly all: boolean;
  /** Stored generated columns are in the log (PostgreSQL 18). */
  readonly generated: boolean;
}

export interface Member {
  readonly oid: string;
  readonly name: TableName;
  /** Has a column list or a row filter, so that not the whole table is in the log. */
  readonly partial: boolean;
}

export interface NotPublished {
  readonly name: TableName;
  readonly message: string;
}

export async function readPublication(session: Session, name: string): Promise<PublicationState | null> {
  const generated = session.version >= 180_000 ? "pubgencols = 's'" : 'false';
  const [row] = await session.rows<PublicationState & Record<string, unknown>>(
    `SELECT pubviaroot AS "viaRoot", pubinsert AND pubupdate AND pubdelete AND pubtruncate AS "all",
            ${generated} AS generated
       FROM pg_publication WHERE pubname = $1`,
    [name],
  );
  return row ?? null;
}

/** Whether it is as we make them. An administrator's is taken as it is, and its tables are looked at one by one. */
export function isWhole(state: PublicationState): boolean {
  return state.all && state.viaRoot;
}

/** A publication of an administrator is not changed: says which of the tables it does not hold whole. */
export async function checkTables(
  session: Session,
  publication: string,
  tables: readonly TableName[],
): Promise<readonly NotPublished[]> {
  const state = await readPublication(session, publication);
  if (!state) throw new SluiceError('PG_PUBLICATION_MISSING', `publication ${publication} does not exist`);
  const members = new Map(
    (await membersOf(session, publication)).map((member) => [tableKey(member.name), member]),
  );
  const partitioned = new Set(
    (
      await session.rows<{ schema: string; name: string }>(
        `SELECT n.nspname::text AS schema, c.relname::text AS name
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'p'`,
      )
    ).map((row) => tableKey({ schema: row.schema, table: row.name })),
  );
  const refused: NotPublished[] = [];
  for (const name of tables) {
    const member = members.get(tableKey(name));
    const refuse = (why: string): void => {
      refused.push({ name, message: `${quoteTable(name)}: publication ${publication} ${why}` });
    };
    if (!state.all) refuse('does not publish all of insert, update, delete and truncate');
    else if (partitioned.has(tableKey(name)) && !state.viaRoot)
      refuse('has publish_via_partition_root off, so that a partitioned table is not in it as one table');
    else if (!member) refuse('does not hold the table');
    else if (member.partial) refuse('holds the table with a column list or a row filter only');
  }
  return refused;
}

/**
 * The tables (oid) of which every change is in the log by this publication; of an administrator's that does not publish
 * every change, none. @throws SluiceError PG_PUBLICATION_MISSING
 */
export async function readMembers(
  session: Session,
  publication: string,
  own: boolean,
): Promise<ReadonlySet<string>> {
  const state = await readPublication(session, publication);
  if (!state)
    throw new SluiceError('PG_PUBLICATION_MISSING', `publication ${publication} does not exist any more`);
  if (own && !isWhole(state))
    throw new SluiceError(
      'PG_PUBLICATION_MISSING',
      `publication ${publication} was altered and does not publish every change any more`,
    );
  if (!state.all) return new Set();
  const members = own ? await namedTables(session, publication) : await membersOf(session, publication);
  return new Set(members.filter((member) => !member.partial).map((member) => member.oid));
}

/** The tables that a publication of ours names. */
export async function namedTables(session: Session, publication: string): Promise<readonly Member[]> {
  const rows = await session.rows<MemberRow>(
    `SELECT c.oid::text, n.nspname::text AS schema, c.relname::text AS name, ${isPartial(session)} AS partial
       FROM pg_publication p
       JOIN pg_publication_rel r ON r.prpubid = p.oid
       JOIN pg_class c ON c.oid = r.prrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE p.pubname = $1`,
    [publication],
  );
  return rows.map(memberOf);
}

/**
 * The tables whose changes come under their own name. The view pg_publication_tables says the same, and locks every table for
 * it: whoever asks it waits for a VACUUM FULL of one of them. A publication via partition roots has a partition under its
 * root's name, if that is in it too; any other has a partitioned table under the names of its partitions.
 */
export async function membersOf(session: Session, publication: string): Promise<readonly Member[]> {
  const publishable = "c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND c.oid >= 16384";
  const ofSchemas = `UNION SELECT c.oid FROM publication
      JOIN pg_publication_namespace s ON s.pnpubid = publication.oid
      JOIN pg_class c ON c.relnamespace = s.pnnspid AND ${publishable}`;
  const partial = `EXISTS (SELECT FROM pg_publication_rel r JOIN publication ON r.prpubid = publication.oid
      WHERE r.prrelid = c.oid AND ${isPartial(session)})`;
  const below = (further: string): string =>
    `SELECT tree.oid FROM publication, named, LATERAL ${partitionTree('named.oid')} tree WHERE ${further}`;
  const rows = await session.rows<MemberRow>(
    `WITH publication AS (SELECT oid, puballtables, pubviaroot FROM pg_publication WHERE pubname = $1),
     named AS (
       SELECT r.prrelid AS oid FROM publication JOIN pg_publication_rel r ON r.prpubid = publication.oid
       UNION SELECT c.oid FROM publication JOIN pg_class c ON publication.puballtables AND ${publishable}
       ${hasFilters(session) ? ofSchemas : ''}),
     members AS (
       (SELECT named.oid FROM publication, named WHERE publication.pubviaroot
        EXCEPT ${below('publication.pubviaroot AND tree.oid <> named.oid')})
       UNION ${below('NOT publication.pubviaroot')})
     SELECT c.oid::text, n.nspname::text AS schema, c.relname::text AS name, ${partial} AS partial
       FROM publication, members JOIN pg_class c ON c.oid = members.oid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE publication.pubviaroot OR c.relkind = 'r'`,
    [publication],
  );
  return rows.map(memberOf);
}

/** Schemas, column lists and row filters exist from version 15 on. */
function hasFilters({ version }: Session): boolean {
  return version >= 150_000;
}

/** Of a row r of pg_publication_rel. */
function isPartial(session: Session): string {
  return hasFilters(session) ? '(r.prattrs IS NOT NULL OR r.prqual IS NOT NULL)' : 'false';
}

type MemberRow = {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly partial: boolean;
};

function memberOf({ oid, schema, name, partial }: MemberRow): Member {
  return { oid, name: { schema, table: name }, partial };
}

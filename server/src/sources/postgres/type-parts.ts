import type { TypeParts } from '../../model/table.ts';
import type { Session } from './connect.ts';

/**
 * An enum's labels by their own oids, which a rename leaves, and the attributes of a composite, whose names no value
 * shows: also of what a type is an array, a domain or a range of, and of a composite's attributes.
 */
const PARTS = `WITH RECURSIVE part(root, oid) AS (
    SELECT root, root FROM unnest($1::oid[]) AS root
    UNION
    SELECT part.root, inner_type.oid FROM part JOIN pg_type t ON t.oid = part.oid, LATERAL (
      VALUES (t.typbasetype), (t.typelem)
      UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
      UNION ALL SELECT a.atttypid FROM pg_attribute a
        WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS inner_type(oid)
    WHERE inner_type.oid <> 0)
  SELECT root AS type_id, json_object_agg(key, text ORDER BY key) AS parts FROM (
    SELECT part.root, 'label ' || e.oid AS key, e.enumlabel::text AS text
      FROM part JOIN pg_enum e ON e.enumtypid = part.oid
    UNION ALL
    SELECT part.root, 'attributes ' || part.oid, coalesce((
        SELECT string_agg(a.attnum || ':' || a.atttypid, ' ' ORDER BY a.attnum) FROM pg_attribute a
         WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '')
      FROM part JOIN pg_type t ON t.oid = part.oid WHERE t.typrelid <> 0) AS known
  GROUP BY root`;

/** By oid, of those of the types that have any. */
export async function readTypeParts(
  session: Session,
  typeIds: readonly number[],
): Promise<ReadonlyMap<number, TypeParts>> {
  const rows = await session.rows<{ type_id: number; parts: TypeParts }>(PARTS, [typeIds]);
  return new Map(rows.map(({ type_id, parts }) => [type_id, parts]));
}

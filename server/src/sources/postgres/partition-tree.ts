/**
 * The table itself and whatever is a partition below it, as a relation of one column, oid. pg_partition_tree says the same, and
 * locks every partition for it: whoever asks it waits for a VACUUM FULL of one of them.
 */
export const partitionTree = (root: string): string => `(WITH RECURSIVE tree(oid) AS (
    SELECT ${root} UNION ALL
    SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid AND NOT i.inhdetachpending
      JOIN pg_class part ON part.oid = i.inhrelid AND part.relispartition)
  SELECT oid FROM tree)`;

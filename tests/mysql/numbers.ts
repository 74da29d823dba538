/** A table `numbers` of the numbers from 1 to 1000, from which other tables are filled. */
export const NUMBERS = [
  'CREATE TABLE numbers (n int PRIMARY KEY)',
  'INSERT INTO numbers WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE n < 1000) SELECT n FROM s',
] as const;

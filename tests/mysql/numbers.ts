const DIGITS = `(${Array.from({ length: 10 }, (_, d) => `SELECT ${d}${d === 0 ? ' AS d' : ''}`).join(' UNION ALL ')})`;

/** A table `numbers` of the numbers from 1 to 1000, from which other tables are filled; in words that MySQL 5.6 knows. */
export const NUMBERS = [
  'CREATE TABLE numbers (n int PRIMARY KEY)',
  `INSERT INTO numbers SELECT 1 + a.d + 10 * b.d + 100 * c.d FROM ${DIGITS} a, ${DIGITS} b, ${DIGITS} c`,
] as const;

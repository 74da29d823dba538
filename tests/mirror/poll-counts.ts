import type { TestLake } from '../support/lake.ts';

/**
 * Asks for the counts of these tables again and again, in one statement, as a reader would.
 * @returns what a reader must never see: an error, or fewer rows than before
 */
export function startPolling(
  lake: TestLake,
  tables: readonly string[],
): { stop(): Promise<readonly string[]>; readonly polls: () => number } {
  const sql = tables
    .map((table) => `SELECT '${table}' AS t, count(*) AS n FROM public."${table}"`)
    .join(' UNION ALL ');
  const seen = new Map<string, number>();
  const wrong: string[] = [];
  let stopped = false;
  let polls = 0;
  const polling = (async () => {
    while (!stopped) {
      try {
        const { rows } = await lake.sql(sql);
        polls++;
        for (const [table, count] of rows as [string, number][]) {
          const before = seen.get(table) ?? 0;
          // A DELETE of the cases takes one row.
          if (count < before - 2) wrong.push(`public.${table}: ${count} rows after ${before}`);
          seen.set(table, Math.max(before, count));
        }
      } catch (error) {
        wrong.push(`: a reader's error: ${(error as Error).message}`);
      }
    }
  })();
  return {
    polls: () => polls,
    stop: async () => {
      stopped = true;
      await polling;
      return wrong;
    },
  };
}

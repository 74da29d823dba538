import type { TableVerdict } from './verification.ts';

/**
 * What a comparison came to, for people: a sentence without its full stop. That nothing differs is never all of it where some
 * tables or rows were not compared to the end.
 */
export function comparisonText(tables: readonly Pick<TableVerdict, 'verdict'>[]): string {
  const of = (verdict: TableVerdict['verdict']): number =>
    tables.filter((one) => one.verdict === verdict).length;
  const [different, unsettled, skipped] = [of('different'), of('unsettled'), of('skipped')];
  if (skipped === tables.length) return 'No table was compared';
  const rest = [
    ...(unsettled > 0 ? [`${unsettled} ${unsettled === 1 ? 'has' : 'have'} rows that did not settle`] : []),
    ...(skipped > 0 ? [`${skipped} ${skipped === 1 ? 'was' : 'were'} not compared`] : []),
  ];
  const first =
    different === 0 ? 'No table differs' : different === 1 ? '1 table differs' : `${different} tables differ`;
  return [first, ...rest].join('; ');
}

export interface Point {
  readonly at: number;
  /** null: not known then; the line has a gap. */
  readonly value: number | null;
}

/** SVG paths of a line, and of the area below it, that fill the box; the lowest value is 0. */
export function chartPath(
  points: readonly Point[],
  width: number,
  height: number,
): { readonly line: string; readonly area: string } {
  const first = points[0]?.at ?? 0;
  const span = Math.max(1, (points.at(-1)?.at ?? 0) - first);
  const highest = Math.max(Number.MIN_VALUE, ...points.map(({ value }) => value ?? 0));
  let line = '';
  let area = '';
  let begun: string | null = null;
  let before = '';
  for (const { at, value } of points) {
    if (value === null) {
      if (begun !== null) area += `L${before} ${height}Z`;
      begun = null;
      continue;
    }
    const x = (((at - first) / span) * width).toFixed(1);
    const y = (height - 2 - (value / highest) * (height - 6)).toFixed(1);
    line += `${begun === null ? 'M' : 'L'}${x} ${y}`;
    area += begun === null ? `M${x} ${height}L${x} ${y}` : `L${x} ${y}`;
    begun ??= x;
    before = x;
  }
  if (begun !== null) area += `L${before} ${height}Z`;
  return { line, area };
}

import { duration } from '../format/numbers.ts';
import { chartPath, type Point } from './chart-path.ts';

const WIDTH = 600;
const HEIGHT = 72;

/** A line over time. The highest value and the span of time are written out, so that no axis is needed. */
export function Chart({
  title,
  points,
  format,
}: {
  title: string;
  points: readonly Point[];
  format: (value: number) => string;
}) {
  const known = points.filter((point): point is { at: number; value: number } => point.value !== null);
  const last = known.at(-1)?.value ?? null;
  const highest = Math.max(0, ...known.map(({ value }) => value));
  const span = (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0);
  const { line, area } = chartPath(points, WIDTH, HEIGHT);
  return (
    <figure className="card figure">
      <figcaption className="row apart">
        <span className="muted small">{title}</span>
        <strong className="number">{last === null ? '–' : format(last)}</strong>
      </figcaption>
      <svg
        className="chart"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        height={HEIGHT}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}: ${last === null ? 'not known yet' : `now ${format(last)}, at most ${format(highest)}`}`}
      >
        <path className="area" d={area} />
        <path className="mark" d={line} />
        <line className="base" x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
      </svg>
      <div className="row apart small faint">
        <span>{span < 2000 ? 'begins now' : `last ${duration(Math.round(span / 1000) * 1000)}`}</span>
        <span className="number">at most {known.length === 0 ? '–' : format(highest)}</span>
      </div>
    </figure>
  );
}

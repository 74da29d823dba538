import { count, duration } from '../format/numbers.ts';

export interface Bucket {
  /** null: above the bound of the bucket before. */
  readonly uptoMs: number | null;
  readonly commits: number;
}

/** How often something took how long. Empty buckets at both ends are left out. */
export function Histogram({ label, buckets }: { label: string; buckets: readonly Bucket[] }) {
  const first = buckets.findIndex(({ commits }) => commits > 0);
  const last = buckets.findLastIndex(({ commits }) => commits > 0);
  if (first < 0) return null;
  const shown = buckets.slice(Math.max(0, first - 1), last + 2);
  const highest = Math.max(...shown.map(({ commits }) => commits));
  const bound = (at: number): string => {
    const upto = shown[at]?.uptoMs ?? null;
    return upto === null ? 'longer' : `≤ ${duration(upto)}`;
  };
  return (
    <ol className="histogram" aria-label={label}>
      {shown.map(({ uptoMs, commits }, at) => (
        <li key={uptoMs ?? 'longer'} title={`${bound(at)}: ${count(commits)}`}>
          <span className="number small muted">{commits === 0 ? '' : count(commits)}</span>
          <i style={{ height: `${(commits / highest) * 72}px` }} />
          <span className="number small faint">{bound(at)}</span>
        </li>
      ))}
    </ol>
  );
}

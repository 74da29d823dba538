import type { Live } from '../api/live.ts';
import { Badge } from '../design/badge.tsx';
import { duration } from '../format/numbers.ts';
import { useNow } from '../format/time.tsx';

/** How old what is shown is; unmistakable where the feed is cut. */
export function LiveMark({ live }: { live: Live }) {
  const now = useNow();
  if (live.heardAt === null)
    return <Badge tone={live.cut ? 'bad' : 'idle'}>{live.cut ? 'no answer' : 'connecting'}</Badge>;
  const age = Math.max(0, Math.floor((now - live.heardAt) / 1000));
  if (live.cut) return <Badge tone="bad">{`cut off: as of ${duration(age * 1000)} ago`}</Badge>;
  return (
    <Badge tone="good" title="A message comes every second">
      {age < 1 ? 'updated now' : `updated ${duration(age * 1000)} ago`}
    </Badge>
  );
}

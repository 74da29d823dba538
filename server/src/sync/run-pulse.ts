import { setTimeout as pause } from 'node:timers/promises';
import type { Pulse } from '../model/pulse.ts';
import { PositionLag } from './position-lag.ts';
import type { RunContext } from './run-context.ts';

const PULSE_MS = 2000;
/** Each look at the end of the source's log is a short question to the source. */
const LOOK_MS = 5000;

/** Tells the server every few seconds how the run is; resolves when the signal aborts. */
export async function pulses(
  context: RunContext,
  tell: (pulse: Pulse) => void,
  signal: AbortSignal,
): Promise<void> {
  const { router, source, meter, now, elapsed } = context;
  const lag = new PositionLag((a, b) => source.compare(a, b));
  const look = async (): Promise<void> => {
    const { end, bytes } = await source.remaining(router.position, signal);
    lag.seen(elapsed(), end);
    meter.lagSeen(bytes);
  };
  const begun = elapsed();
  // Of a server that is away nobody knows the log's end: at least this long it was not read.
  const unread = (): number => ((source.away?.size ?? 0) > 0 ? elapsed() - begun : 0);
  let looking: Promise<void> | null = null;
  let lookedAt = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    if (looking === null && elapsed() - lookedAt >= LOOK_MS) {
      lookedAt = elapsed();
      // A source that does not answer is found out by the reading of its log; then the last end that was seen grows old.
      looking = look()
        .catch((error: unknown) => {
          meter.lagSeen(null);
          if (!signal.aborted) context.log.debug({ err: error }, 'the end of the log could not be asked for');
        })
        .finally(() => {
          looking = null;
        });
    }
    await pause(PULSE_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) break;
    const { waitingSince } = router;
    tell(
      meter.take({
        now: now(),
        lines: router.linesWaiting,
        bytes: router.bytesWaiting,
        oldestMs: waitingSince === null ? null : Math.max(0, now() - Number(waitingSince / 1000n)),
        lagMs: unread() > 0 ? Math.max(unread(), behind(lag, context) ?? 0) : behind(lag, context),
      }),
    );
  }
  await looking;
}

/** Positions of two servers may not be comparable; then nobody knows. */
function behind(lag: PositionLag, { router, elapsed }: RunContext): number | null {
  try {
    return lag.behind(router.position, elapsed());
  } catch {
    return null;
  }
}

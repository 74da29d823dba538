import type { Logger } from 'pino';
import { follows } from '../model/lane-state.ts';
import type { CompositeSource } from '../sources/composite/composite-source.ts';
import type { AskedSource } from '../sources/source.ts';
import type { Lane } from './lane.ts';
import type { RunStore } from './run-store.ts';

/** What is said of the shards of a server that cannot be reached. */
const AWAY = 'SOURCE_UNREACHABLE';

export const isAway = (source: AskedSource, lane: Lane): boolean => source.isAway?.(lane.source) === true;

/** Says of the shards of a server that cannot be reached that they stand still, and of those of one that is back that they do not. */
export async function noteAway(
  source: CompositeSource,
  lanes: readonly Lane[],
  store: RunStore,
  log: Logger,
): Promise<void> {
  const back = new Set<string>();
  const away = new Set<string>();
  await store.write(async (transaction) => {
    for (const lane of lanes) {
      const label = lane.source.shard ?? '';
      const error = source.away.get(label)?.toBody().error ?? null;
      const noted = lane.trouble === AWAY;
      // What stopped a table by itself is not to be forgotten over it.
      if (!follows(lane.state) || (lane.trouble !== null && !noted)) continue;
      if (noted === (error !== null)) continue;
      (error === null ? back : away).add(label);
      lane.trouble = error === null ? null : AWAY;
      await store.saveLane(transaction, lane, error === null ? null : { ...error, code: AWAY });
    }
    for (const label of back)
      await store.timeline.record(transaction, { kind: 'source.back', detail: { source: label } });
    for (const label of away) {
      const { code, message } = source.away.get(label)!;
      await store.timeline.record(transaction, {
        kind: 'source.away',
        detail: { source: label, code, message },
      });
    }
  });
  for (const [label, { code, message }] of source.away)
    log.warn({ source: label, code, cause: message }, 'the run goes on without a server');
}

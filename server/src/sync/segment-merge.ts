import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { appliesNone } from '../model/lane-state.ts';
import { tableText } from '../model/table.ts';
import { segmentParts } from './catch-up.ts';
import type { Lane } from './lane.ts';
import type { RunContext } from './run-context.ts';
import { readSegments, replaceSegments, type SegmentRow } from './segment-rows.ts';

/** So many segments make a merge worth its while. */
export const MANY_SEGMENTS = 128;
/** What one merged file holds at most. */
const MERGED_ROWS = 2_000_000;

/** The first segments in a row, of one schema, that together are no larger than a merged one; none where it is not worth it. */
export function mergeable(segments: readonly SegmentRow[]): readonly SegmentRow[] {
  for (let at = 0; at < segments.length; ) {
    const run: SegmentRow[] = [];
    let rows = 0;
    for (const segment of segments.slice(at)) {
      if (segment.schemaVersion !== segments[at]!.schemaVersion || rows + segment.rows > MERGED_ROWS) break;
      run.push(segment);
      rows += segment.rows;
    }
    if (run.length >= MANY_SEGMENTS) return run;
    at += Math.max(1, run.length);
  }
  return [];
}

/**
 * Every commit leaves a segment of a table that applies none: of a pause of days these would be too many files. They
 * are put together beside the commits, which only append to them.
 */
export async function mergeSegments(context: RunContext, lane: Lane): Promise<void> {
  const { store, target, segmentFolder, work, signal, log } = context;
  if (lane.draining || !appliesNone(lane.state)) return;
  const { generation } = lane;
  // Nobody else takes segments away meanwhile.
  lane.draining = true;
  try {
    const all = mergeable(await readSegments(store.db, lane.id));
    const [first, last] = [all[0], all.at(-1)];
    if (first === undefined || last === undefined) return;
    const path = join(
      segmentFolder,
      `lane-${lane.id}-${first.firstOrd}-${last.lastOrd}-${work.attemptId}-merged.parquet`,
    );
    const { bytes } = await target.writeSegment(await segmentParts(context, lane, all), path, signal);
    const rows = all.reduce((sum, segment) => sum + segment.rows, 0);
    const recorded = await store.writeIf(
      () => lane.generation === generation,
      (transaction) => replaceSegments(transaction, lane.id, { first, last, path, rows, bytes }),
    );
    if (!recorded) {
      await rm(path, { force: true });
      return;
    }
    await Promise.all(all.map((segment) => rm(segment.path, { force: true })));
    log.info({ table: tableText(lane.source), segments: all.length, rows }, 'segments put together');
  } finally {
    lane.draining = false;
  }
}

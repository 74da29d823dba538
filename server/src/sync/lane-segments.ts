import { join } from 'node:path';
import { crashPoint } from '../model/crash-point.ts';
import type { Position } from '../sources/source.ts';
import type { Lane } from './lane.ts';
import { type LaneLines, segmentsOf } from './lane-batch.ts';
import type { LaneStep } from './lane-turn.ts';
import type { RunContext } from './run-context.ts';
import type { NewSegment } from './segment-rows.ts';

/** Writes lines into files of their own, where they wait until their table can take them: one for each version of its schema. Durable. */
export async function toSegments(
  context: RunContext,
  lane: Lane,
  lines: LaneLines,
  position: Position,
): Promise<LaneStep['segments']> {
  const segments: NewSegment[] = [];
  for (const { parts, version, kept, firstOrd, lastOrd } of segmentsOf(lane, lines)) {
    const path = join(
      context.segmentFolder,
      `lane-${lane.id}-${firstOrd}-${lastOrd}-${context.work.attemptId}.parquet`,
    );
    const { bytes } = await context.target.writeSegment(parts, path, context.signal);
    crashPoint('after-segment-file');
    segments.push({
      schemaVersion: version,
      kept,
      path,
      rows: parts.reduce((sum, part) => sum + part.rows, 0),
      bytes,
      firstOrd,
      lastOrd,
      endPosition: position,
    });
  }
  return segments;
}

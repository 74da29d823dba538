import type { ParameterName } from './parameters.ts';
import type { MergeSpec, MirrorSpec, TaskSpec } from './task.ts';

/** Parameters whose new value a running run takes over when it is published; others count from the next start on. */
export const LIVE_PARAMETERS: ReadonlySet<string> = new Set<ParameterName>([
  'commit_interval',
  'full_load_concurrency',
  'chunk_size',
  'max_key_size',
  'schema_evolution',
  'pause_retention',
  'pause_retention_size',
  'heartbeat_interval',
  'discover_interval',
  'failover_limit',
  'failover_window',
  'verify_interval',
]);

/** Which tables a mirror has may change while it runs; where they come from, go to and how they are read may not. */
const LIVE_FIELDS: ReadonlySet<string> = new Set<keyof MirrorSpec>(['tables', 'schemas']);
/** Of a merge data sources may come and go besides. */
const LIVE_MERGE_FIELDS: ReadonlySet<string> = new Set<keyof MergeSpec>(['sources', 'virtualTables']);

/**
 * The fields, and `parameters.<name>`, that differ between two versions and that a running run cannot take over. With
 * none, a run of the first goes on as one of the second.
 */
export function waitsForStart(running: TaskSpec, published: TaskSpec): readonly string[] {
  const live = published.pipelineType === 2 ? LIVE_MERGE_FIELDS : LIVE_FIELDS;
  const before = running as unknown as Readonly<Record<string, unknown>>;
  const after = published as unknown as Readonly<Record<string, unknown>>;
  const fields = Object.keys(after).filter(
    (field) =>
      field !== 'parameters' &&
      !live.has(field) &&
      JSON.stringify(before[field]) !== JSON.stringify(after[field]),
  );
  const names = new Set([...Object.keys(running.parameters), ...Object.keys(published.parameters)]);
  const parameters = [...names].filter(
    (name) => !LIVE_PARAMETERS.has(name) && running.parameters[name] !== published.parameters[name],
  );
  return [...fields, ...parameters.sort().map((name) => `parameters.${name}`)];
}

import type { ParameterName } from './parameters.ts';
import type { MirrorSpec } from './task.ts';

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

/** Which tables a task has may change while it runs; where they come from, go to and how they are read may not. */
const LIVE_FIELDS: ReadonlySet<string> = new Set<keyof MirrorSpec>(['tables', 'schemas']);

/**
 * The fields, and `parameters.<name>`, that differ between two versions and that a running run cannot take over. With
 * none, a run of the first goes on as one of the second.
 */
export function waitsForStart(running: MirrorSpec, published: MirrorSpec): readonly string[] {
  const fields = (Object.keys(published) as (keyof MirrorSpec)[]).filter(
    (field) =>
      field !== 'parameters' &&
      !LIVE_FIELDS.has(field) &&
      JSON.stringify(running[field]) !== JSON.stringify(published[field]),
  );
  const names = new Set([...Object.keys(running.parameters), ...Object.keys(published.parameters)]);
  const parameters = [...names].filter(
    (name) => !LIVE_PARAMETERS.has(name) && running.parameters[name] !== published.parameters[name],
  );
  return [...fields, ...parameters.sort().map((name) => `parameters.${name}`)];
}

import { type MergeSpec, parseParameters, SluiceError } from '@sluice/contract';
import type { Control } from '../context.ts';
import { reportOf } from './report.ts';

/** Refusals in a message; more are counted. */
const NAMED = 3;

/**
 * A merge is published only when every shard that is there now goes into it exactly.
 * @throws SluiceError MERGE_REFUSED, SOURCE_*, INVALID_REQUEST
 */
export async function publishableMerge(
  control: Control,
  spec: MergeSpec,
  signal: AbortSignal,
): Promise<void> {
  parseParameters(spec.parameters);
  const report = await reportOf(control, spec, signal);
  if (report.passed) return;
  const said = [
    ...report.sources.flatMap(({ server, error, databases }) => [
      ...(error === null ? [] : [`${server}: ${error.message}`]),
      ...databases.flatMap((database) =>
        database.error === null ? [] : [`${server}/${database.name}: ${database.error.message}`],
      ),
    ]),
    ...report.virtualTables.flatMap(({ name, refusals }) =>
      refusals.map(({ message }) => `${name}: ${message}`),
    ),
  ];
  const more = said.length - NAMED;
  throw new SluiceError(
    'MERGE_REFUSED',
    `${said.slice(0, NAMED).join(' ')}${more > 0 ? ` And ${more} more.` : ''}`,
  );
}

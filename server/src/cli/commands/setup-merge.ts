import { type Call, type DataSource, type MergeSpecInput, SluiceError } from '@sluice/contract';
import type { Interview } from '../interview.ts';
import { mergeReportText } from './merge-report-text.ts';
import { mergeSpecOf } from './task-merge.ts';

export interface MergeChoices {
  readonly match?: readonly string[];
  readonly target?: string;
  readonly extendedField?: readonly string[];
  readonly extendedKey?: boolean;
  readonly syncMode?: '1' | '2';
}

/** What says of each row which shard of one database it is from. MySQL and MariaDB have no schemas in it. */
const fieldsOf = ({ type }: DataSource): readonly string[] =>
  type.startsWith('postgres') ? ['schema=_schema', 'table=_table'] : ['table=_table'];

/**
 * The merge of the shards of one database; what it would come to has been looked at when this returns.
 * @throws SluiceError MERGE_REFUSED with what does not go together
 */
export async function chosenMerge(
  call: Call,
  interview: Interview,
  source: DataSource,
  database: string,
  options: MergeChoices,
): Promise<MergeSpecInput> {
  const pattern = await interview.know({
    flag: '--match',
    given: options.match === undefined ? undefined : options.match.join(),
    text: 'Tables that become one, as a pattern such as orders_\\d+',
  });
  const target = await interview.know({
    flag: '--target',
    given: options.target,
    text: 'The table that they become, as schema.table',
  });
  const equal = await interview.know({
    flag: '--extended-key',
    given: options.extendedKey === true ? 'yes' : undefined,
    text: 'May two shards hold rows with equal keys',
    otherwise: 'no',
    choices: ['yes', 'no'],
  });
  const spec = await mergeSpecOf({
    source: [source.name],
    database: [database],
    match: options.match ?? [`table=${pattern}`],
    target,
    extendedField: options.extendedField ?? (equal === 'yes' ? fieldsOf(source) : []),
    extendedKey: equal === 'yes',
    ...(options.syncMode === undefined ? {} : { syncMode: options.syncMode }),
  });
  const report = await call('previewMerge', { body: spec });
  interview.tell(mergeReportText(report));
  if (!report.passed)
    throw new SluiceError('MERGE_REFUSED', `These shards do not go together:\n${mergeReportText(report)}`);
  return spec;
}

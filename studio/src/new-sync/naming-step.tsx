import type { MirrorTable } from '@sluice/contract';
import { TextField } from '../design/field.tsx';
import type { StepProps } from './new-sync-page.tsx';

/** The target's name of a table: its own, or by the rules; the server fills the same placeholders. */
export function targetOf(
  draft: Pick<StepProps['draft'], 'database' | 'targetSchema' | 'targetTable'>,
  source: MirrorTable,
): string {
  const fill = (rule: string) =>
    rule.replace(/\{SOURCE_(DATABASE|SCHEMA|TABLE)\}/g, (_, part: string) =>
      part === 'DATABASE' ? draft.database : part === 'SCHEMA' ? source.schema : source.table,
    );
  const { target } = source;
  return `${target?.schema ?? fill(draft.targetSchema)}.${target?.table ?? fill(draft.targetTable)}`;
}

export function NamingStep({ draft, change }: StepProps) {
  const examples =
    draft.tables.length > 0 ? draft.tables.slice(0, 3) : [{ schema: 'schema', table: 'orders' }];
  return (
    <div className="stack wide">
      <div className="fields">
        <TextField
          label="Schema in the lake"
          value={draft.targetSchema}
          onText={(targetSchema) => change({ targetSchema })}
        />
        <TextField
          label="Table in the lake"
          value={draft.targetTable}
          onText={(targetTable) => change({ targetTable })}
        />
      </div>
      <p className="muted">
        Placeholders: <code>{'{SOURCE_DATABASE}'}</code>, <code>{'{SOURCE_SCHEMA}'}</code>,{' '}
        <code>{'{SOURCE_TABLE}'}</code>. No two tables may come to one name.
      </p>
      <section className="card scroll" aria-label="Examples">
        <table className="list">
          <thead>
            <tr>
              <th>At the source</th>
              <th>In the lake</th>
            </tr>
          </thead>
          <tbody>
            {examples.map((table) => (
              <tr key={`${table.schema}.${table.table}`}>
                <td>
                  {table.schema}.{table.table}
                </td>
                <td>{targetOf(draft, table)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

import { type TableName, tableKey } from '../../model/table.ts';
import type { Finding, Selection } from '../source.ts';
import type { Session } from './connect.ts';
import { discoverTables, type PostgresTable } from './discover.ts';
import { quoteIdent, quoteTable } from './quote.ts';

/** Findings about the selected tables: those that cannot be mirrored, and what is worth knowing of those that can. */
export async function checkTables(session: Session, selection: Selection): Promise<readonly Finding[]> {
  const tables = await discoverTables(session, selection, { storedGenerated: session.version >= 180_000 });
  const findings = [...missing(tables, selection), ...(await unlogged(session, selection))];
  for (const table of tables) findings.push(...judgeTable(table));
  const good = tables.filter((table) => table.refused === null && table.owned).length;
  findings.push({
    code: 'TABLES',
    level: good > 0 ? 'ok' : 'warning',
    subject: 'tables',
    found: `${good} of ${tables.length} can be mirrored`,
    why:
      good > 0
        ? 'They can be read, and the log identifies their rows.'
        : 'There is nothing to mirror as it is now; a full-database mirror waits for tables to be made.',
    fix: null,
  });
  return findings;
}

export function judgeTable(table: PostgresTable): Finding[] {
  const name = quoteTable(table.schema.name);
  const findings: Finding[] = [];
  if (table.refused)
    findings.push({
      code: table.refused.code,
      level: 'error',
      subject: name,
      found: table.refused.message,
      why:
        table.refused.code === 'TABLE_NO_SELECT'
          ? 'The full load reads every row.'
          : 'Updates and deletes in the log must say which row they mean, and once the table is published without that the server refuses them to everybody.',
      fix: table.refused.fix,
    });
  if (!table.owned)
    findings.push({
      code: 'TABLE_NOT_OWNED',
      level: 'error',
      subject: name,
      found: `owned by ${table.owner}`,
      why: 'Only its owner may add a table to the publication of the task. Not needed when an administrator makes the publication and it is named in the parameter `publication`.',
      fix: `GRANT ${quoteIdent(table.owner)} TO ${quoteIdent(table.role)};`,
    });
  if (!table.refused && table.schema.identity.kind === 'row')
    findings.push({
      code: 'TABLE_BY_ROW',
      level: 'info',
      subject: name,
      found: 'REPLICA IDENTITY FULL without a primary key',
      why: 'Its rows are recognised by all of their values, which costs more than a key does.',
      fix: null,
    });
  if (table.generatedLeftOut.length > 0)
    findings.push({
      code: 'TABLE_GENERATED',
      level: 'info',
      subject: name,
      found: `generated columns ${table.generatedLeftOut.map(quoteIdent).join(', ')}`,
      why: 'The log of this server does not carry them, so they are left out of the mirror.',
      fix: null,
    });
  if (table.partitioned)
    findings.push({
      code: 'TABLE_PARTITIONED',
      level: 'info',
      subject: name,
      found: 'partitioned',
      why: 'Mirrored as one table. The log tells nothing of a partition that is truncated on its own, attached with rows, detached or dropped: that is seen in the catalog, and the table is then loaded anew by itself.',
      fix: null,
    });
  return findings;
}

function missing(tables: readonly PostgresTable[], selection: Selection): Finding[] {
  const found = new Set(tables.map((table) => tableKey(table.schema.name)));
  return selection.tables
    .filter((name) => !found.has(tableKey(name)))
    .map((name: TableName) => ({
      code: 'TABLE_NOT_FOUND',
      level: 'error' as const,
      subject: quoteTable(name),
      found: 'no such table',
      why: 'It does not exist, or is a view, a foreign, temporary or unlogged table or a partition, which are not mirrored by themselves.',
      fix: null,
    }));
}

async function unlogged(session: Session, selection: Selection): Promise<Finding[]> {
  const rows = await session.rows<{ schema: string; table: string }>(
    `SELECT n.nspname::text AS schema, c.relname::text AS table
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND NOT c.relispartition
        AND (n.nspname = ANY($1::text[])
             OR (n.nspname, c.relname) IN (SELECT s, t FROM unnest($2::text[], $3::text[]) AS w(s, t))
             OR cardinality($1::text[]) + cardinality($2::text[]) = 0)
      ORDER BY 1, 2`,
    [
      selection.schemas,
      selection.tables.map((name) => name.schema),
      selection.tables.map((name) => name.table),
    ],
  );
  return rows.map((name) => ({
    code: 'TABLE_UNLOGGED',
    level: 'warning' as const,
    subject: quoteTable(name),
    found: 'unlogged',
    why: 'What happens to an unlogged table is not in the log, so it is left out.',
    fix: `ALTER TABLE ${quoteTable(name)} SET LOGGED;`,
  }));
}

import { type TableName, tableKey } from '../../model/table.ts';
import { type Connection, DEFAULT_READING, type Finding, type Selection } from '../source.ts';
import type { Session } from './connect.ts';
import { discoverTables } from './discover.ts';
import { accountText } from './grants.ts';
import { quoteTable } from './quote.ts';

/** Findings about the selected tables: those that cannot be mirrored, and what is worth knowing of those that can. */
export async function checkTables(
  session: Session,
  connection: Connection,
  selection: Selection,
): Promise<readonly Finding[]> {
  const tables = await discoverTables(session, selection, {
    database: connection.database,
    reading: DEFAULT_READING,
  });
  const { account } = await session.row<{ account: string }>('SELECT CURRENT_USER() AS account');
  const grant = (name: TableName): string =>
    `GRANT SELECT ON ${quoteTable(name)} TO ${accountText(account)};`;
  const found = new Set(tables.map((table) => table.objectId));
  const findings: Finding[] = [];
  for (const name of selection.tables) {
    if (found.has(tableKey(name))) continue;
    const kind = await kindOf(session, name);
    findings.push({
      code: 'TABLE_DROPPED',
      level: 'error',
      subject: quoteTable(name),
      found: kind === null ? 'not there, or not to be seen by the account' : `a ${kind.toLowerCase()}`,
      why:
        kind === null
          ? 'A table that the account has no right to looks like one that does not exist.'
          : 'It has no rows of its own: mirror the tables behind it.',
      fix: kind === null ? grant(name) : null,
    });
  }
  for (const { schema, refused } of tables) {
    const name = quoteTable(schema.name);
    if (refused !== null)
      findings.push({
        code: refused.code,
        level: 'error',
        subject: name,
        found: refused.message,
        why: 'The table cannot be mirrored as it is; the others are.',
        fix:
          refused.code === 'TABLE_NO_SELECT'
            ? grant(schema.name)
            : refused.code === 'TABLE_NO_KEY'
              ? `ALTER TABLE ${name} ENGINE = InnoDB;`
              : null,
      });
    else if (schema.identity.kind === 'row')
      findings.push({
        code: 'TABLE_BY_ROW',
        level: 'info',
        subject: name,
        found: 'no primary key, and no unique index of columns that are NOT NULL',
        why: 'Its rows are recognised by all of their values, which costs more than a key does.',
        fix: null,
      });
  }
  const good = tables.filter((table) => table.refused === null).length;
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

/** VIEW or SEQUENCE; null: not to be seen. */
async function kindOf(session: Session, { schema, table }: TableName): Promise<string | null> {
  const rows = await session.rows<{ kind: string }>(
    `SELECT TABLE_TYPE AS kind FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND TABLE_TYPE IN ('VIEW', 'SYSTEM VIEW', 'SEQUENCE')`,
    [schema, table],
  );
  return rows[0]?.kind ?? null;
}

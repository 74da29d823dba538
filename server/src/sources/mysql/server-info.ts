export type Flavour = 'mysql' | 'mariadb';

export interface ServerInfo {
  readonly flavour: Flavour;
  /** 80045 for MySQL 8.0.45, 101119 for MariaDB 10.11.19. */
  readonly version: number;
  readonly versionText: string;
  /**
   * Names the server whose files and offsets a position speaks of: MySQL's server_uuid; MariaDB has none, so it is
   * `server-id-<n>`.
   */
  readonly server: string;
  /** Its log tells a transaction by an id that is the same on every server of the replication. */
  readonly gtid: boolean;
  /** 0: names differ by case; 1: kept in lower case; 2: kept as written and compared without case. */
  readonly lowerCaseTableNames: 0 | 1 | 2;
}

/** Of the server's variables, by their lower-case names. */
export type Variables = ReadonlyMap<string, string>;

/**
 * Settings that not every server has; where one is missing, so is what it would do. Its value 0 switches a limit off
 * (for ON/OFF settings the text says which is wanted).
 */
const WHERE_KNOWN: Readonly<Record<string, string>> = {
  // Limits of a statement's time: MySQL in ms for SELECT, MariaDB in s for all.
  max_execution_time: '0',
  max_statement_time: '0',
  // The invisible primary key of a table without one is in the log, so it has to be in the catalog.
  show_gipk_in_create_table_and_information_schema: 'ON',
  // MariaDB closes an idle transaction after that many seconds.
  idle_transaction_timeout: '0',
  idle_readonly_transaction_timeout: '0',
  idle_write_transaction_timeout: '0',
};

export const VARIABLES_SQL = `SHOW SESSION VARIABLES WHERE Variable_name IN (${[
  'version',
  'server_uuid',
  'server_id',
  'gtid_mode',
  'lower_case_table_names',
  ...Object.keys(WHERE_KNOWN),
]
  .map((name) => `'${name}'`)
  .join(', ')})`;

/**
 * What every session is set to, so that a value's text is the same whatever the server or the account has as its own
 * default, and so that no setting of theirs cuts a result short.
 */
export function sessionSettings(variables: Variables): string {
  const settings = [
    'NAMES utf8mb4',
    "time_zone = '+00:00'",
    "sql_mode = ''",
    "lc_messages = 'en_US'",
    'autocommit = 1',
    'net_write_timeout = 3600',
    'net_read_timeout = 3600',
    'wait_timeout = 86400',
    'sql_select_limit = 18446744073709551615',
    'sql_big_selects = 1',
    'sql_safe_updates = 0',
    'sql_quote_show_create = 1',
  ];
  for (const [name, value] of Object.entries(WHERE_KNOWN))
    if (variables.has(name)) settings.push(`${name} = ${value}`);
  return `SET ${settings.join(', ')}`;
}

export function serverInfo(variables: Variables): ServerInfo {
  const versionText = variables.get('version') ?? '';
  const flavour = /mariadb/i.test(versionText) || !variables.has('server_uuid') ? 'mariadb' : 'mysql';
  const caseRule = Number(variables.get('lower_case_table_names') ?? 0);
  return {
    flavour,
    version: versionNumber(versionText),
    versionText,
    server:
      flavour === 'mysql' ? (variables.get('server_uuid') ?? '') : `server-id-${variables.get('server_id')}`,
    gtid: flavour === 'mariadb' || variables.get('gtid_mode') === 'ON',
    lowerCaseTableNames: caseRule === 1 || caseRule === 2 ? caseRule : 0,
  };
}

/** `8.0.45-log`, `10.11.19-MariaDB-0+deb12u1`, `5.5.5-10.11.19-MariaDB` → 80045, 101119, 101119; 0 for other texts. */
export function versionNumber(text: string): number {
  // What MariaDB puts before its version for clients that know no major version above 5.
  const match = /^(?:5\.5\.5-(?=\d+\.\d+\.\d+-mariadb))?(\d+)\.(\d+)(?:\.(\d+))?/i.exec(text);
  if (!match) return 0;
  return Number(match[1]) * 10_000 + Number(match[2]) * 100 + Number(match[3] ?? 0);
}

import { type TableName, tableKey } from '../../model/table.ts';
import type { Selection } from '../source.ts';
import type { ServerInfo } from './server-info.ts';

const SYSTEM: readonly string[] = ['mysql', 'information_schema', 'performance_schema', 'sys'];

export interface Wanted {
  /** A condition on TABLE_SCHEMA and TABLE_NAME of a view of information_schema, by its alias. */
  where(alias: string): string;
  readonly parameters: readonly string[];
  /**
   * Whether a row that came was asked for. MariaDB's information_schema compares names without case and accents,
   * whatever the server does: `Shop.e` comes along with `shop.é`.
   */
  includes(name: TableName): boolean;
}

/** With no schema and no table named, those of the connection's database; where that is '' too, of all databases. */
export function wantedOf(
  { schemas, tables }: Selection,
  database: string,
  { lowerCaseTableNames }: Pick<ServerInfo, 'lowerCaseTableNames'>,
): Wanted {
  const fold = (name: string): string => (lowerCaseTableNames === 0 ? name : name.toLowerCase());
  const places = (count: number, place: string): string =>
    Array.from({ length: count }, () => place).join(', ');
  if (tables.length > 0) {
    const key = ({ schema, table }: TableName): string =>
      tableKey({ schema: fold(schema), table: fold(table) });
    const keys = new Set(tables.map(key));
    return {
      where: (alias) =>
        `(${alias}.TABLE_SCHEMA, ${alias}.TABLE_NAME) IN (${places(tables.length, '(?, ?)')})`,
      parameters: tables.flatMap(({ schema, table }) => [schema, table]),
      includes: (name) => keys.has(key(name)),
    };
  }
  const named = schemas.length > 0 ? schemas : database === '' ? [] : [database];
  if (named.length > 0) {
    const keys = new Set(named.map(fold));
    return {
      where: (alias) => `${alias}.TABLE_SCHEMA IN (${places(named.length, '?')})`,
      parameters: named,
      includes: ({ schema }) => keys.has(fold(schema)),
    };
  }
  return {
    where: (alias) => `${alias}.TABLE_SCHEMA NOT IN (${places(SYSTEM.length, '?')})`,
    parameters: SYSTEM,
    includes: () => true,
  };
}

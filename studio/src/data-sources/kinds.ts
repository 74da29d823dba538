import type { DsTypeWord } from '@sluice/contract';

interface Kind {
  readonly text: string;
  readonly port: number;
}

/** The kinds that this version can read. */
export const KINDS: Readonly<Partial<Record<DsTypeWord, Kind>>> = {
  postgres: { text: 'PostgreSQL', port: 5432 },
  mysql: { text: 'MySQL', port: 3306 },
  mariadb: { text: 'MariaDB', port: 3306 },
  'aurora-postgres': { text: 'Aurora PostgreSQL', port: 5432 },
  'aurora-mysql': { text: 'Aurora MySQL', port: 3306 },
  'polardb-postgres': { text: 'PolarDB PostgreSQL', port: 5432 },
  'polardb-mysql': { text: 'PolarDB MySQL', port: 3306 },
};

export const kindText = (type: string): string => KINDS[type as DsTypeWord]?.text ?? type;

/** MySQL has no schemas of its own: a table's schema is its database. */
export const hasSchemas = (type: string): boolean => type.includes('postgres');

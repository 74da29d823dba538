import mysql from 'mysql2/promise';
import type { Flavour } from '../support/mysql.ts';
import type { KeyKind } from './columns.ts';
import { columnKinds, keyKinds, LARGE_KINDS } from './columns-mysql.ts';
import type { Random } from './random.ts';
import type { TestColumn, TestTable } from './tables.ts';

const quote = (name: string): string => mysql.escapeId(name, true);

export function randomMysqlTables(random: Random, flavour: Flavour): readonly TestTable[] {
  const tables = [bigTable(random.fork('big'), flavour), partitioned(random.fork('partitioned'), flavour)];
  const count = random.between(1, 3);
  const shapes = random.shuffled(['keyed', 'composite', 'index', 'keyless'] as const);
  for (let i = 0; i < count; i++)
    tables.push(table(random.fork(`table ${i}`), `t${i} ${shapes[i]}`, shapes[i]!, flavour));
  if (!shapes.slice(0, count).includes('keyless'))
    tables.push(table(random.fork('bag'), 'bag', 'keyless', flavour));
  return tables;
}

function columnsOf(random: Random, flavour: Flavour, small: number, large: number): TestColumn[] {
  const kinds = [
    ...random.shuffled(columnKinds(flavour)).slice(0, small),
    ...random.shuffled(LARGE_KINDS).slice(0, large),
  ];
  return random.shuffled(kinds).map((kind, n) => ({ name: `c${n} ${kind.type.slice(0, 4).trim()}`, kind }));
}

const definitions = (columns: readonly TestColumn[]): string[] =>
  columns.map((column) => `${quote(column.name)} ${column.kind.type}`);

const create = (name: string, parts: readonly string[], more = ''): string =>
  `CREATE TABLE ${quote(name)} (${parts.join(', ')})${more}`;

/** Loaded first, in several chunks: the others' changes wait for it in segments. */
function bigTable(random: Random, flavour: Flavour): TestTable {
  const name = 'a big one';
  const columns = columnsOf(random, flavour, 3, 2);
  const key = random.pick(keyKinds(flavour).slice(0, 5));
  return {
    name,
    key: [{ name: 'k', value: key.value }],
    columns,
    ddl: create(name, [`k ${key.type} PRIMARY KEY`, ...definitions(columns)]),
    rows: 220,
  };
}

function partitioned(random: Random, flavour: Flavour): TestTable {
  const name = 'parted';
  // Geometries cannot be in one.
  const columns = columnsOf(random, flavour, 2, 1).filter((column) => column.kind.type !== 'point');
  return {
    name,
    key: [{ name: 'k', value: (n) => n }],
    columns,
    ddl: create(name, ['k int PRIMARY KEY', ...definitions(columns)], ' PARTITION BY HASH (k) PARTITIONS 2'),
    rows: random.between(0, 40),
  };
}

function table(
  random: Random,
  name: string,
  shape: 'keyed' | 'composite' | 'index' | 'keyless',
  flavour: Flavour,
): TestTable {
  const columns = columnsOf(random, flavour, random.between(2, 7), random.below(3));
  const rows = random.between(0, 40);
  const shared = { name, columns, rows };
  const [one, other] = random.shuffled(keyKinds(flavour)) as [KeyKind, KeyKind];
  const its = definitions(columns);
  const key = [{ name: 'k', value: one.value }];
  switch (shape) {
    case 'keyless':
      return { ...shared, key: [], ddl: create(name, its) };
    case 'composite':
      return {
        ...shared,
        key: [
          { name: 'k1', value: (n) => one.value(n % 8) },
          { name: 'k2', value: (n) => other.value(Math.floor(n / 8)) },
        ],
        ddl: create(name, [`k2 ${other.type}`, ...its, `k1 ${one.type}`, 'PRIMARY KEY (k1, k2)']),
      };
    case 'index':
      return { ...shared, key, ddl: create(name, [...its, `k ${one.type} NOT NULL`, 'UNIQUE KEY by_k (k)']) };
    case 'keyed':
      return { ...shared, key, ddl: create(name, [...its, `k ${one.type} PRIMARY KEY`]) };
  }
}

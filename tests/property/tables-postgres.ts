import { COLUMN_KINDS, KEY_KINDS, LARGE_KINDS } from './columns-postgres.ts';
import type { Random } from './random.ts';
import type { TestColumn, TestTable } from './tables.ts';

const quote = (name: string): string => `"${name}"`;

export function randomPostgresTables(random: Random): readonly TestTable[] {
  const tables = [bigTable(random.fork('big')), partitioned(random.fork('partitioned'))];
  const count = random.between(1, 3);
  const shapes = random.shuffled(['keyed', 'composite', 'index', 'keyless', 'full'] as const);
  for (let i = 0; i < count; i++)
    tables.push(table(random.fork(`table ${i}`), `t${i} ${shapes[i]}`, shapes[i]!));
  if (!shapes.slice(0, count).includes('keyless')) tables.push(table(random.fork('bag'), 'bag', 'keyless'));
  return tables;
}

function columnsOf(random: Random, small: number, large: number): TestColumn[] {
  const kinds = [
    ...random.shuffled(COLUMN_KINDS).slice(0, small),
    ...random.shuffled(LARGE_KINDS).slice(0, large),
  ];
  return random.shuffled(kinds).map((kind, n) => ({ name: `c${n} ${kind.type.slice(0, 4)}`, kind }));
}

function definitions(columns: readonly TestColumn[]): string[] {
  return columns.map((column) => `${quote(column.name)} ${column.kind.type}`);
}

function storage(name: string, columns: readonly TestColumn[]): string {
  return columns
    .filter((column) => column.kind.storage !== undefined)
    .map(
      (column) =>
        `;ALTER TABLE ${quote(name)} ALTER COLUMN ${quote(column.name)} SET STORAGE ${column.kind.storage}`,
    )
    .join('');
}

/** Loaded first, in several chunks: the others' changes wait for it in segments. */
function bigTable(random: Random): TestTable {
  const name = 'a big one';
  const columns = columnsOf(random, 3, 2);
  const key = random.pick(KEY_KINDS.slice(0, 5));
  return {
    name,
    key: [{ name: 'k', value: key.value }],
    columns,
    ddl: `CREATE TABLE ${quote(name)} (${[`k ${key.type} PRIMARY KEY`, ...definitions(columns)].join(', ')})${storage(name, columns)}`,
    rows: 220,
  };
}

/** A moved key goes to another partition, which PostgreSQL does as a delete and an insert. */
function partitioned(random: Random): TestTable {
  const name = 'parted';
  const columns = columnsOf(random, 2, 1);
  const parts = [0, 1]
    .map(
      (n) =>
        `;CREATE TABLE ${quote(`parted ${n}`)} PARTITION OF ${quote(name)} FOR VALUES WITH (MODULUS 2, REMAINDER ${n})${storage(`parted ${n}`, columns)}`,
    )
    .join('');
  return {
    name,
    key: [{ name: 'k', value: (n) => String(n) }],
    columns,
    ddl: `CREATE TABLE ${quote(name)} (${['k int PRIMARY KEY', ...definitions(columns)].join(', ')}) PARTITION BY HASH (k)${parts}`,
    rows: random.between(0, 40),
  };
}

function table(
  random: Random,
  name: string,
  shape: 'keyed' | 'composite' | 'index' | 'keyless' | 'full',
): TestTable {
  const columns = columnsOf(random, random.between(2, 7), random.below(3));
  const large = storage(name, columns);
  const rows = random.between(0, 40);
  const head = `CREATE TABLE ${quote(name)}`;
  const full = `;ALTER TABLE ${quote(name)} REPLICA IDENTITY FULL`;
  if (shape === 'keyless')
    return {
      name,
      key: [],
      columns,
      rows,
      ddl: `${head} (${definitions(columns).join(', ')})${large}${full}`,
    };
  const kinds = random.shuffled(KEY_KINDS);
  const one = kinds[0]!;
  const other = kinds[1]!;
  if (shape === 'composite')
    return {
      name,
      key: [
        { name: 'k1', value: (n) => one.value(n % 8) },
        { name: 'k2', value: (n) => other.value(Math.floor(n / 8)) },
      ],
      columns,
      rows,
      ddl: `${head} (k2 ${other.type}, ${definitions(columns).join(', ')}, k1 ${one.type}, PRIMARY KEY (k1, k2))${large}`,
    };
  const key = [{ name: 'k', value: one.value }];
  if (shape === 'index')
    return {
      name,
      key,
      columns,
      rows,
      ddl: `${head} (${definitions(columns).join(', ')}, k ${one.type} NOT NULL)${large};CREATE UNIQUE INDEX ON ${quote(name)} (k);ALTER TABLE ${quote(name)} REPLICA IDENTITY USING INDEX ${quote(`${name}_k_idx`)}`,
    };
  return {
    name,
    key,
    columns,
    rows,
    ddl: `${head} (${definitions(columns).join(', ')}, k ${one.type} PRIMARY KEY)${large}${shape === 'full' ? full : ''}`,
  };
}

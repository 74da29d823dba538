import type { Random } from '../property/random.ts';
import type { ShardDatabase } from './shard-servers.ts';

export type Dialect = 'postgres' | 'mysql';

/** How the values of a column are told as text, alike by source and lake. */
export type Form = 'number' | 'text' | 'moment';

/** Every column that a shard of any of the virtual tables may have some day. */
export const FORMS: Readonly<Record<string, Form>> = {
  id: 'number',
  amount: 'number',
  status: 'text',
  note: 'text',
  remark: 'text',
  region: 'text',
  grade: 'number',
  at: 'moment',
  legacy: 'number',
  kind: 'text',
  n: 'number',
};

/** One DDL statement, and what the shard's columns are after it. */
export interface Step {
  readonly table: string;
  readonly sql: string;
  readonly becomes: (columns: Set<string>) => void;
}

/** Shards of `orders` in one database, no two alike, and how their columns change one after another. */
export interface OrderShards {
  /** Of each shard, the columns that it has now. */
  readonly columns: ReadonlyMap<string, Set<string>>;
  readonly create: readonly string[];
  readonly steps: readonly Step[];
}

/** In each database. SLUICE_TEST_SHARDS asks for fewer, where somebody looks for a fault by hand. */
export const SHARDS = Number(process.env.SLUICE_TEST_SHARDS ?? 8);
/** A shard in which rows are only ever added, one by one. */
export const GROWING = `orders_${SHARDS - 1}`;

/** `ofAll`: which of all the shards of all databases the first one of this database is. */
export function orderShards(dialect: Dialect, random: Random, ofAll: number): OrderShards {
  const columns = new Map<string, Set<string>>();
  const create: string[] = [];
  const steps = new Map<string, Step[]>();
  const my = dialect === 'mysql';
  for (let index = 0; index < SHARDS; index++) {
    const table = `orders_${index}`;
    // Each kind of difference is there whatever the seed, and not in the same shards.
    const n = ofAll + index;
    const narrowId = n % 3 !== 0;
    const amount = ['numeric(10,2)', 'numeric(12,4)', 'int'][n % 4] ?? 'numeric(10,2)';
    const own = [
      { name: 'id', sql: `id ${narrowId ? 'int' : 'bigint'} NOT NULL` },
      { name: 'amount', sql: `amount ${amount}${n % 5 === 0 ? ' NOT NULL' : ''}` },
      { name: 'status', sql: 'status varchar(10) NOT NULL' },
      ...(n % 2 === 0 ? [{ name: 'note', sql: `note varchar(${n % 4 === 0 ? 40 : 200})` }] : []),
      ...(n % 3 === 1 ? [{ name: 'at', sql: `at ${my ? 'datetime(6)' : 'timestamp'}` }] : []),
      ...(n % 6 === 5 ? [{ name: 'legacy', sql: 'legacy int' }] : []),
    ];
    const shuffled = random.shuffled(own);
    create.push(`CREATE TABLE ${table} (${shuffled.map(({ sql }) => sql).join(', ')}, PRIMARY KEY (id))`);
    columns.set(table, new Set(own.map(({ name }) => name)));
    const plan: Step[] = [];
    const add = (sql: string, becomes: Step['becomes'] = () => undefined): void => {
      plan.push({ table, sql: `ALTER TABLE ${table} ${sql}`, becomes });
    };
    const has = (name: string): boolean => own.some((one) => one.name === name);
    // What all shards get, each in its own time.
    add('ADD COLUMN region varchar(20)', (now) => now.add('region'));
    // What is on its way still when the test ends: half of the shards.
    if (n % 2 === 1) add('ADD COLUMN grade int NOT NULL DEFAULT 7', (now) => now.add('grade'));
    if (has('note') && n % 8 !== 6)
      add('RENAME COLUMN note TO remark', (now) => {
        now.delete('note');
        now.add('remark');
      });
    if (narrowId && n % 2 === 0) add(my ? 'MODIFY COLUMN id bigint NOT NULL' : 'ALTER COLUMN id TYPE bigint');
    if (amount === 'numeric(10,2)' && n % 5 !== 0)
      add(my ? 'MODIFY COLUMN amount numeric(14,4)' : 'ALTER COLUMN amount TYPE numeric(14,4)');
    if (has('legacy')) add('DROP COLUMN legacy', (now) => now.delete('legacy'));
    steps.set(table, random.shuffled(plan));
  }
  return { columns, create, steps: interleaved([...steps.values()], random) };
}

/** One list, in which those of each shard keep their order. */
function interleaved(lists: readonly (readonly Step[])[], random: Random): readonly Step[] {
  const turns = random.shuffled(lists.flatMap((list, index) => list.map(() => index)));
  const next = lists.map(() => 0);
  return turns.map((index) => {
    const at = next[index]!;
    next[index] = at + 1;
    return lists[index]![at]!;
  });
}

/** SQL that tells a value of a column as text; `engine`: whose. */
export function told(engine: Dialect | 'lake', column: string): string {
  const text = { postgres: 'text', mysql: 'char', lake: 'varchar' }[engine];
  const name = engine === 'mysql' ? `\`${column}\`` : `"${column}"`;
  switch (FORMS[column]) {
    case 'number':
      return `cast(cast(${name} AS decimal(30,6)) AS ${text})`;
    case 'moment':
      return {
        postgres: `to_char(${name}, 'YYYY-MM-DD HH24:MI:SS.US')`,
        mysql: `date_format(${name}, '%Y-%m-%d %H:%i:%s.%f')`,
        lake: `strftime(${name}, '%Y-%m-%d %H:%M:%S.%f')`,
      }[engine];
    case 'text':
      return name;
    default:
      throw new Error(`the column ${column} is not expected`);
  }
}

/** Names of the columns of each shard that there is now, by the database's own catalog. */
export async function columnsNow(
  { rows, schema }: ShardDatabase,
  tables: RegExp,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = await rows(
    `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = '${schema}'`,
  );
  const columns = new Map<string, string[]>();
  for (const [table, column] of found as [string, string][])
    if (tables.test(table)) columns.set(table, [...(columns.get(table) ?? []), column]);
  return columns;
}

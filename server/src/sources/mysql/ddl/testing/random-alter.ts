import type { ColumnEffects } from '../classify.ts';

type Pick = <T>(list: readonly T[]) => T;

export interface RandomAlter {
  /** What comes behind ALTER TABLE <table>. */
  readonly clauses: string;
  readonly columns: ColumnEffects;
  /** The names of the columns behind it, where the server takes it. */
  readonly names: readonly string[];
}

const TYPES = [
  'int',
  'bigint unsigned',
  'varchar(40)',
  "enum('a','b,c','it''s','(')",
  'decimal(10, 2)',
  'text',
  "set('NOT NULL','DEFAULT 5')",
  'datetime(3)',
];
const EMPTY = ['', ' NULL', ' DEFAULT NULL', " COMMENT 'NOT NULL, DROP a DEFAULT 7'", ' INVISIBLE'];
/** Of int. */
const FILLED = [
  ' NOT NULL',
  ' DEFAULT 5',
  ' NOT NULL DEFAULT (1 + (2))',
  " DEFAULT '7' COMMENT 'x'",
  ' GENERATED ALWAYS AS (1 + 2) VIRTUAL',
  ' AS (length("a,b")) STORED',
];
const HARMLESS = [
  "COMMENT = 'ADD x int, DROP COLUMN y'",
  'ENGINE=InnoDB ROW_FORMAT=DYNAMIC',
  'AUTO_INCREMENT = 99',
  'ALGORITHM=COPY',
  'STATS_PERSISTENT=1',
  'DEFAULT CHARACTER SET utf8mb4',
];
export const NEW_NAMES = [
  'n',
  'größe',
  'a b',
  'x`y',
  'key',
  "it's",
  'c,d',
  'e)f',
  'q"r',
  'partitions',
  'engine',
  'comment',
  '--',
  '/*',
  'FIRST',
  'after',
  'Default',
  'a.b',
  'new 2',
  'column',
];

/** Names that are written without quotes now and then. */
const PLAIN = /^(n|größe|partitions|engine|comment|after|[a-h])$/;

/** An ALTER TABLE of some clauses over these columns, none of them twice, and what it does to them. */
export function randomAlter(names: readonly string[], pick: Pick, ansi: boolean): RandomAlter {
  const quote = (name: string): string => {
    if (PLAIN.test(name) && pick([true, false])) return name;
    return ansi && pick([true, false])
      ? `"${name.replaceAll('"', '""')}"`
      : `\`${name.replaceAll('`', '``')}\``;
  };
  const space = (): string => pick([' ', '  ', '\n', '\t', ' /* , DROP x */ ', ' -- , ADD y\n', ' /*! */ ']);
  const keyword = (text: string): string => pick([text, text.toLowerCase()]);
  const column = (): string => pick(['', `${space()}${keyword('COLUMN')}`]);
  const columns = {
    renamed: [] as { from: string; to: string }[],
    dropped: [] as string[],
    added: [] as { name: string; filled: boolean }[],
    modified: [] as string[],
    reordered: false,
    key: false,
    foreignKeys: false,
  };
  const free = NEW_NAMES.filter((name) => !names.some((other) => other.toLowerCase() === name.toLowerCase()));
  const left = [...names];
  const now = [...names];
  const takeFrom = (list: string[]): string => {
    const name = pick(list);
    list.splice(list.indexOf(name), 1);
    return name;
  };
  const place = (): string => {
    const how = pick(['', '', 'FIRST', 'AFTER']);
    if (how !== '') columns.reordered = true;
    if (how === 'AFTER' && left.length === 0) return `${space()}FIRST`;
    return how === 'AFTER' ? `${space()}AFTER ${quote(pick(left))}` : how === '' ? '' : `${space()}${how}`;
  };
  const definition = (): { readonly sql: string; readonly filled: boolean } =>
    pick([true, false])
      ? { sql: `${pick(TYPES)}${pick(EMPTY)}`, filled: false }
      : {
          sql: `int${pick(FILLED.map((one) => (ansi ? one.replace('"a,b"', "'a,b'") : one)))}`,
          filled: true,
        };
  const clauses: string[] = [];
  const count = pick([1, 1, 2, 3, 5]);
  for (let i = 0; i < count; i++)
    switch (pick(['add', 'add', 'several', 'drop', 'rename', 'swap', 'change', 'modify', 'harmless'])) {
      case 'add': {
        if (free.length === 0) break;
        const name = takeFrom(free);
        const { sql, filled } = definition();
        clauses.push(`${keyword('ADD')}${column()}${space()}${quote(name)} ${sql}${place()}`);
        columns.added.push({ name, filled });
        now.push(name);
        break;
      }
      case 'several': {
        if (free.length < 2) break;
        const parts = [takeFrom(free), takeFrom(free)].map((name) => {
          const { sql, filled } = definition();
          columns.added.push({ name, filled });
          now.push(name);
          return `${quote(name)} ${sql}`;
        });
        clauses.push(`${keyword('ADD')}${column()}${space()}(${parts.join(',')})`);
        break;
      }
      case 'drop': {
        if (left.length < 3) break;
        const name = takeFrom(left);
        clauses.push(`${keyword('DROP')}${column()}${space()}${quote(name)}`);
        columns.dropped.push(name);
        now.splice(now.indexOf(name), 1);
        break;
      }
      case 'rename': {
        if (left.length < 3 || free.length === 0) break;
        const [from, to] = [takeFrom(left), takeFrom(free)];
        clauses.push(`${keyword('RENAME COLUMN')}${space()}${quote(from)} ${keyword('TO')} ${quote(to)}`);
        columns.renamed.push({ from, to });
        now[now.indexOf(from)] = to;
        break;
      }
      case 'swap': {
        if (left.length < 4) break;
        const [one, other] = [takeFrom(left), takeFrom(left)];
        clauses.push(`RENAME COLUMN ${quote(one)} TO ${quote(other)}`);
        clauses.push(`RENAME COLUMN ${quote(other)} TO ${quote(one)}`);
        columns.renamed.push({ from: one, to: other }, { from: other, to: one });
        break;
      }
      case 'change': {
        if (left.length < 3 || free.length === 0) break;
        const [from, to] = [takeFrom(left), takeFrom(free)];
        const sql = `${pick(TYPES)}${pick(EMPTY)}${place()}`;
        clauses.push(`${keyword('CHANGE')}${column()} ${quote(from)} ${quote(to)} ${sql}`);
        columns.renamed.push({ from, to });
        columns.modified.push(to);
        now[now.indexOf(from)] = to;
        break;
      }
      case 'modify': {
        if (left.length < 3) break;
        const name = takeFrom(left);
        clauses.push(`${keyword('MODIFY')}${column()} ${quote(name)} ${pick(TYPES)}${pick(EMPTY)}${place()}`);
        columns.modified.push(name);
        break;
      }
      case 'harmless':
        clauses.push(pick(HARMLESS));
        break;
    }
  return { clauses: clauses.join(pick([',', ', ', ' ,\n'])), columns, names: now };
}

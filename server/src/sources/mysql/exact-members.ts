import { SluiceError } from '@sluice/contract';
import type { TableName } from '../../model/table.ts';
import { parseNative } from './native-type.ts';
import { quoteIdent, quoteTable } from './quote.ts';

/**
 * The server writes the types of its catalog, SHOW CREATE TABLE's too, in utf8mb3: a character that utf8mb3 lacks is a
 * question mark there, and nothing tells it from a real one.
 */
const BEYOND_UTF8MB3: ReadonlySet<string> = new Set(['utf8mb4', 'utf16', 'utf16le', 'utf32', 'gb18030']);

const MEMBERS_A_STATEMENT = 100;

/** MariaDB gives a column the width of its first number. No member has this one. */
const WIDEST = 2n ** 64n - 1n;

export interface MemberColumn {
  readonly name: string;
  /** COLUMN_TYPE */
  readonly type: string;
  readonly charset: string | null;
}

type Ask = (sql: string) => Promise<readonly Readonly<Record<string, string | null>>[]>;

/** Whether an enum or set may have other members than the catalog shows. */
export function mayHideMembers({ type, charset }: MemberColumn): boolean {
  return BEYOND_UTF8MB3.has(charset ?? '') && /^(?:enum|set)\(/i.test(type) && type.includes('?');
}

/**
 * The type with its members as they are; null: the server does not tell them (MySQL before 8.0 has no recursive
 * queries; MariaDB's know the first eight members of a set). @throws SluiceError SOURCE_*
 */
export async function exactType(ask: Ask, table: TableName, column: MemberColumn): Promise<string | null> {
  try {
    const characters = await charactersShownAsMarks(ask, table, column);
    if (characters === null || characters.length !== column.type.split('?').length - 1) return null;
    let next = 0;
    return column.type.replaceAll('?', () => characters[next++]!);
  } catch (error) {
    const { code, rule } = SluiceError.from(error);
    if (code === 'SOURCE_QUERY' || rule.scope === 'table') return null;
    throw error;
  }
}

/** In the order of the type's question marks. */
async function charactersShownAsMarks(
  ask: Ask,
  table: TableName,
  { name, type, charset }: MemberColumn,
): Promise<readonly string[] | null> {
  const native = parseNative(`${type} character set ${charset}`);
  if (native.kind !== 'enum' && native.kind !== 'set') return null;
  const marked = native.values.flatMap((shown, index) =>
    shown.includes('?') ? [{ shown, value: native.kind === 'enum' ? index + 1 : 1n << BigInt(index) }] : [],
  );
  const characters: string[] = [];
  for (let at = 0; at < marked.length; at += MEMBERS_A_STATEMENT) {
    const some = marked.slice(at, at + MEMBERS_A_STATEMENT);
    const rows = await ask(
      membersSql(
        table,
        name,
        some.map(({ value }) => value),
      ),
    );
    const members = new Map(rows.map((row) => [row.value, row.member]));
    for (const { shown, value } of some) {
      const found = charactersBehind(shown, members.get(String(value)) ?? '');
      if (found === null) return null;
      characters.push(...found);
    }
  }
  return characters;
}

/**
 * The columns of a recursive query have the types of its first part, so a number that a later part puts there becomes
 * the member. The first part is one row without a member, whatever the table holds: no row of it is read.
 */
function membersSql(table: TableName, column: string, values: readonly (number | bigint)[]): string {
  const wanted = values.map((value) => `SELECT CAST(${value} AS UNSIGNED) AS value`).join(' UNION ALL ');
  return (
    `WITH RECURSIVE members (value, member) AS (SELECT CAST(${WIDEST} AS UNSIGNED), t.${quoteIdent(column)}` +
    ` FROM (SELECT 1 AS one) AS single LEFT JOIN ${quoteTable(table)} AS t ON FALSE` +
    ` UNION ALL SELECT wanted.value, wanted.value FROM members JOIN (${wanted}) AS wanted ON members.value = ${WIDEST})` +
    ' SELECT value, member FROM members'
  );
}

/** What stands where `shown` has question marks; null: `member` is another text than the one that was shown. */
function charactersBehind(shown: string, member: string): readonly string[] | null {
  const own = [...member];
  const seen = [...shown];
  if (own.length !== seen.length) return null;
  const fits = seen.every((character, i) =>
    character === '?' ? own[i] === '?' || own[i]!.codePointAt(0)! > 0xffff : character === own[i],
  );
  return fits ? own.filter((_, i) => seen[i] === '?') : null;
}

import type { TableName } from '../../../model/table.ts';
import { columnDefinition } from './column-definition.ts';
import type { TableEffect } from './effects.ts';
import { partitionEffects } from './partitions.ts';
import { Cursor, keywords, outsideParentheses, splitByComma, type Token } from './tokens.ts';

export type ReadName = (cursor: Cursor) => TableName | null;

/** Gathers what the clauses of one ALTER TABLE do. */
interface Gathered {
  readonly renamed: { from: string; to: string }[];
  readonly dropped: string[];
  readonly added: { name: string; filled: boolean }[];
  readonly modified: string[];
  /** Of ADD PRIMARY KEY (…), and those that SET DEFAULT is said of: a column that is added as well is filled by it. */
  readonly filledBeside: string[];
  reordered: boolean;
  key: boolean;
  foreignKeys: boolean;
  newName: TableName | null;
  /** The first clause that may have changed rows unseen. */
  unseen: string | null;
}

/**
 * The effects of `ALTER TABLE <table> <clauses>`, given what follows the table's name (MySQL manual, "ALTER TABLE
 * Statement"; MariaDB knowledge base, "ALTER TABLE"). A clause that is not known counts as one that changes rows.
 * `ignore`: ALTER IGNORE, which drops rows that a unique key has no room for.
 */
export function alterEffects(
  table: TableName,
  rest: readonly Token[],
  ignore: boolean,
  readName: ReadName,
): readonly TableEffect[] {
  const found: Gathered = {
    renamed: [],
    dropped: [],
    added: [],
    modified: [],
    filledBeside: [],
    reordered: false,
    key: false,
    foreignKeys: false,
    newName: null,
    unseen: ignore ? 'ALTER IGNORE' : null,
  };
  const others: TableEffect[] = [];
  let tokens = withoutTail(rest);
  while (tokens.length > 0) {
    const clause = new Cursor(tokens);
    const partitions = partitionEffects(table, clause, readName);
    if (partitions !== null) {
      // It is the last clause, and has commas of its own.
      others.push(...partitions);
      break;
    }
    const end = clause.seek(',') ? clause.at : tokens.length;
    if (end > 0) readClause(tokens.slice(0, end), found, readName);
    tokens = tokens.slice(end + 1);
  }
  return effectsOf(table, found, others);
}

function effectsOf(
  table: TableName,
  { renamed, dropped, added, modified, filledBeside, reordered, key, foreignKeys, newName, unseen }: Gathered,
  others: readonly TableEffect[],
): readonly TableEffect[] {
  const effects: TableEffect[] = [];
  if (unseen !== null) effects.push({ kind: 'rows-changed', table, reason: unseen });
  effects.push(...others);
  const beside = new Set(filledBeside.map((name) => name.toLowerCase()));
  const filled = added.map((one) => ({ ...one, filled: one.filled || beside.has(one.name.toLowerCase()) }));
  effects.push({
    kind: 'altered',
    table,
    columns: { renamed, dropped, added: filled, modified, reordered, key, foreignKeys },
  });
  if (newName !== null) effects.push({ kind: 'renamed', from: table, to: newName });
  return effects;
}

/**
 * Without what stands behind the last clause, without a comma, and has commas of its own: ORDER BY, PARTITION BY and
 * REMOVE PARTITIONING lay rows out anew and lose none; one that fits no partition fails the statement.
 */
function withoutTail(tokens: readonly Token[]): readonly Token[] {
  for (const index of outsideParentheses(tokens)) {
    const { key } = tokens[index]!;
    const next = tokens[index + 1]?.key ?? '';
    if (
      ((key === 'PARTITION' || key === 'ORDER') && next === 'BY') ||
      (key === 'REMOVE' && next === 'PARTITIONING')
    )
      return tokens.slice(0, index);
  }
  return tokens;
}

/** Clauses that touch neither a column nor a row, by their first word. */
const HARMLESS = keywords('ALGORITHM LOCK FORCE ENABLE DISABLE WITH WITHOUT SECONDARY_LOAD SECONDARY_UNLOAD');

/** First words of a table's options, of which one clause may hold several. */
const OPTIONS = keywords(
  `AUTO_INCREMENT AUTOEXTEND_SIZE AVG_ROW_LENGTH CHARACTER CHARSET CHECKSUM COLLATE COMMENT COMPRESSION CONNECTION DATA
  DEFAULT DELAY_KEY_WRITE ENCRYPTED ENCRYPTION ENCRYPTION_KEY_ID ENGINE ENGINE_ATTRIBUTE IETF_QUOTES INDEX INSERT_METHOD
  KEY_BLOCK_SIZE MAX_ROWS MIN_ROWS PACK_KEYS PAGE_CHECKSUM PAGE_COMPRESSED PAGE_COMPRESSION_LEVEL PASSWORD ROW_FORMAT
  SECONDARY_ENGINE SECONDARY_ENGINE_ATTRIBUTE START STATS_AUTO_RECALC STATS_PERSISTENT STATS_SAMPLE_PAGES STORAGE
  TABLE_CHECKSUM TABLESPACE TRANSACTIONAL TYPE UNION`,
);

/** Engines that take over the rows of another one and give them out again. */
const KEEPING_ENGINES = keywords(
  'INNODB MYISAM ARIA MEMORY HEAP ARCHIVE CSV ROCKSDB TOKUDB NDB NDBCLUSTER XENGINE',
);

function readClause(tokens: readonly Token[], found: Gathered, readName: ReadName): void {
  const clause = new Cursor(tokens, 1);
  const verb = tokens[0]!.key;
  if (verb === 'ADD') add(clause, found);
  else if (verb === 'DROP') drop(clause, found);
  else if (verb === 'RENAME') rename(clause, found, readName);
  else if (verb === 'CHANGE') change(clause, found);
  else if (verb === 'MODIFY') modify(clause, found);
  else if (verb === 'ALTER') alter(clause, found);
  else if (OPTIONS.has(verb)) options(tokens, found);
  else if (!HARMLESS.has(verb)) found.unseen ??= excerpt(tokens);
}

/** What a clause begins with, for people. */
function excerpt(tokens: readonly Token[]): string {
  return tokens
    .slice(0, 4)
    .map((token) => token.text)
    .join(' ');
}

/** None of these can be a column's name without quotes; what is quoted has no key. */
const CONSTRAINTS = keywords('INDEX KEY UNIQUE FULLTEXT SPATIAL CONSTRAINT PRIMARY FOREIGN CHECK');

function isConstraint(clause: Cursor): boolean {
  // MariaDB's kind of index is a type elsewhere: ADD vector int.
  return (
    CONSTRAINTS.has(clause.key()) || (clause.key() === 'VECTOR' && /^(INDEX|KEY|\()$/.test(clause.key(1)))
  );
}

function add(clause: Cursor, found: Gathered): void {
  if (isConstraint(clause)) {
    addConstraint(clause, found);
    return;
  }
  if (clause.take('SYSTEM', 'VERSIONING') || clause.take('PERIOD', 'FOR')) {
    found.unseen ??= excerpt(clause.tokens);
    return;
  }
  clause.take('COLUMN');
  clause.take('IF', 'NOT', 'EXISTS');
  const several = clause.group();
  if (several === null) {
    addColumn(clause, found);
    return;
  }
  for (const part of splitByComma(several)) {
    const one = new Cursor(part);
    if (isConstraint(one)) addConstraint(one, found);
    else addColumn(one, found);
  }
}

/** Whether a definition has a rule by which rows change. */
function refers(tokens: readonly Token[]): boolean {
  return (
    tokens.some((token) => token.key === 'REFERENCES') &&
    tokens.some((token) => token.key === 'CASCADE' || token.key === 'SET')
  );
}

/** A primary key makes its columns NOT NULL; a unique index may be what rows are recognised by. */
function addConstraint(clause: Cursor, found: Gathered): void {
  if (clause.tokens.some((token) => token.key === 'UNIQUE')) found.key = true;
  if (refers(clause.tokens)) found.foreignKeys = true;
  if (!clause.seek('PRIMARY') || !clause.take('PRIMARY', 'KEY')) return;
  found.key = true;
  while (!clause.done) {
    const columns = clause.group();
    if (columns === null) clause.at++;
    else for (const part of splitByComma(columns)) if (part[0]) found.filledBeside.push(part[0].text);
  }
}

function addColumn(clause: Cursor, found: Gathered): void {
  const name = columnName(clause);
  if (name === null) {
    found.unseen ??= 'an ADD that could not be read';
    return;
  }
  if (refers(clause.tokens)) found.foreignKeys = true;
  const definition = columnDefinition(clause.rest());
  found.added.push({ name, filled: definition.filled });
  if (definition.placed) found.reordered = true;
  if (definition.key || definition.unique) found.key = true;
}

/** `c`; MariaDB and old MySQL take `t.c` and `s.t.c` as well. */
function columnName(clause: Cursor): string | null {
  clause.take('.');
  let name = clause.name();
  while (name !== null && clause.take('.')) name = clause.name();
  return name;
}

function drop(clause: Cursor, found: Gathered): void {
  if (clause.take('PRIMARY', 'KEY')) {
    found.key = true;
    return;
  }
  if (clause.take('SYSTEM', 'VERSIONING') || clause.take('PERIOD', 'FOR')) {
    found.unseen ??= excerpt(clause.tokens);
    return;
  }
  if (clause.take('FOREIGN')) {
    found.foreignKeys = true;
    return;
  }
  if (clause.take('CHECK')) return;
  const what = clause.takeAny('INDEX', 'KEY', 'CONSTRAINT');
  if (what !== null) {
    if (what === 'CONSTRAINT') found.foreignKeys = true;
    // It may be a unique one.
    found.key = true;
    return;
  }
  clause.take('COLUMN');
  clause.take('IF', 'EXISTS');
  const name = columnName(clause);
  if (name === null) found.unseen ??= 'a DROP that could not be read';
  else found.dropped.push(name);
}

function rename(clause: Cursor, found: Gathered, readName: ReadName): void {
  if (clause.takeAny('INDEX', 'KEY') !== null) return;
  if (clause.take('COLUMN')) {
    clause.take('IF', 'EXISTS');
    const from = columnName(clause);
    const to = clause.take('TO') ? columnName(clause) : null;
    if (from === null || to === null) found.unseen ??= 'a RENAME COLUMN that could not be read';
    else if (from !== to) found.renamed.push({ from, to });
    return;
  }
  clause.takeAny('TO', 'AS', '=');
  found.newName = readName(clause);
  if (found.newName === null) found.unseen ??= 'a RENAME that could not be read';
}

function change(clause: Cursor, found: Gathered): void {
  clause.take('COLUMN');
  clause.take('IF', 'EXISTS');
  const from = columnName(clause);
  const to = columnName(clause);
  if (from === null || to === null) {
    found.unseen ??= 'a CHANGE that could not be read';
    return;
  }
  if (from !== to) found.renamed.push({ from, to });
  defined(to, clause, found);
}

function modify(clause: Cursor, found: Gathered): void {
  clause.take('COLUMN');
  clause.take('IF', 'EXISTS');
  const name = columnName(clause);
  if (name === null) found.unseen ??= 'a MODIFY that could not be read';
  else defined(name, clause, found);
}

function defined(name: string, clause: Cursor, found: Gathered): void {
  const definition = columnDefinition(clause.rest());
  found.modified.push(name);
  if (definition.placed) found.reordered = true;
  if (definition.key || definition.unique) found.key = true;
  if (definition.numbered) found.unseen ??= `AUTO_INCREMENT of the column ${name}`;
}

/** ALTER [COLUMN] c SET …, ALTER INDEX …, ALTER CHECK …: for rows to come, but MariaDB lets c be added beside it. */
function alter(clause: Cursor, found: Gathered): void {
  if (clause.takeAny('INDEX', 'KEY', 'CHECK', 'CONSTRAINT') !== null) return;
  clause.take('COLUMN');
  clause.take('IF', 'EXISTS');
  const name = columnName(clause);
  if (name !== null) found.filledBeside.push(name);
}

function options(tokens: readonly Token[], found: Gathered): void {
  for (const index of outsideParentheses(tokens)) {
    const { key } = tokens[index]!;
    // The rows of a MERGE table are those of others.
    if (key === 'UNION') found.unseen ??= 'UNION';
    if (key !== 'ENGINE' && key !== 'TYPE') continue;
    const value = tokens[tokens[index + 1]?.key === '=' ? index + 2 : index + 1]?.text ?? '';
    if (!KEEPING_ENGINES.has(value.toUpperCase())) found.unseen ??= `${key} ${value}`;
  }
}

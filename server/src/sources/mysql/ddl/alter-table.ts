import type { TableName } from '../../../model/table.ts';
import type { ColumnEffects, TableEffect } from './effects.ts';
import { Cursor, splitByComma, type Token } from './tokens.ts';

/** Gathers what the clauses of one ALTER TABLE do. */
interface Gathered {
  readonly renamed: { from: string; to: string }[];
  readonly dropped: string[];
  readonly added: { name: string; filled: boolean }[];
  readonly modified: string[];
  reordered: boolean;
  key: boolean;
  newName: TableName | null;
  /** The first clause that may have changed rows unseen. */
  unseen: string | null;
  /** EXCHANGE PARTITION … WITH TABLE. */
  exchanged: TableName | null;
}

/**
 * The effects of `ALTER TABLE <table> <clauses>`, given what follows the table's name (MySQL manual, "ALTER TABLE
 * Statement"; MariaDB knowledge base, "ALTER TABLE"). A clause that is not known counts as one that changes rows.
 */
export function alterEffects(
  table: TableName,
  rest: readonly Token[],
  readName: (cursor: Cursor) => TableName | null,
): readonly TableEffect[] {
  const found: Gathered = {
    renamed: [],
    dropped: [],
    added: [],
    modified: [],
    reordered: false,
    key: false,
    newName: null,
    unseen: null,
    exchanged: null,
  };
  for (const clause of splitByComma(rest)) readClause(clause, found, readName);
  const effects: TableEffect[] = [];
  if (found.unseen !== null) effects.push({ kind: 'rows-changed', table, reason: found.unseen });
  if (found.exchanged !== null)
    effects.push({
      kind: 'rows-changed',
      table: found.exchanged,
      reason: found.unseen ?? 'EXCHANGE PARTITION',
    });
  const { renamed, dropped, added, modified, reordered, key } = found;
  const columns: ColumnEffects = { renamed, dropped, added, modified, reordered, key };
  effects.push({ kind: 'altered', table, columns });
  if (found.newName !== null) effects.push({ kind: 'renamed', from: table, to: found.newName });
  return effects;
}

/** Table options and clauses that touch neither a column nor a row, by their first word. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...[
    'ALGORITHM',
    'LOCK',
    'FORCE',
    'ENABLE',
    'DISABLE',
    'ENGINE',
    'TYPE',
    'COMMENT',
    'ROW_FORMAT',
    'KEY_BLOCK_SIZE',
  ],
  ...[
    'AUTO_INCREMENT',
    'AVG_ROW_LENGTH',
    'CHECKSUM',
    'TABLE_CHECKSUM',
    'COMPRESSION',
    'CONNECTION',
    'DATA',
    'INDEX',
  ],
  ...[
    'DELAY_KEY_WRITE',
    'ENCRYPTION',
    'INSERT_METHOD',
    'MAX_ROWS',
    'MIN_ROWS',
    'PACK_KEYS',
    'PASSWORD',
    'UNION',
  ],
  ...[
    'STATS_AUTO_RECALC',
    'STATS_PERSISTENT',
    'STATS_SAMPLE_PAGES',
    'TABLESPACE',
    'STORAGE',
    'ORDER',
    'WITH',
  ],
  ...[
    'WITHOUT',
    'SECONDARY_LOAD',
    'SECONDARY_UNLOAD',
    'SECONDARY_ENGINE',
    'AUTOEXTEND_SIZE',
    'ENGINE_ATTRIBUTE',
  ],
  ...[
    'SECONDARY_ENGINE_ATTRIBUTE',
    'PAGE_CHECKSUM',
    'TRANSACTIONAL',
    'PAGE_COMPRESSED',
    'PAGE_COMPRESSION_LEVEL',
  ],
  // ALTER COLUMN: defaults and visibility, for rows to come.
  'ALTER',
  ...['ENCRYPTED', 'ENCRYPTION_KEY_ID', 'IETF_QUOTES', 'DEFAULT', 'CHARACTER', 'CHARSET', 'COLLATE', 'START'],
]);

/** Clauses over partitions that keep every row, by the word before PARTITION. */
const KEEPS_PARTITIONED_ROWS: ReadonlySet<string> = new Set([
  ...['ADD', 'REORGANIZE', 'COALESCE', 'ANALYZE', 'CHECK', 'OPTIMIZE', 'REBUILD', 'REPAIR', 'REMOVE'],
]);

function readClause(
  tokens: readonly Token[],
  found: Gathered,
  readName: (cursor: Cursor) => TableName | null,
): void {
  if (tokens.length === 0) return;
  const clause = new Cursor(tokens);
  const verb = clause.key();
  // PARTITION BY lays rows out anew and drops none: one that fits no partition fails the statement.
  if (verb === 'PARTITION' && clause.key(1) === 'BY') return;
  if (/^PARTITION(ING)?S?$/.test(clause.key(1)) && verb !== '') {
    partition(verb, clause, found, readName);
    return;
  }
  clause.next();
  if (verb === 'ADD') add(clause, found);
  else if (verb === 'DROP') drop(clause, found);
  else if (verb === 'RENAME') rename(clause, found, readName);
  else if (verb === 'CHANGE') change(clause, found);
  else if (verb === 'MODIFY') modify(clause, found);
  else if (!HARMLESS.has(verb)) found.unseen ??= firstWords(tokens);
}

/** What a clause begins with, for people. */
function firstWords(tokens: readonly Token[]): string {
  return tokens
    .slice(0, 4)
    .map((token) => token.text)
    .join(' ');
}

function partition(
  verb: string,
  clause: Cursor,
  found: Gathered,
  readName: (cursor: Cursor) => TableName | null,
): void {
  if (KEEPS_PARTITIONED_ROWS.has(verb)) return;
  found.unseen ??= `${verb} PARTITION`;
  if (verb !== 'EXCHANGE' && verb !== 'CONVERT') return;
  while (!clause.done && clause.key() !== 'TABLE') clause.next();
  if (clause.take('TABLE')) found.exchanged = readName(clause);
}

/** None of these can be a column's name without quotes; what is quoted has no key. */
const CONSTRAINT_WORDS: ReadonlySet<string> = new Set([
  ...['INDEX', 'KEY', 'UNIQUE', 'FULLTEXT', 'SPATIAL', 'CONSTRAINT', 'PRIMARY', 'FOREIGN', 'CHECK'],
]);

function add(clause: Cursor, found: Gathered): void {
  if (CONSTRAINT_WORDS.has(clause.key())) {
    if (isUnique(clause.tokens)) found.key = true;
    return;
  }
  if (clause.key() === 'SYSTEM' && clause.key(1) === 'VERSIONING') {
    found.unseen ??= 'ADD SYSTEM VERSIONING';
    return;
  }
  if (clause.key() === 'PERIOD' && clause.key(1) === 'FOR') {
    found.unseen ??= 'ADD PERIOD';
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
    if (CONSTRAINT_WORDS.has(one.key())) {
      if (isUnique(part)) found.key = true;
    } else addColumn(one, found);
  }
}

function addColumn(clause: Cursor, found: Gathered): void {
  const name = clause.name();
  if (name === null) {
    found.unseen ??= 'an ADD that could not be read';
    return;
  }
  const definition = clause.tokens.slice(clause.at);
  found.added.push({ name, filled: fillsRows(definition) });
  place(definition, found);
  if (makesKey(definition)) found.key = true;
}

/**
 * Whether rows that are there get a value other than NULL. Only what surely leaves NULL is false: a type without a
 * word that could mean a value. A timestamp that is not said to be NULL may be NOT NULL with a default by itself
 * (explicit_defaults_for_timestamp).
 */
function fillsRows(definition: readonly Token[]): boolean {
  const keys = definition.map((token) => token.key);
  const type = keys[0] ?? '';
  if (type === 'SERIAL') return true;
  let depth = 0;
  let isNull = false;
  for (const [index, key] of keys.entries()) {
    if (key === '(') depth++;
    else if (key === ')') depth--;
    if (depth > 0) continue;
    const next = keys[index + 1] ?? '';
    switch (key) {
      case 'DEFAULT':
        if (next !== 'NULL') return true;
        isNull = true;
        break;
      case 'NOT':
        if (next === 'NULL') return true;
        break;
      case 'NULL':
        if (keys[index - 1] !== 'NOT') isNull = true;
        break;
      case 'AUTO_INCREMENT':
      case 'GENERATED':
      case 'AS':
      case 'PRIMARY':
      case 'ROW':
        return true;
    }
  }
  return type === 'TIMESTAMP' && !isNull;
}

/** A column may be the key by its own definition; KEY alone means PRIMARY KEY there. */
function makesKey(definition: readonly Token[]): boolean {
  return isUnique(definition) || definition.some((token) => token.key === 'KEY');
}

function isUnique(clause: readonly Token[]): boolean {
  return clause.some((token) => token.key === 'PRIMARY' || token.key === 'UNIQUE');
}

function place(definition: readonly Token[], found: Gathered): void {
  const keys = definition.map((token) => token.key);
  if (keys.at(-1) === 'FIRST' || keys.at(-2) === 'AFTER') found.reordered = true;
}

function drop(clause: Cursor, found: Gathered): void {
  if (clause.take('PRIMARY', 'KEY')) {
    found.key = true;
    return;
  }
  if (clause.take('SYSTEM', 'VERSIONING') || clause.take('PERIOD', 'FOR')) {
    found.unseen ??= 'DROP SYSTEM VERSIONING';
    return;
  }
  if (clause.takeAny('FOREIGN', 'CHECK') !== null) return;
  // It may be a unique one.
  if (clause.takeAny('INDEX', 'KEY', 'CONSTRAINT') !== null) {
    found.key = true;
    return;
  }
  clause.take('COLUMN');
  clause.take('IF', 'EXISTS');
  const name = clause.name();
  if (name === null) found.unseen ??= 'a DROP that could not be read';
  else found.dropped.push(name);
}

function rename(clause: Cursor, found: Gathered, readName: (cursor: Cursor) => TableName | null): void {
  if (clause.takeAny('INDEX', 'KEY') !== null) return;
  if (clause.take('COLUMN')) {
    clause.take('IF', 'EXISTS');
    const from = clause.name();
    const to = clause.take('TO') ? clause.name() : null;
    if (from === null || to === null) found.unseen ??= 'a RENAME COLUMN that could not be read';
    else if (from !== to) found.renamed.push({ from, to });
    return;
  }
  if (clause.takeAny('TO', 'AS', '=') === null && clause.peek() === undefined) {
    found.unseen ??= 'a RENAME that could not be read';
    return;
  }
  found.newName = readName(clause);
  if (found.newName === null) found.unseen ??= 'a RENAME that could not be read';
}

function change(clause: Cursor, found: Gathered): void {
  clause.take('COLUMN');
  clause.take('IF', 'EXISTS');
  const from = clause.name();
  const to = clause.name();
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
  const name = clause.name();
  if (name === null) found.unseen ??= 'a MODIFY that could not be read';
  else defined(name, clause, found);
}

function defined(name: string, clause: Cursor, found: Gathered): void {
  const definition = clause.tokens.slice(clause.at);
  found.modified.push(name);
  place(definition, found);
  if (makesKey(definition)) found.key = true;
  // Rows whose number is 0 or NULL are numbered.
  if (definition.some((token) => token.key === 'AUTO_INCREMENT' || token.key === 'SERIAL'))
    found.unseen ??= `AUTO_INCREMENT of the column ${name}`;
}

import { type TableName, tableKey } from '../../../model/table.ts';
import { alterEffects } from './alter-table.ts';
import type { ColumnEffects, Statement, TableEffect } from './effects.ts';
import { Cursor, type Dialect, splitByComma, type Token, tokensOf } from './tokens.ts';

export type { ColumnEffects, Statement, TableEffect } from './effects.ts';

export interface StatementContext extends Dialect {
  /** The default database; '' where there was none. */
  readonly schema: string;
}

const HARMLESS: Statement = { kind: 'harmless' };
const ONLY_KEY: ColumnEffects = {
  renamed: [],
  dropped: [],
  added: [],
  modified: [],
  reordered: false,
  key: true,
};

/**
 * What a statement of the log means for tables. It never fails: what it does not understand is `unknown`, with every
 * name in it that could be a table's.
 */
export function classify(sql: string, context: StatementContext): Statement {
  const tokens = tokensOf(sql, context).filter((token) => token.key !== ';');
  return new Classifier(tokens, context).classify();
}

/** Statements that change neither rows nor columns of tables, by their first word. */
const NO_TABLE: ReadonlySet<string> = new Set([
  ...[
    'SET',
    'GRANT',
    'REVOKE',
    'FLUSH',
    'RESET',
    'PURGE',
    'KILL',
    'INSTALL',
    'UNINSTALL',
    'SHOW',
    'SELECT',
    'USE',
  ],
  ...['ANALYZE', 'OPTIMIZE', 'REPAIR', 'CHECK', 'CHECKSUM', 'EXPLAIN', 'DESCRIBE', 'DESC', 'LOCK', 'UNLOCK'],
  ...[
    'START',
    'STOP',
    'CLONE',
    'SIGNAL',
    'HELP',
    'BINLOG',
    'CACHE',
    'IMPORT_',
    'DO',
    'RELEASE',
    'SHUTDOWN',
    'RESTART',
  ],
]);

/** Kinds of objects of CREATE, ALTER and DROP that are no tables. */
const OTHER_OBJECTS: ReadonlySet<string> = new Set([
  ...[
    'USER',
    'ROLE',
    'VIEW',
    'TRIGGER',
    'PROCEDURE',
    'FUNCTION',
    'EVENT',
    'SERVER',
    'LOGFILE',
    'TABLESPACE',
    'UNDO',
  ],
  ...['RESOURCE', 'SPATIAL_', 'SEQUENCE', 'PACKAGE', 'INSTANCE', 'LIBRARY', 'AGGREGATE', 'JSON'],
]);

class Classifier {
  readonly #tokens: readonly Token[];
  readonly #context: StatementContext;
  readonly #cursor: Cursor;

  constructor(tokens: readonly Token[], context: StatementContext) {
    this.#tokens = tokens;
    this.#context = context;
    this.#cursor = new Cursor(tokens);
  }

  classify(): Statement {
    const cursor = this.#cursor;
    if (cursor.done) return HARMLESS;
    const verb = cursor.key();
    switch (verb) {
      case 'BEGIN':
        return { kind: 'begin' };
      case 'COMMIT':
        return { kind: 'commit' };
      case 'ROLLBACK':
        return this.#rollback();
      case 'SAVEPOINT':
        return { kind: 'savepoint', name: cursor.peek(1)?.text ?? '' };
      case 'XA':
        return this.#xa();
      case 'START':
        return cursor.key(1) === 'TRANSACTION' ? { kind: 'begin' } : HARMLESS;
      case 'CREATE':
        return this.#create();
      case 'ALTER':
        return this.#alter();
      case 'DROP':
        return this.#drop();
      case 'RENAME':
        return this.#rename();
      case 'TRUNCATE':
        return this.#truncate();
      case 'INSERT':
      case 'REPLACE':
        return this.#dml(['INTO']);
      case 'UPDATE':
      case 'DELETE':
        return { kind: 'dml', tables: this.#mentions() };
      case 'LOAD':
        return this.#load();
      case 'WITH':
      case 'CALL':
      case 'EXECUTE':
        return { kind: 'dml', tables: null };
      case 'IMPORT':
        return this.#unknown();
    }
    return NO_TABLE.has(verb) ? HARMLESS : this.#unknown();
  }

  #rollback(): Statement {
    const cursor = this.#cursor;
    const to = cursor.tokens.findIndex((token) => token.key === 'TO');
    if (to < 0) return { kind: 'rollback' };
    cursor.at = to + 1;
    cursor.take('SAVEPOINT');
    return { kind: 'rollback-to', name: cursor.peek()?.text ?? '' };
  }

  #xa(): Statement {
    const cursor = this.#cursor;
    cursor.next();
    const verb = cursor.next()?.key.toLowerCase() ?? '';
    const known = (['start', 'end', 'prepare', 'commit', 'rollback'] as const).find((one) => one === verb);
    if (known === undefined) return verb === 'begin' ? this.#xaOf('start') : HARMLESS;
    return this.#xaOf(known);
  }

  #xaOf(verb: Extract<Statement, { kind: 'xa' }>['verb']): Statement {
    const rest = this.#tokens.slice(2);
    const onePhase = rest.some((token, index) => token.key === 'ONE' && rest[index + 1]?.key === 'PHASE');
    const end = rest.findIndex((token) => ['ONE', 'JOIN', 'RESUME', 'SUSPEND'].includes(token.key));
    const xid = (end < 0 ? rest : rest.slice(0, end))
      .map((token) => (token.kind === 'text' ? `'${token.text}'` : token.text))
      .join('');
    return { kind: 'xa', verb, xid, onePhase };
  }

  #tables(...effects: readonly TableEffect[]): Statement {
    return { kind: 'tables', effects };
  }

  #create(): Statement {
    const cursor = this.#cursor;
    cursor.next();
    const replaces = cursor.take('OR', 'REPLACE');
    if (cursor.take('TEMPORARY')) return HARMLESS;
    if (cursor.take('TABLE')) {
      cursor.take('IF', 'NOT', 'EXISTS');
      const table = this.#tableName(cursor);
      if (table === null) return this.#unknown();
      const created: TableEffect = { kind: 'created', table };
      return replaces ? this.#tables({ kind: 'dropped', table }, created) : this.#tables(created);
    }
    if (this.#isIndex()) return this.#index();
    if (['DATABASE', 'SCHEMA'].includes(cursor.key())) {
      // CREATE OR REPLACE DATABASE drops it first.
      const schema = replaces ? this.#schemaName() : null;
      return schema === null ? HARMLESS : this.#tables({ kind: 'schema-dropped', schema });
    }
    return this.#otherObject();
  }

  /** An index changes no row, but a unique one may be what rows are recognised by. */
  #index(): Statement {
    const cursor = this.#cursor;
    const plain = this.#tokens[0]?.key === 'CREATE' && !this.#tokens.some((token) => token.key === 'UNIQUE');
    // CREATE OR REPLACE may take the place of a unique one.
    if (plain && !this.#tokens.slice(0, 4).some((token) => token.key === 'REPLACE')) return HARMLESS;
    while (!cursor.done && cursor.key() !== 'ON') cursor.next();
    const table = cursor.take('ON') ? this.#tableName(cursor) : null;
    return table === null ? this.#unknown() : this.#tables({ kind: 'altered', table, columns: ONLY_KEY });
  }

  #isIndex(): boolean {
    const words = this.#tokens.slice(1, 6).map((token) => token.key);
    const index = words.indexOf('INDEX');
    const before = words.slice(0, index);
    return (
      index >= 0 && before.every((word) => /^(UNIQUE|FULLTEXT|SPATIAL|ONLINE|OFFLINE|OR|REPLACE)$/.test(word))
    );
  }

  #schemaName(): string | null {
    const cursor = this.#cursor;
    cursor.next();
    cursor.take('IF', 'NOT', 'EXISTS');
    cursor.take('IF', 'EXISTS');
    return cursor.name();
  }

  /** `CREATE DEFINER = a@b SQL SECURITY INVOKER VIEW v …`: what it is comes after clauses of many forms. */
  #otherObject(): Statement {
    const words = this.#tokens.slice(1, 24);
    for (const token of words) {
      if (token.key === 'TABLE') break;
      if (OTHER_OBJECTS.has(token.key)) return HARMLESS;
    }
    return this.#unknown();
  }

  #alter(): Statement {
    const cursor = this.#cursor;
    cursor.next();
    while (cursor.takeAny('ONLINE', 'OFFLINE', 'IGNORE') !== null);
    if (['DATABASE', 'SCHEMA'].includes(cursor.key())) return HARMLESS;
    if (!cursor.take('TABLE')) return this.#otherObject();
    cursor.take('IF', 'EXISTS');
    const table = this.#tableName(cursor);
    if (table === null) return this.#unknown();
    skipWait(cursor);
    const rest = this.#tokens.slice(cursor.at);
    // Their rows are in files that come and go.
    if (/^(DISCARD|IMPORT)$/.test(rest[0]?.key ?? ''))
      return this.#tables({ kind: 'rows-changed', table, reason: `${rest[0]!.key} TABLESPACE` });
    return { kind: 'tables', effects: alterEffects(table, rest, (at) => this.#tableName(at)) };
  }

  #drop(): Statement {
    const cursor = this.#cursor;
    cursor.next();
    if (cursor.take('TEMPORARY')) return HARMLESS;
    if (['DATABASE', 'SCHEMA'].includes(cursor.key())) {
      const schema = this.#schemaName();
      return schema === null ? this.#unknown() : this.#tables({ kind: 'schema-dropped', schema });
    }
    if (cursor.takeAny('TABLE', 'TABLES') === null) {
      if (this.#isIndex()) return this.#index();
      return cursor.key() === 'PREPARE' ? HARMLESS : this.#otherObject();
    }
    cursor.take('IF', 'EXISTS');
    const effects: TableEffect[] = [];
    for (const part of splitByComma(this.#tokens.slice(cursor.at))) {
      const table = this.#tableName(new Cursor(part));
      if (table === null) return this.#unknown();
      effects.push({ kind: 'dropped', table });
    }
    return { kind: 'tables', effects };
  }

  #rename(): Statement {
    const cursor = this.#cursor;
    cursor.next();
    if (cursor.key() === 'USER') return HARMLESS;
    if (cursor.takeAny('TABLE', 'TABLES') === null) return this.#unknown();
    cursor.take('IF', 'EXISTS');
    const effects: TableEffect[] = [];
    for (const part of splitByComma(this.#tokens.slice(cursor.at))) {
      const pair = new Cursor(part);
      const from = this.#tableName(pair);
      skipWait(pair);
      const to = pair.take('TO') ? this.#tableName(pair) : null;
      if (from === null || to === null) return this.#unknown();
      effects.push({ kind: 'renamed', from, to });
    }
    return { kind: 'tables', effects };
  }

  #truncate(): Statement {
    const cursor = this.#cursor;
    cursor.next();
    cursor.take('TABLE');
    const table = this.#tableName(cursor);
    return table === null ? this.#unknown() : this.#tables({ kind: 'truncated', table });
  }

  #dml(into: readonly string[]): Statement {
    const cursor = this.#cursor;
    const at = this.#tokens.slice(0, 6).findIndex((token) => into.includes(token.key));
    cursor.at = at < 0 ? 1 : at + 1;
    if (at < 0) while (cursor.takeAny('LOW_PRIORITY', 'DELAYED', 'HIGH_PRIORITY', 'IGNORE') !== null);
    const table = this.#tableName(cursor);
    return { kind: 'dml', tables: table === null ? null : [table] };
  }

  #load(): Statement {
    const cursor = this.#cursor;
    const at = this.#tokens.findIndex(
      (token, index) => token.key === 'TABLE' && this.#tokens[index - 1]?.key === 'INTO',
    );
    if (at < 0) return /^(DATA|XML)$/.test(cursor.key(1)) ? { kind: 'dml', tables: null } : HARMLESS;
    cursor.at = at + 1;
    const table = this.#tableName(cursor);
    return { kind: 'dml', tables: table === null ? null : [table] };
  }

  /** `t`, `s.t`, and `.t`, which is in the default database. */
  #tableName(cursor: Cursor): TableName | null {
    const leading = cursor.take('.');
    const first = cursor.name();
    if (first === null) return null;
    if (leading || !cursor.take('.')) return { schema: this.#context.schema, table: first };
    const second = cursor.name();
    return second === null ? null : { schema: first, table: second };
  }

  #unknown(): Statement {
    return { kind: 'unknown', mentions: this.#mentions() };
  }

  /** Every name in the statement, alone and in pairs. */
  #mentions(): readonly TableName[] {
    const found = new Map<string, TableName>();
    const note = (name: TableName): void => void found.set(tableKey(name), name);
    const isName = (token: Token | undefined): token is Token =>
      token?.kind === 'word' || token?.kind === 'name';
    for (const [index, token] of this.#tokens.entries()) {
      if (!isName(token)) continue;
      note({ schema: this.#context.schema, table: token.text });
      const second = this.#tokens[index + 2];
      if (this.#tokens[index + 1]?.key === '.' && isName(second))
        note({ schema: token.text, table: second.text });
    }
    return [...found.values()];
  }
}

/** MariaDB: how long the statement waited for its lock. */
function skipWait(cursor: Cursor): void {
  if (cursor.takeAny('NOWAIT') !== null) return;
  if (cursor.key() === 'WAIT' && /^\d+$/.test(cursor.key(1))) cursor.at += 2;
}

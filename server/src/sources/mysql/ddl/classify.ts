import type { TableName } from '../../../model/table.ts';
import { alterEffects } from './alter-table.ts';
import { changedTables } from './dml.ts';
import type { ColumnEffects, Statement, TableEffect } from './effects.ts';
import { mentionedNames, readTableName } from './names.ts';
import { Cursor, type Dialect, keywords, splitByComma, type Token, tokensOf } from './tokens.ts';
import { xaStatement } from './xa-statement.ts';

export type { ColumnEffects, Statement, TableEffect } from './effects.ts';

export interface StatementContext extends Dialect {
  /** The default database; '' where there was none. */
  readonly schema: string;
}

/** Enough of what inserts rows, or defines a routine, to know it: the rest may be many megabytes of values. */
const HEAD_TOKENS = 2000;

/**
 * What a statement of the log means for tables. It never fails: what it does not understand is `unknown`, with every
 * name in it that could be a table's.
 */
export function classify(sql: string, context: StatementContext): Statement {
  const head = tokensOf(sql, context, HEAD_TOKENS);
  const statement = new Classifier(head.tokens, context.schema).classify();
  if (!head.cut || statement.kind === 'dml' || statement.kind === 'harmless') return statement;
  return new Classifier(tokensOf(sql, context).tokens, context.schema).classify();
}

const HARMLESS: Statement = { kind: 'harmless' };
const NO_COLUMNS: ColumnEffects = {
  renamed: [],
  dropped: [],
  added: [],
  modified: [],
  reordered: false,
  key: false,
  foreignKeys: false,
};

/** Statements that change neither rows nor columns of tables, by their first word. */
const NO_TABLE = keywords(
  `BINLOG CACHE CHECK CHECKSUM CLONE DESC DESCRIBE EXPLAIN FLUSH GRANT HELP INSTALL KILL LOCK OPTIMIZE PURGE RELEASE
  RESET RESTART REVOKE SET SHOW SHUTDOWN SIGNAL START STOP UNINSTALL UNLOCK USE`,
);

/** They run functions, which may do anything; the log has them only where one changed rows. */
const RUNS_FUNCTIONS = keywords('CALL DO EXECUTE SELECT TABLE VALUES');

/** Kinds of objects of CREATE, ALTER and DROP that are no tables. */
const OTHER_OBJECTS = keywords(
  `EVENT FUNCTION INSTANCE LIBRARY LOGFILE PACKAGE PREPARE PROCEDURE RESOURCE ROLE SEQUENCE SERVER TABLESPACE TRIGGER
  UNDO USER VIEW`,
);
/** `CREATE OR REPLACE DEFINER = a@b SQL SECURITY INVOKER VIEW v …`: what it is comes after clauses of many forms. */
const WORDS_BEFORE_OBJECT = 24;

const INDEX_KINDS = keywords('UNIQUE FULLTEXT SPATIAL VECTOR ONLINE OFFLINE OR REPLACE');

class Classifier {
  readonly #tokens: readonly Token[];
  readonly #schema: string;
  readonly #cursor: Cursor;

  constructor(tokens: readonly Token[], schema: string) {
    this.#tokens = tokens.filter((token) => token.key !== ';');
    this.#schema = schema;
    this.#cursor = new Cursor(this.#tokens, 1);
  }

  classify(): Statement {
    if (this.#tokens.length === 0) return HARMLESS;
    const verb = this.#tokens[0]!.key;
    switch (verb) {
      case 'BEGIN':
        return { kind: 'begin' };
      case 'COMMIT':
        return { kind: 'commit' };
      case 'ROLLBACK':
        return this.#rollback();
      case 'SAVEPOINT':
        return { kind: 'savepoint', name: this.#cursor.peek()?.text ?? '' };
      case 'XA':
        return xaStatement(this.#tokens) ?? HARMLESS;
      case 'START':
        return this.#cursor.key() === 'TRANSACTION' ? { kind: 'begin' } : HARMLESS;
      case 'SET':
        return this.#set();
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
      case 'REPAIR':
        return this.#repair();
      case 'INSERT':
      case 'REPLACE':
      case 'UPDATE':
      case 'DELETE':
      case 'WITH':
        return this.#dml();
      case 'LOAD':
        // LOAD INDEX INTO CACHE.
        return this.#cursor.key() === 'INDEX' ? HARMLESS : this.#dml();
      case 'ANALYZE':
        return this.#analyze();
    }
    if (RUNS_FUNCTIONS.has(verb)) return this.#dml();
    return NO_TABLE.has(verb) ? HARMLESS : this.#unknown();
  }

  #rollback(): Statement {
    if (!this.#cursor.seek('TO')) return { kind: 'rollback' };
    this.#cursor.take('TO');
    this.#cursor.take('SAVEPOINT');
    return { kind: 'rollback-to', name: this.#cursor.peek()?.text ?? '' };
  }

  /** MariaDB: `SET STATEMENT variable = value, … FOR statement`, which is logged as it is. */
  #set(): Statement {
    const cursor = this.#cursor;
    if (!cursor.take('STATEMENT')) return HARMLESS;
    if (!cursor.seek('FOR') || !cursor.take('FOR')) return this.#unknown();
    return new Classifier(cursor.rest(), this.#schema).classify();
  }

  #create(): Statement {
    const cursor = this.#cursor;
    const replaces = cursor.take('OR', 'REPLACE');
    if (cursor.take('TEMPORARY')) return HARMLESS;
    if (cursor.take('TABLE')) {
      cursor.take('IF', 'NOT', 'EXISTS');
      const table = this.#tableName();
      if (table === null) return this.#unknown();
      const created: TableEffect = { kind: 'created', table };
      return replaces ? this.#tables({ kind: 'dropped', table }, created) : this.#tables(created);
    }
    if (cursor.takeAny('DATABASE', 'SCHEMA') !== null) {
      if (!replaces) return HARMLESS;
      // It is dropped first.
      return this.#schemaDropped();
    }
    return this.#index() ?? this.#otherObject();
  }

  #alter(): Statement {
    const cursor = this.#cursor;
    let ignore = false;
    for (let word = cursor.key(); /^(ONLINE|OFFLINE|IGNORE)$/.test(word); word = cursor.key()) {
      ignore ||= word === 'IGNORE';
      cursor.at++;
    }
    if (cursor.takeAny('DATABASE', 'SCHEMA') !== null) return HARMLESS;
    if (!cursor.take('TABLE')) return this.#otherObject();
    cursor.take('IF', 'EXISTS');
    const table = this.#tableName();
    if (table === null) return this.#unknown();
    skipWait(cursor);
    const readName = (at: Cursor): TableName | null => readTableName(at, this.#schema);
    return this.#tables(...alterEffects(table, cursor.rest(), ignore, readName));
  }

  #drop(): Statement {
    const cursor = this.#cursor;
    if (cursor.take('TEMPORARY')) return HARMLESS;
    if (cursor.takeAny('DATABASE', 'SCHEMA') !== null) return this.#schemaDropped();
    if (cursor.takeAny('TABLE', 'TABLES') === null) return this.#index() ?? this.#otherObject();
    cursor.take('IF', 'EXISTS');
    return this.#forEach((part) => {
      const table = readTableName(part, this.#schema);
      return table && { kind: 'dropped', table };
    });
  }

  #rename(): Statement {
    const cursor = this.#cursor;
    if (cursor.key() === 'USER') return HARMLESS;
    if (cursor.takeAny('TABLE', 'TABLES') === null) return this.#unknown();
    cursor.take('IF', 'EXISTS');
    return this.#forEach((part) => {
      const from = readTableName(part, this.#schema);
      skipWait(part);
      const to = part.take('TO') ? readTableName(part, this.#schema) : null;
      return from && to && { kind: 'renamed', from, to };
    });
  }

  #truncate(): Statement {
    this.#cursor.take('TABLE');
    const table = this.#tableName();
    return table === null ? this.#unknown() : this.#tables({ kind: 'truncated', table });
  }

  /** It leaves out rows that it cannot read. */
  #repair(): Statement {
    const cursor = this.#cursor;
    cursor.takeAny('LOCAL', 'NO_WRITE_TO_BINLOG');
    if (cursor.takeAny('TABLE', 'TABLES') === null)
      return cursor.key() === 'VIEW' ? HARMLESS : this.#unknown();
    return this.#forEach((part) => {
      const table = readTableName(part, this.#schema);
      return table && { kind: 'rows-changed', table, reason: 'REPAIR TABLE' };
    });
  }

  /** ANALYZE TABLE reads; MariaDB's ANALYZE of a statement runs it. */
  #analyze(): Statement {
    this.#cursor.takeAny('LOCAL', 'NO_WRITE_TO_BINLOG');
    return /^TABLES?$/.test(this.#cursor.key()) ? HARMLESS : this.#dml();
  }

  #dml(): Statement {
    return { kind: 'dml', tables: changedTables(this.#tokens, this.#schema) };
  }

  /** CREATE and DROP INDEX change no row, but a unique one may be what rows are recognised by. null: not of an index. */
  #index(): Statement | null {
    const cursor = this.#cursor;
    const start = cursor.at;
    // Any that is dropped, also by CREATE OR REPLACE, may be a unique one.
    let key = this.#tokens.slice(0, 3).some((token) => token.key === 'DROP' || token.key === 'REPLACE');
    for (; INDEX_KINDS.has(cursor.key()); cursor.at++) key ||= cursor.key() === 'UNIQUE';
    if (!cursor.take('INDEX')) {
      cursor.at = start;
      return null;
    }
    cursor.take('IF', 'EXISTS');
    const table = cursor.seek('ON') && cursor.take('ON') ? this.#tableName() : null;
    if (table === null) return this.#unknown();
    return this.#tables({ kind: 'altered', table, columns: { ...NO_COLUMNS, key } });
  }

  #schemaDropped(): Statement {
    const cursor = this.#cursor;
    if (!cursor.take('IF', 'NOT', 'EXISTS')) cursor.take('IF', 'EXISTS');
    const schema = cursor.name();
    return schema === null ? this.#unknown() : this.#tables({ kind: 'schema-dropped', schema });
  }

  #otherObject(): Statement {
    for (const [index, { key }] of this.#tokens.slice(0, WORDS_BEFORE_OBJECT).entries()) {
      if (key === 'TABLE') break;
      if (OTHER_OBJECTS.has(key)) return HARMLESS;
      if (key === 'SPATIAL' && this.#tokens[index + 1]?.key === 'REFERENCE') return HARMLESS;
    }
    return this.#unknown();
  }

  /** Of each part of the list between commas that comes next; `unknown` where one is not understood. */
  #forEach(effectOf: (part: Cursor) => TableEffect | null): Statement {
    const effects: TableEffect[] = [];
    for (const part of splitByComma(this.#cursor.rest())) {
      const effect = effectOf(new Cursor(part));
      if (effect === null) return this.#unknown();
      effects.push(effect);
    }
    return this.#tables(...effects);
  }

  #tables(...effects: readonly TableEffect[]): Statement {
    return { kind: 'tables', effects };
  }

  #tableName(): TableName | null {
    return readTableName(this.#cursor, this.#schema);
  }

  #unknown(): Statement {
    return { kind: 'unknown', mentions: mentionedNames(this.#tokens, this.#schema) };
  }
}

/** MariaDB: how long the statement waited for its lock. */
function skipWait(cursor: Cursor): void {
  if (cursor.takeAny('NOWAIT') !== null) return;
  if (cursor.key() === 'WAIT' && /^\d+$/.test(cursor.key(1))) cursor.at += 2;
}

import { outsideParentheses, type Token } from './tokens.ts';

/** What of a column's definition in ALTER TABLE matters to rows that are there. */
export interface ColumnDefinition {
  /**
   * Rows that are there get a value other than NULL when the column is added. Only what surely leaves NULL is false: a
   * definition without any word that could mean a value. A timestamp that is not said to be NULL may be NOT NULL with
   * a default by itself (explicit_defaults_for_timestamp).
   */
  readonly filled: boolean;
  /** The column is the primary key by its definition: PRIMARY KEY, or KEY alone. */
  readonly key: boolean;
  readonly unique: boolean;
  /** FIRST or AFTER another one. */
  readonly placed: boolean;
  /** Rows whose number is NULL or 0 are numbered. */
  readonly numbered: boolean;
}

/** Of the tokens behind the column's name: its type and attributes. */
export function columnDefinition(tokens: readonly Token[]): ColumnDefinition {
  let value = false;
  let isNull = false;
  let key = false;
  let unique = false;
  let placed = false;
  let numbered = false;
  for (const index of outsideParentheses(tokens)) {
    const before = tokens[index - 1]?.key;
    const next = tokens[index + 1]?.key;
    switch (tokens[index]!.key) {
      case 'DEFAULT':
        if (next !== 'NULL') value = true;
        break;
      case 'NOT':
        if (next === 'NULL') value = true;
        break;
      case 'NULL':
        // REFERENCES … ON DELETE SET NULL.
        if (before !== 'NOT' && before !== 'SET') isNull = true;
        break;
      case 'GENERATED':
      case 'AS':
        value = true;
        break;
      case 'AUTO_INCREMENT':
      case 'SERIAL':
        numbered = true;
        break;
      case 'UNIQUE':
        unique = true;
        break;
      case 'KEY':
        if (before !== 'UNIQUE') key = true;
        break;
      case 'FIRST':
      case 'AFTER':
        placed = true;
        break;
    }
  }
  const implicit = tokens[0]?.key === 'TIMESTAMP' && !isNull;
  return { filled: value || key || numbered || implicit, key, unique, placed, numbered };
}

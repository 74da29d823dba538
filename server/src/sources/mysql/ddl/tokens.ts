export interface Dialect {
  /** "x" is a name, not a text. */
  readonly ansiQuotes: boolean;
  readonly noBackslashEscapes: boolean;
  readonly flavour: 'mysql' | 'mariadb';
}

/**
 *   word     a name or keyword without quotes, or a number
 *   name     a quoted name
 *   text     a string
 *   sign     any other character
 */
export interface Token {
  readonly kind: 'word' | 'name' | 'text' | 'sign';
  readonly text: string;
  /** For comparing with keywords: upper case of a word, the sign itself, '' for what is quoted. */
  readonly key: string;
}

const WORD = /[A-Za-z0-9_$\u0080-\uffff]/;

/**
 * The tokens of a statement without its comments; what stands in a comment that the server executes
 * (`/*! … *​/`, and `/*M! … *​/` at MariaDB) counts, whatever version it asks for: the log holds statements that were
 * executed, and to read too much of one is safe (MySQL manual, "Comments"). Never fails: what is not closed ends
 * with the statement.
 */
export function tokensOf(sql: string, dialect: Dialect): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let executed = 0;
  while (at < sql.length) {
    const c = sql[at]!;
    if (/\s/.test(c)) {
      at++;
    } else if (c === '#' || (c === '-' && sql[at + 1] === '-' && /^$|\s/.test(sql[at + 2] ?? ''))) {
      const end = sql.indexOf('\n', at);
      at = end < 0 ? sql.length : end + 1;
    } else if (c === '/' && sql[at + 1] === '*') {
      const opening = /^\/\*M?!\d*/.exec(sql.slice(at, at + 12))?.[0];
      if (opening !== undefined) {
        executed++;
        at += opening.length;
      } else {
        const end = sql.indexOf('*/', at + 2);
        at = end < 0 ? sql.length : end + 2;
      }
    } else if (executed > 0 && c === '*' && sql[at + 1] === '/') {
      executed--;
      at += 2;
    } else if (c === '`' || c === "'" || c === '"') {
      const name = c === '`' || (c === '"' && dialect.ansiQuotes);
      const quoted = readQuoted(sql, at, !name && !dialect.noBackslashEscapes);
      tokens.push({ kind: name ? 'name' : 'text', text: quoted.text, key: '' });
      at = quoted.end;
    } else if (WORD.test(c)) {
      let end = at + 1;
      while (end < sql.length && WORD.test(sql[end]!)) end++;
      const text = sql.slice(at, end);
      tokens.push({ kind: 'word', text, key: text.toUpperCase() });
      at = end;
    } else {
      tokens.push({ kind: 'sign', text: c, key: c });
      at++;
    }
  }
  return tokens;
}

function readQuoted(
  sql: string,
  at: number,
  escapes: boolean,
): { readonly text: string; readonly end: number } {
  const quote = sql[at]!;
  let text = '';
  let i = at + 1;
  for (; i < sql.length; i++) {
    const c = sql[i]!;
    if (c === quote) {
      if (sql[i + 1] !== quote) return { text, end: i + 1 };
      i++;
      text += quote;
    } else if (c === '\\' && escapes && i + 1 < sql.length) {
      i++;
      text += sql[i];
    } else text += c;
  }
  return { text, end: i };
}

/** Reads tokens one after the other. */
export class Cursor {
  readonly tokens: readonly Token[];
  at = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  get done(): boolean {
    return this.at >= this.tokens.length;
  }

  peek(ahead = 0): Token | undefined {
    return this.tokens[this.at + ahead];
  }

  /** The key of the token there; '' behind the end and for what is quoted. */
  key(ahead = 0): string {
    return this.tokens[this.at + ahead]?.key ?? '';
  }

  next(): Token | undefined {
    return this.tokens[this.at++];
  }

  /** Takes these keywords if they come next, all of them. */
  take(...keys: readonly string[]): boolean {
    if (!keys.every((key, index) => this.key(index) === key)) return false;
    this.at += keys.length;
    return true;
  }

  /** Takes one of these keywords if it comes next. */
  takeAny(...keys: readonly string[]): string | null {
    const key = this.key();
    if (!keys.includes(key) || key === '') return null;
    this.at++;
    return key;
  }

  /** Takes a name, quoted or not; null where there is none. */
  name(): string | null {
    const token = this.peek();
    if (token === undefined || token.kind === 'sign' || token.kind === 'text') return null;
    this.at++;
    return token.text;
  }

  /** Takes `( … )` with all that is nested in it. @returns the tokens within; null where none opens here */
  group(): readonly Token[] | null {
    if (this.key() !== '(') return null;
    const start = this.at + 1;
    let depth = 0;
    for (; this.at < this.tokens.length; this.at++) {
      const key = this.key();
      if (key === '(') depth++;
      else if (key === ')' && --depth === 0) {
        this.at++;
        return this.tokens.slice(start, this.at - 1);
      }
    }
    return this.tokens.slice(start);
  }
}

/** Parts between commas that are in no parentheses. */
export function splitByComma(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.key === '(') depth++;
    else if (token.key === ')') depth--;
    if (token.key === ',' && depth === 0) parts.push([]);
    else parts.at(-1)!.push(token);
  }
  return parts;
}

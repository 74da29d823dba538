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
  /** Without quotes; of a string, its escapes stand as they were written. */
  readonly text: string;
  /** For comparing with keywords: upper case of a word, the sign itself, '' for what is quoted. */
  readonly key: string;
}

const BACKSLASH = 92;

/** The servers' own idea of space: U+00A0 and its like may be in a name without quotes. */
const SPACE = /[ \t-\r]+/y;
const WORD = /[A-Za-z0-9_$\u0080-\uffff]+/y;
/** A version is of five or six digits; fewer are no version, but SQL. */
const EXECUTED: Readonly<Record<Dialect['flavour'], RegExp>> = {
  mysql: /\/\*!(?:\d{5,6})?/y,
  mariadb: /\/\*M?!(?:\d{5,6})?/y,
};

/**
 * The tokens of a statement without its comments. What stands in a comment that the server executes (MySQL manual,
 * "Comments"; MariaDB's begin with /*M! as well) counts, whatever version it asks for: both servers take the ! from
 * those that they skipped before they log a statement. Never fails: what is not closed ends with the statement.
 * `most`: tokens after which it stops; then `cut` tells that there are more.
 */
export function tokensOf(
  sql: string,
  dialect: Dialect,
  most = Number.POSITIVE_INFINITY,
): { readonly tokens: readonly Token[]; readonly cut: boolean } {
  const tokens: Token[] = [];
  const executed = EXECUTED[dialect.flavour];
  let at = 0;
  let open = 0;
  const end = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    return pattern.test(sql) ? pattern.lastIndex : at;
  };
  while (at < sql.length) {
    const spaceEnd = end(SPACE);
    if (spaceEnd > at) {
      at = spaceEnd;
      continue;
    }
    const c = sql[at]!;
    if (c === '#' || (c === '-' && sql[at + 1] === '-' && isBlank(sql.charCodeAt(at + 2)))) {
      at = behind(sql, '\n', at);
      continue;
    }
    if (c === '/' && sql[at + 1] === '*') {
      const opened = end(executed);
      if (opened > at) open++;
      at = opened > at ? opened : behind(sql, '*/', at + 2);
      continue;
    }
    if (open > 0 && c === '*' && sql[at + 1] === '/') {
      open--;
      at += 2;
      continue;
    }
    if (tokens.length >= most) return { tokens, cut: true };
    if (c === '`' || c === "'" || c === '"') {
      const name = c === '`' || (c === '"' && dialect.ansiQuotes);
      const close = closingQuote(sql, at, !name && !dialect.noBackslashEscapes);
      const inside = sql.slice(at + 1, close);
      const text = name ? inside.replaceAll(c + c, c) : inside;
      tokens.push({ kind: name ? 'name' : 'text', text, key: '' });
      at = close + 1;
      continue;
    }
    const wordEnd = end(WORD);
    const text = wordEnd > at ? sql.slice(at, wordEnd) : c;
    tokens.push({ kind: wordEnd > at ? 'word' : 'sign', text, key: text.toUpperCase() });
    at += text.length;
  }
  return { tokens, cut: false };
}

/** What has to follow two dashes for a comment: a space, a control character or the end (NaN). */
function isBlank(code: number): boolean {
  return !(code > 32);
}

function behind(sql: string, what: string, from: number): number {
  const found = sql.indexOf(what, from);
  return found < 0 ? sql.length : found + what.length;
}

/** Where the quote at `at` is closed; the end of the statement where it is not. */
function closingQuote(sql: string, at: number, escapes: boolean): number {
  const quote = sql.charCodeAt(at);
  for (let i = at + 1; i < sql.length; i++) {
    const code = sql.charCodeAt(i);
    if (code === BACKSLASH && escapes) i++;
    else if (code === quote) {
      if (sql.charCodeAt(i + 1) !== quote) return i;
      i++;
    }
  }
  return sql.length;
}

/** Reads tokens one after the other. */
export class Cursor {
  readonly tokens: readonly Token[];
  at: number;

  constructor(tokens: readonly Token[], at = 0) {
    this.tokens = tokens;
    this.at = at;
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

  rest(): readonly Token[] {
    return this.tokens.slice(this.at);
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
    if (key === '' || !keys.includes(key)) return null;
    this.at++;
    return key;
  }

  /** Goes to the first token outside parentheses that has one of these keys, not before where it stands. */
  seek(...keys: readonly string[]): boolean {
    const found = outsideParentheses(this.tokens, this.at).find((index) =>
      keys.includes(this.tokens[index]!.key),
    );
    if (found === undefined) return false;
    this.at = found;
    return true;
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

/** Indexes of tokens that are in no parentheses; the parentheses themselves are not among them. */
export function outsideParentheses(tokens: readonly Token[], from = 0): readonly number[] {
  const found: number[] = [];
  let depth = 0;
  for (let index = from; index < tokens.length; index++) {
    const { key } = tokens[index]!;
    if (key === '(') depth++;
    else if (key === ')') depth--;
    else if (depth <= 0) found.push(index);
  }
  return found;
}

/** Parts between commas that are in no parentheses. */
export function splitByComma(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const parts: (readonly Token[])[] = [];
  let from = 0;
  for (const index of outsideParentheses(tokens)) {
    if (tokens[index]!.key !== ',') continue;
    parts.push(tokens.slice(from, index));
    from = index + 1;
  }
  parts.push(tokens.slice(from));
  return parts;
}

/** `'A B'` → a set of A and B. */
export function keywords(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}

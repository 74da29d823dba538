import { SluiceError } from './errors.ts';

/**
 * A condition on the columns of one table, as a person writes it behind WHERE. It is evaluated twice, by the source
 * and by the lake, so it has to be within what both understand, and cannot reach beyond its table: no subquery, no
 * comment, no second statement, no escape that the two would read differently.
 *
 * @returns the condition without a leading WHERE
 * @throws SluiceError INVALID_REQUEST
 */
export function parseRowFilter(text: string): string {
  const filter = text.trim().replace(/^where\b\s*/i, '');
  const refuse = (why: string): SluiceError =>
    new SluiceError('INVALID_REQUEST', `The filter ${JSON.stringify(text)} ${why}.`, {
      remedy:
        "Give a condition on the table's own columns, such as: created_at >= '2026-01-01' AND region IN (1, 2). 1=1 means every row.",
    });
  if (filter === '') throw refuse('is empty');
  if (filter.length > 10_000) throw refuse('is longer than 10,000 characters');
  if (/[\\\0$`]/.test(filter))
    throw refuse('has one of the characters \\ $ ` or NUL, which sources read differently');
  const bare = outsideQuotes(filter);
  if (bare === null) throw refuse('ends within a quote');
  if (/;|--|#|\/\*|\*\//.test(bare)) throw refuse('has a comment or a semicolon');
  if (!isBalanced(bare)) throw refuse('has parentheses that do not match');
  const word = BEYOND.exec(bare)?.[0];
  if (word !== undefined)
    throw refuse(`has the word ${word.toUpperCase()}: it can only name columns of its table`);
  return filter;
}

/** Words that begin or join queries, in any of the dialects. Columns of such names are quoted. */
const BEYOND =
  /\b(select|from|table|values|with|union|intersect|except|minus|into|describe|desc|show|summarize|pivot|unpivot|execute|exec|call|do|copy|insert|update|delete|drop|alter|create|truncate|grant|set|limit|offset|order|group|having|returning|procedure|for)\b/i;

/** The text with every quoted part left out; null where a quote has no end. A doubled quote stands for itself. */
function outsideQuotes(text: string): string | null {
  let bare = '';
  for (let at = 0; at < text.length; at++) {
    const quote = text[at]!;
    if (quote !== "'" && quote !== '"') {
      bare += quote;
      continue;
    }
    const end = text.indexOf(quote, at + 1);
    if (end < 0) return null;
    bare += ' ';
    at = end;
  }
  return bare;
}

function isBalanced(bare: string): boolean {
  let depth = 0;
  for (const character of bare) {
    if (character === '(') depth++;
    if (character === ')' && --depth < 0) return false;
  }
  return depth === 0;
}

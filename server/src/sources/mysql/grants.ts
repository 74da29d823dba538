import type { TableName } from '../../model/table.ts';
import { quoteIdent } from './quote.ts';

/** What a GRANT is about; the name of a schema is a pattern (`_`, `%`, escaped by a backslash). */
export type GrantScope =
  | { readonly kind: 'server' }
  | { readonly kind: 'schema'; readonly pattern: string }
  | { readonly kind: 'table'; readonly name: TableName };

/** A line of SHOW GRANTS that gives rights to data. */
export interface Grant {
  /** Rights to the whole of it, as `SELECT` or `ALL PRIVILEGES`. */
  readonly rights: readonly string[];
  /** Rights to single columns of a table. */
  readonly columnRights: readonly string[];
  readonly scope: GrantScope;
}

/** null: a line that gives no rights to data (a role, a routine, PROXY), or a form that is not known. */
export function parseGrant(line: string): Grant | null {
  if (!line.startsWith('GRANT ')) return null;
  const on = indexOutside(line, ' ON ', 'GRANT '.length);
  if (on === -1) return null;
  const rights: string[] = [];
  const columnRights: string[] = [];
  for (const right of splitOutside(line.slice('GRANT '.length, on))) {
    const columns = right.indexOf(' (');
    if (columns === -1) rights.push(right);
    else columnRights.push(right.slice(0, columns));
  }
  const scope = parseScope(line.slice(on + ' ON '.length));
  return scope && { rights, columnRights, scope };
}

const SCOPE = /^(?:(\*)|`((?:[^`]|``)*)`)\.(?:(\*)|`((?:[^`]|``)*)`) TO /;

function parseScope(text: string): GrantScope | null {
  const match = SCOPE.exec(text);
  if (!match) return null;
  const [, server, schema = '', all, table = ''] = match;
  if (server !== undefined) return all === undefined ? null : { kind: 'server' };
  if (all !== undefined) return { kind: 'schema', pattern: unquoted(schema) };
  return { kind: 'table', name: { schema: unquoted(schema), table: unquoted(table) } };
}

const unquoted = (name: string): string => name.replaceAll('``', '`');

/** Where `what` stands outside of quotes and parentheses; −1: nowhere. */
function indexOutside(text: string, what: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (depth === 0 && text.startsWith(what, at)) return at;
    if (text[at] === '`') {
      const end = text.indexOf('`', at + 1);
      if (end === -1) return -1;
      at = end;
    } else if (text[at] === '(') depth++;
    else if (text[at] === ')') depth--;
  }
  return -1;
}

function splitOutside(text: string): string[] {
  const parts: string[] = [];
  let rest = text;
  for (let at = indexOutside(rest, ', ', 0); at !== -1; at = indexOutside(rest, ', ', 0)) {
    parts.push(rest.slice(0, at));
    rest = rest.slice(at + 2);
  }
  return [...parts, rest];
}

/** Whether a right to the whole server, or to this schema, was granted. */
export function mayInSchema(grants: readonly Grant[], right: string, schema: string): boolean {
  return grants.some(
    (grant) =>
      givesAll(grant, right) &&
      (grant.scope.kind === 'server' ||
        (grant.scope.kind === 'schema' && matches(grant.scope.pattern, schema))),
  );
}

export function mayOnServer(grants: readonly Grant[], right: string): boolean {
  return grants.some((grant) => grant.scope.kind === 'server' && givesAll(grant, right));
}

const givesAll = ({ rights }: Grant, right: string): boolean =>
  rights.includes(right) || rights.includes('ALL PRIVILEGES');

/** Tables of which the account was given single columns to read. */
export function columnGrantedTables(grants: readonly Grant[]): readonly TableName[] {
  return grants.flatMap(({ scope, columnRights }) =>
    scope.kind === 'table' && columnRights.includes('SELECT') ? [scope.name] : [],
  );
}

function matches(pattern: string, schema: string): boolean {
  const source = pattern.replace(/\\(.)|([%_])|[^%_\\]+/gs, (part, escaped: string, wild: string) => {
    if (wild !== undefined) return wild === '%' ? '.*' : '.';
    return (escaped ?? part).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 's').test(schema);
}

/** What CURRENT_USER() says, `user@host`, as GRANT takes it whatever sql_mode is. */
export function accountText(account: string): string {
  const at = account.lastIndexOf('@');
  return `${quoteIdent(account.slice(0, at))}@${quoteIdent(account.slice(at + 1))}`;
}

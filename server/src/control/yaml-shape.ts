import { SluiceError } from '@sluice/contract';
import { type Document, isMap, isScalar, type LineCounter, type Node, type ParsedNode } from 'yaml';
import type { z } from 'zod';

/** What is wrong with a file of YAML, and where. */
export interface Trouble {
  readonly offset: number;
  readonly what: string;
}

/** Troubles that a message names; more are counted. */
const NAMED = 30;

/** Aliases of aliases could make a small file huge. */
const ALIASES = 100;

/** All that is wrong with a file, each at its line and column, which count from 1. */
export function refusedAt(
  lead: string,
  troubles: readonly Trouble[],
  lines: LineCounter,
  remedy: string,
): SluiceError {
  const sorted = [...troubles].sort((a, b) => a.offset - b.offset);
  const said = sorted.map(({ offset, what }) => {
    const { line, col } = lines.linePos(offset);
    return `line ${line}, column ${col}: ${what}`;
  });
  return new SluiceError('INVALID_REQUEST', allOf(lead, said), { remedy });
}

/** One on the line of the lead, several on lines of their own. */
export function allOf(lead: string, said: readonly string[]): string {
  const more = said.length - NAMED;
  const named = [...said.slice(0, NAMED), ...(more > 0 ? [`and ${more} more`] : [])];
  return named.length === 1
    ? `${lead}: ${named[0]!.replace(/\.$/, '')}.`
    : `${lead}:\n  ${named.join('\n  ')}`;
}

/** What a document holds by a schema, or all that stands against it. `more`: what the schema does not look at. */
export function shaped<T>(
  document: Document.Parsed,
  schema: z.ZodType<T>,
  more: (plain: unknown) => readonly Trouble[] = () => [],
): { readonly value: T } | { readonly troubles: readonly Trouble[] } {
  // What YAML reads as a number, a boolean or null is text where text is wanted: a table may be called 2024 or null.
  for (let round = 0; ; round++) {
    const plain = plainOf(document);
    if ('troubles' in plain) return plain;
    const { success, data, error } = schema.safeParse(plain.value);
    const others = more(plain.value);
    if (success) return others.length > 0 ? { troubles: others } : { value: data };
    const retaken = error.issues.filter(
      (issue) =>
        issue.code === 'invalid_type' && issue.expected === 'string' && asWritten(document, issue.path),
    );
    if (retaken.length > 0 && round < 3) continue;
    const shape = error.issues.flatMap((issue) => {
      if (issue.code !== 'unrecognized_keys') {
        const at = issue.path.join('.');
        const what = `${at === '' ? '' : `${at}: `}${issue.message}`;
        return [{ offset: offsetOf(document, issue.path), what }];
      }
      return issue.keys.map((key) => ({
        offset: offsetOf(document, [...issue.path, key]),
        what: `${[...issue.path, key].join('.')} is not known here`,
      }));
    });
    return { troubles: [...others, ...shape] };
  }
}

/** @returns whether a plain scalar stands there, which now is its text */
function asWritten(document: Document.Parsed, path: readonly PropertyKey[]): boolean {
  const node: unknown = document.getIn(path, true);
  if (!isScalar(node) || node.type !== 'PLAIN' || typeof node.value === 'string') return false;
  node.value = node.source ?? '';
  return true;
}

function plainOf(document: Document.Parsed): { readonly value: unknown } | { readonly troubles: Trouble[] } {
  try {
    return { value: document.toJS({ maxAliasCount: ALIASES }) };
  } catch (error) {
    return { troubles: [{ offset: document.range[0], what: (error as Error).message }] };
  }
}

/** Where the key of a path stands, or the nearest above it that there is. */
export function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : key) === step);
      if (pair === undefined) break;
      offset = (pair.key as ParsedNode | null)?.range?.[0] ?? offset;
      node = pair.value;
    } else {
      const item = (node as { items?: readonly unknown[] } | null)?.items?.[step as number] as
        | Node
        | undefined;
      if (item === undefined) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    }
  }
  return offset;
}

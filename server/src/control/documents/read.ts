import { PARAMETERS, parseParameters, SluiceError, TaskDocument } from '@sluice/contract';
import {
  type Document,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type ParsedNode,
  parseAllDocuments,
} from 'yaml';

/** A document of a file, and the line that it begins on. */
export interface ReadDocument {
  readonly line: number;
  readonly document: TaskDocument;
}

/** What is wrong with a file, and where. Lines and columns count from 1. */
interface Trouble {
  readonly offset: number;
  readonly what: string;
}

/** Troubles that a message names; more are counted. */
const NAMED = 30;

/** Aliases of aliases could make a small file huge. */
const ALIASES = 100;

/**
 * The tasks that a file of YAML documents describes. Strict: what is not known is refused, with line and column, and
 * everything that is wrong is said at once.
 * @throws SluiceError INVALID_REQUEST
 */
export function readDocuments(text: string): readonly ReadDocument[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const troubles: Trouble[] = [];
  const read: ReadDocument[] = [];
  const named = new Map<string, number>();
  for (const document of Array.isArray(documents) ? documents : []) {
    const said = [...document.errors, ...document.warnings];
    troubles.push(...said.map(({ pos, message }) => ({ offset: pos[0], what: message })));
    // Comments alone, or nothing behind a last `---`.
    if (said.length > 0 || document.contents === null || isEmpty(document.contents)) continue;
    const result = shaped(document);
    if (!('document' in result)) {
      troubles.push(...result.troubles);
      continue;
    }
    const { line } = lines.linePos(document.contents.range[0]);
    const other = named.get(result.document.name);
    if (other !== undefined)
      troubles.push({
        offset: offsetOf(document, ['name']),
        what: `the task ${JSON.stringify(result.document.name)} is described on line ${other} already`,
      });
    named.set(result.document.name, line);
    read.push({ line, document: result.document });
  }
  if (troubles.length === 0 && read.length === 0)
    throw new SluiceError('INVALID_REQUEST', 'The file describes no task.', { remedy: REMEDY });
  if (troubles.length > 0) throw refusal(troubles, lines);
  return read;
}

const REMEDY = 'Mend the file; sluice task export T writes one to begin with.';

function refusal(troubles: readonly Trouble[], lines: LineCounter): SluiceError {
  const sorted = [...troubles].sort((a, b) => a.offset - b.offset);
  const said = sorted.slice(0, NAMED).map(({ offset, what }) => {
    const { line, col } = lines.linePos(offset);
    return `line ${line}, column ${col}: ${what}`;
  });
  const more = sorted.length - said.length;
  if (more > 0) said.push(`and ${more} more`);
  const [only] = said;
  const message =
    said.length === 1
      ? `The file cannot be applied: ${only}.`
      : `The file cannot be applied:\n  ${said.join('\n  ')}`;
  return new SluiceError('INVALID_REQUEST', message, { remedy: REMEDY });
}

type Shaped = { readonly document: TaskDocument } | { readonly troubles: readonly Trouble[] };

function shaped(document: Document.Parsed): Shaped {
  // What YAML reads as a number, a boolean or null is text where text is wanted: a table may be called 2024 or null.
  for (let round = 0; ; round++) {
    const plain = plainOf(document);
    if ('troubles' in plain) return plain;
    const { success, data, error } = TaskDocument.safeParse(plain.value);
    const set = parameterTroubles(document, plain.value);
    if (success) return set.length > 0 ? { troubles: set } : { document: data };
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
    return { troubles: [...set, ...shape] };
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

function parameterTroubles(document: Document.Parsed, plain: unknown): Trouble[] {
  const set = (plain as { parameters?: unknown } | null)?.parameters;
  if (typeof set !== 'object' || set === null) return [];
  return Object.entries(set).flatMap(([name, value]: [string, unknown]) => {
    // Said by the schema.
    if (typeof value !== 'string') return [];
    try {
      parseParameters({ [name]: value });
      return [];
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      const known = Object.hasOwn(PARAMETERS, name);
      const what = known ? error.message : `${error.message} ${error.remedy}`;
      return [{ offset: offsetOf(document, ['parameters', name]), what: what.replace(/\.$/, '') }];
    }
  });
}

/** Where the key of a path stands, or the nearest above it that there is. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
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

/** A document without a content is null with no text. */
const isEmpty = (node: ParsedNode): boolean => isScalar(node) && node.value === null && node.source === '';

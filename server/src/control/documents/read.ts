import { PARAMETERS, parseParameters, SluiceError, TaskDocument } from '@sluice/contract';
import { type Document, isScalar, LineCounter, type ParsedNode, parseAllDocuments } from 'yaml';
import { offsetOf, refusedAt, shaped, type Trouble } from '../yaml-shape.ts';

/** A document of a file, and the line that it begins on. */
export interface ReadDocument {
  readonly line: number;
  readonly document: TaskDocument;
}

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
    const result = shaped(document, TaskDocument, (plain) => parameterTroubles(document, plain));
    if ('troubles' in result) {
      troubles.push(...result.troubles);
      continue;
    }
    const { line } = lines.linePos(document.contents.range[0]);
    const other = named.get(result.value.name);
    if (other !== undefined)
      troubles.push({
        offset: offsetOf(document, ['name']),
        what: `the task ${JSON.stringify(result.value.name)} is described on line ${other} already`,
      });
    named.set(result.value.name, line);
    read.push({ line, document: result.value });
  }
  if (troubles.length === 0 && read.length === 0)
    throw new SluiceError('INVALID_REQUEST', 'The file describes no task.', { remedy: REMEDY });
  if (troubles.length > 0) throw refusedAt('The file cannot be applied', troubles, lines, REMEDY);
  return read;
}

const REMEDY = 'Mend the file; sluice task export T writes one to begin with.';

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

/** A document without a content is null with no text. */
const isEmpty = (node: ParsedNode): boolean => isScalar(node) && node.value === null && node.source === '';

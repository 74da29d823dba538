import { typeText } from './logical-type.ts';
import { type ColumnDifference, type ColumnPair, sideBySide } from './schema-difference.ts';
import type { TableSchema } from './table.ts';

/**
 * What a table's columns in the lake do when those of its source change (the parameter schema_evolution).
 *   follow   whatever the source does, with a load where rows that are there would not be right otherwise
 *   widen    columns may be added, and types may hold more; anything else stops the table
 *   ignore   they stay: added ones are left out, dropped ones are null from then on, renamed ones keep their names
 *   stop     any change stops the table
 */
export type SchemaPolicy = 'follow' | 'widen' | 'ignore' | 'stop';

type Verdict = 'follows' | 'held' | 'refused';

const VERDICTS: Readonly<
  Record<Exclude<SchemaPolicy, 'follow'>, Readonly<Record<ColumnDifference, Verdict>>>
> = {
  widen: {
    added: 'follows',
    dropped: 'refused',
    renamed: 'refused',
    widened: 'follows',
    retyped: 'refused',
    key: 'refused',
  },
  ignore: {
    added: 'held',
    dropped: 'held',
    renamed: 'held',
    // A value that the type of the lake does not hold could not be exact there.
    widened: 'refused',
    retyped: 'refused',
    key: 'refused',
  },
  stop: {
    added: 'refused',
    dropped: 'refused',
    renamed: 'refused',
    widened: 'refused',
    retyped: 'refused',
    key: 'refused',
  },
};

/** What a policy makes of a target that has the columns `target` while its source has those of `source`. */
export type PolicyVerdict =
  | { readonly kind: 'follows' }
  /** The target keeps its columns, and goes on. */
  | { readonly kind: 'held' }
  /** `text` is for people, and begins with what it is called in the field. */
  | { readonly kind: 'refused'; readonly text: string };

export function verdictOf(policy: SchemaPolicy, target: TableSchema, source: TableSchema): PolicyVerdict {
  if (policy === 'follow') return { kind: 'follows' };
  const pairs = sideBySide(target, source);
  const refused = pairs.flatMap((pair) =>
    pair.differs.filter((one) => judge(policy, one, target) === 'refused').map((one) => ({ pair, one })),
  );
  const keys = refused.filter(({ one }) => one === 'key');
  if (keys.length > 0) return { kind: 'refused', text: keyText(target, source) };
  const worst = refused.toSorted((a, b) => rank(a) - rank(b))[0];
  if (worst !== undefined) return { kind: 'refused', text: refusedText(worst.pair, worst.one) };
  const held = pairs.some(({ differs }) => differs.some((one) => judge(policy, one, target) === 'held'));
  return { kind: held ? 'held' : 'follows' };
}

function judge(
  policy: Exclude<SchemaPolicy, 'follow'>,
  difference: ColumnDifference,
  target: TableSchema,
): Verdict {
  // Rows without a key are recognised by all of their columns, of which one is then in no line of the log.
  if (policy === 'ignore' && difference === 'dropped' && target.identity.kind === 'row') return 'refused';
  return VERDICTS[policy][difference];
}

/** Types first, and of a key before others: what is most wrong is said. */
function rank({ pair, one }: { readonly pair: ColumnPair; readonly one: ColumnDifference }): number {
  const type = one === 'retyped' || one === 'widened';
  return type ? (pair.inTargetKey ? 0 : 1) : 2;
}

function refusedText({ source, target, inTargetKey }: ColumnPair, difference: ColumnDifference): string {
  const type = target === null ? '' : typeText(target.type);
  switch (difference) {
    case 'widened':
    case 'retyped':
      return `${inTargetKey ? 'pk column type mismatch' : 'invalid modify column'}: ${source?.name} is ${source?.native} at the source and ${type} in the lake`;
    case 'added':
      return `column added: ${source?.name} (${source?.native}) is not in the lake`;
    case 'renamed':
      return `column renamed: ${source?.name} at the source is ${target?.name} in the lake`;
    case 'dropped':
    case 'key':
      return `column dropped: ${target?.name} (${type}) is no longer at the source`;
  }
}

function keyText(target: TableSchema, source: TableSchema): string {
  return `pk column different: the key is ${namesOf(source)} at the source and ${namesOf(target)} in the lake`;
}

function namesOf({ identity, columns }: TableSchema): string {
  return identity.kind === 'row'
    ? 'none'
    : `(${identity.columns.map((index) => columns[index]!.name).join(', ')})`;
}

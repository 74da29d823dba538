import type { LogicalType, PrimitiveType } from '../../model/logical-type.ts';
import type { TextForm } from '../../model/table.ts';

/** A row of pg_type, as far as a column's type in the lake depends on it. */
export interface PgType {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** b base, c composite, d domain, e enum, p pseudo, r range, m multirange */
  readonly kind: string;
  /** Of a true array (its element's typarray is this type), the element's oid; else 0. int2vector is none. */
  readonly element: number;
  readonly base: number;
  /** The modifier that a domain gives to its base; −1: none. */
  readonly baseModifier: number;
  readonly delimiter: string;
}

export interface LakeType {
  readonly type: LogicalType;
  readonly text: TextForm;
}

const PLAIN: TextForm = { form: 'plain' };
const STRING: Primitive = { type: { kind: 'string' }, text: PLAIN };

interface Primitive {
  readonly type: PrimitiveType;
  readonly text: TextForm;
}

const simple = (kind: Exclude<PrimitiveType['kind'], 'decimal'>, text: TextForm = PLAIN): Primitive => ({
  type: { kind },
  text,
});

/** Built-in types by oid (PostgreSQL source, pg_type.dat): these oids are the same on every server. */
const BUILT_IN: ReadonlyMap<number, Primitive> = new Map([
  [16, simple('boolean')],
  [17, simple('binary', { form: 'hex' })],
  [20, simple('long')],
  [21, simple('int')],
  [23, simple('int')],
  [26, simple('long')], // oid: unsigned 32 bits
  [700, simple('float')],
  [701, simple('double')],
  [1082, simple('date', { form: 'era' })],
  [1083, simple('time')],
  [1114, simple('timestamp', { form: 'era' })],
  [1184, simple('timestamptz', { form: 'era' })],
  [2950, simple('uuid')],
]);

const NUMERIC = 1700;
const BIT = 1560;
const MAX_PRECISION = 38;
/** A chain of domains is finite; this only guards against a catalog that is not. */
const MAX_DEPTH = 64;

/** The type in the lake of a column of this type and modifier. What has no type of its own there is a string. */
export function lakeType(typeId: number, typeModifier: number, types: ReadonlyMap<number, PgType>): LakeType {
  const { id, modifier } = withoutDomains(typeId, typeModifier, types);
  const type = types.get(id);
  if (!type || type.element === 0) return primitive(id, modifier);
  // The modifier of an array column is its elements'; the elements may be a domain themselves.
  const inner = withoutDomains(type.element, modifier, types);
  const innerType = types.get(inner.id);
  // A domain over an array as the element of an array: a list of lists, which the lake's list does not hold.
  if (innerType && innerType.element !== 0) return STRING;
  const element = primitive(inner.id, inner.modifier);
  return {
    type: { kind: 'list', element: element.type },
    text: { form: 'list', delimiter: type.delimiter, element: element.text },
  };
}

function withoutDomains(
  typeId: number,
  typeModifier: number,
  types: ReadonlyMap<number, PgType>,
): { id: number; modifier: number } {
  let id = typeId;
  let modifier = typeModifier;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const type = types.get(id);
    if (type?.kind !== 'd') break;
    id = type.base;
    if (modifier === -1) modifier = type.baseModifier;
  }
  return { id, modifier };
}

function primitive(id: number, modifier: number): Primitive {
  if (id === NUMERIC) return numeric(modifier);
  // bit is bit(1); its modifier is the length. Without one (a cast to "bit") any length may come.
  if (id === BIT && modifier === 1) return simple('boolean');
  return BUILT_IN.get(id) ?? STRING;
}

/**
 * numeric's modifier holds precision and scale; the scale is 11 bits with sign, from −1000 to 1000 (PostgreSQL source,
 * numeric.c). A negative scale rounds left of the point: as many digits more, none behind the point. A scale above
 * the precision has zeros behind the point: the digits behind it are all that there is.
 */
function numeric(modifier: number): Primitive {
  if (modifier < 4) return STRING;
  const precision = ((modifier - 4) >> 16) & 0xffff;
  const scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
  const lakePrecision = Math.max(precision - Math.min(scale, 0), scale);
  if (lakePrecision > MAX_PRECISION) return STRING;
  return { type: { kind: 'decimal', precision: lakePrecision, scale: Math.max(scale, 0) }, text: PLAIN };
}

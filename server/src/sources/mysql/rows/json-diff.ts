import { Container, JSONB, malformed, writeJsonString, writeJsonValue } from './json-binary.ts';
import { TextBuffer } from './text-buffer.ts';

/** A document of which parts can be exchanged; scalars are the server's text already. */
type Node =
  | { readonly kind: 'scalar'; readonly text: Buffer }
  | { readonly kind: 'array'; readonly items: Node[] }
  /** In the server's order: by the keys' lengths, then by their bytes. */
  | { readonly kind: 'object'; readonly members: { readonly key: Buffer; value: Node }[] };

type Leg =
  | { readonly kind: 'member'; readonly key: Buffer }
  /** `back`: counted from the last one. */
  | { readonly kind: 'cell'; readonly index: number; readonly back: boolean };

/** Something in a document that can be exchanged. */
interface Place {
  readonly node: Node;
  put(node: Node): void;
}

const OPERATION = { replace: 0, insert: 1, remove: 2 } as const;

/**
 * Writes the text of the document at [start, end) after the differences at [diffStart, diffEnd) (sql-common/json_diff.cc,
 * Json_diff_vector::write_binary): an operation, a path and, but for a removal, a value, the latter two with a
 * length-encoded length.
 * @throws SluiceError SOURCE_PROTOCOL where they do not fit the document; `out` then holds nothing of use
 */
export function writePatchedJson(
  bytes: Buffer,
  start: number,
  end: number,
  diffStart: number,
  diffEnd: number,
  out: TextBuffer,
): void {
  let root = start === end ? scalar('null') : parse(bytes, bytes[start]!, start + 1, end);
  let q = diffStart;
  while (q < diffEnd) {
    const operation = bytes[q++]!;
    const pathBytes = packedSize(bytes, q);
    const pathEnd = q + pathBytes + packed(bytes, q);
    const legs = parsePath(bytes.toString('utf8', q + pathBytes, pathEnd));
    q = pathEnd;
    let value: Node | null = null;
    if (operation !== OPERATION.remove) {
      const from = q + packedSize(bytes, q);
      q = from + packed(bytes, q);
      if (q > diffEnd) throw malformed();
      value = parse(bytes, bytes[from]!, from + 1, q);
    }
    const top: Place = {
      node: root,
      put: (node) => {
        root = node;
      },
    };
    change(top, legs, operation, value);
  }
  if (q !== diffEnd) throw malformed();
  print(root, out);
}

function change(top: Place, legs: readonly Leg[], operation: number, value: Node | null): void {
  if (operation === OPERATION.replace) {
    let place = top;
    for (const leg of legs) place = placeOf(place, leg);
    place.put(value!);
    return;
  }
  const leg = legs.at(-1);
  if (!leg) throw malformed();
  let place = top;
  for (const each of legs.slice(0, -1)) place = placeOf(place, each);
  const parent = place.node;
  if (leg.kind === 'cell') {
    if (parent.kind !== 'array') throw malformed();
    const index = indexOf(parent.items, leg);
    // Before the first cell counts as the first, and behind the last as the one behind it.
    if (operation === OPERATION.insert) parent.items.splice(Math.max(0, index), 0, value!);
    else if (operation === OPERATION.remove && index >= 0 && index < parent.items.length)
      parent.items.splice(index, 1);
    else throw malformed();
    return;
  }
  if (parent.kind !== 'object') throw malformed();
  const at = parent.members.findIndex((member) => member.key.equals(leg.key));
  if (operation === OPERATION.insert && at < 0) {
    const before = parent.members.findIndex((member) => compareKeys(member.key, leg.key) > 0);
    parent.members.splice(before < 0 ? parent.members.length : before, 0, { key: leg.key, value: value! });
  } else if (operation === OPERATION.remove && at >= 0) parent.members.splice(at, 1);
  else throw malformed();
}

function placeOf(parent: Place, leg: Leg): Place {
  const node = parent.node;
  if (leg.kind === 'member') {
    const member = node.kind === 'object' ? node.members.find(({ key }) => key.equals(leg.key)) : undefined;
    if (!member) throw malformed();
    return {
      node: member.value,
      put: (value) => {
        member.value = value;
      },
    };
  }
  // What is no array counts as one of a single cell.
  if (node.kind !== 'array') {
    if (leg.index !== 0) throw malformed();
    return parent;
  }
  const index = indexOf(node.items, leg);
  const item = node.items[index];
  if (!item) throw malformed();
  return {
    node: item,
    put: (value) => {
      node.items[index] = value;
    },
  };
}

function indexOf(items: readonly Node[], leg: Extract<Leg, { kind: 'cell' }>): number {
  return leg.back ? items.length - 1 - leg.index : leg.index;
}

/** Json_key_comparator: shorter keys first. */
function compareKeys(a: Buffer, b: Buffer): number {
  return a.length - b.length || a.compare(b);
}

/** A path without wildcards: $.name."any name"[3][last][last-1] */
export function parsePath(path: string): Leg[] {
  const legs: Leg[] = [];
  const form = /\.("(?:[^"\\]|\\.)*"|[^."[\]]+)|\[(?:(\d+)|(last)(?:-(\d+))?)\]/y;
  form.lastIndex = 1;
  if (path[0] !== '$') throw malformed();
  while (form.lastIndex < path.length) {
    const found = form.exec(path);
    if (!found) throw malformed();
    if (found[2] !== undefined) legs.push({ kind: 'cell', index: Number(found[2]), back: false });
    else if (found[3] !== undefined) legs.push({ kind: 'cell', index: Number(found[4] ?? 0), back: true });
    else {
      const name = found[1]!;
      const key = name.startsWith('"') ? (JSON.parse(name) as string) : name;
      legs.push({ kind: 'member', key: Buffer.from(key) });
    }
  }
  return legs;
}

function parse(bytes: Buffer, type: number, at: number, end: number): Node {
  if (type <= JSONB.largeArray) {
    const container = new Container(bytes, type, at, end);
    const values = Array.from({ length: container.count }, (_, i) =>
      parse(bytes, container.valueType(i), container.valueAt(i), container.end),
    );
    if (!container.isObject) return { kind: 'array', items: values };
    return {
      kind: 'object',
      members: values.map((value, i) => ({
        key: bytes.subarray(container.keyStart(i), container.keyEnd(i)),
        value,
      })),
    };
  }
  const text = new TextBuffer();
  writeJsonValue(bytes, type, at, end, text);
  return { kind: 'scalar', text: text.bytes.subarray(0, text.length) };
}

function scalar(text: string): Node {
  return { kind: 'scalar', text: Buffer.from(text) };
}

function print(node: Node, out: TextBuffer): void {
  if (node.kind === 'scalar') {
    out.copy(node.text, 0, node.text.length);
    return;
  }
  if (node.kind === 'array') {
    out.byte(0x5b);
    for (const [i, item] of node.items.entries()) {
      if (i > 0) out.ascii(', ');
      print(item, out);
    }
    out.byte(0x5d);
    return;
  }
  out.byte(0x7b);
  for (const [i, member] of node.members.entries()) {
    if (i > 0) out.ascii(', ');
    writeJsonString(member.key, 0, member.key.length, out);
    out.ascii(': ');
    print(member.value, out);
  }
  out.byte(0x7d);
}

/** A length-encoded integer, of which `packedSize` tells the bytes. */
function packed(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  if (first < 251) return first;
  return bytes.readUIntLE(at + 1, first === 252 ? 2 : first === 253 ? 3 : 6);
}

function packedSize(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  return first < 251 ? 1 : first === 252 ? 3 : first === 253 ? 4 : 9;
}

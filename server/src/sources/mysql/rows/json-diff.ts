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
  | { readonly kind: 'cell'; readonly index: number };

const OPERATION = { replace: 0, insert: 1, remove: 2 } as const;

/**
 * Writes the text of the document at [start, end) after the differences at [diffStart, diffEnd) (sql-common/json_diff.cc,
 * Json_diff_vector::write_binary): an operation, a path and, but for a removal, a value, the latter two with a
 * length-encoded length.
 * @throws SluiceError SOURCE_PROTOCOL where they do not fit the document
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
    if (legs.length === 0) {
      if (operation !== OPERATION.replace || !value) throw malformed();
      root = value;
    } else change(root, legs, operation, value);
  }
  if (q !== diffEnd) throw malformed();
  print(root, out);
}

function change(root: Node, legs: readonly Leg[], operation: number, value: Node | null): void {
  let parent = root;
  for (const leg of legs.slice(0, -1)) parent = child(parent, leg);
  const leg = legs.at(-1)!;
  if (leg.kind === 'cell') {
    // A scalar is the only cell of itself, which these paths never rely on.
    if (parent.kind !== 'array') throw malformed();
    if (operation === OPERATION.insert) parent.items.splice(leg.index, 0, value!);
    else {
      if (leg.index >= parent.items.length) throw malformed();
      if (operation === OPERATION.remove) parent.items.splice(leg.index, 1);
      else if (operation === OPERATION.replace) parent.items[leg.index] = value!;
      else throw malformed();
    }
    return;
  }
  if (parent.kind !== 'object') throw malformed();
  const at = parent.members.findIndex((member) => member.key.equals(leg.key));
  if (operation === OPERATION.insert) {
    if (at >= 0) throw malformed();
    const before = parent.members.findIndex((member) => compareKeys(member.key, leg.key) > 0);
    parent.members.splice(before < 0 ? parent.members.length : before, 0, { key: leg.key, value: value! });
    return;
  }
  if (at < 0) throw malformed();
  if (operation === OPERATION.remove) parent.members.splice(at, 1);
  else if (operation === OPERATION.replace) parent.members[at]!.value = value!;
  else throw malformed();
}

function child(parent: Node, leg: Leg): Node {
  const found =
    leg.kind === 'cell'
      ? parent.kind === 'array'
        ? parent.items[leg.index]
        : undefined
      : parent.kind === 'object'
        ? parent.members.find((member) => member.key.equals(leg.key))?.value
        : undefined;
  if (!found) throw malformed();
  return found;
}

/** Json_key_comparator: shorter keys first. */
function compareKeys(a: Buffer, b: Buffer): number {
  return a.length - b.length || a.compare(b);
}

/** A path without wildcards: $.name."any name"[3] */
export function parsePath(path: string): Leg[] {
  const legs: Leg[] = [];
  const form = /\.("(?:[^"\\]|\\.)*"|[^."[\]]+)|\[(\d+)\]/y;
  form.lastIndex = 1;
  if (path[0] !== '$') throw malformed();
  while (form.lastIndex < path.length) {
    const found = form.exec(path);
    if (!found) throw malformed();
    if (found[2] !== undefined) legs.push({ kind: 'cell', index: Number(found[2]) });
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

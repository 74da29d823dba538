import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { SluiceError } from '@sluice/contract';
import avro from 'avsc';

/**
 * Avro object container files (Avro specification 1.11, "Object Container Files"). The container is framed here,
 * not by the Avro library, because a library keeps only the schema attributes that it knows; Iceberg readers
 * find fields by `field-id`, `element-id` and `logicalType: map`, which must stand in the file's header.
 */
export interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly default?: null;
  readonly 'field-id': number;
}
export interface AvroRecordSchema {
  readonly type: 'record';
  readonly name: string;
  readonly fields: readonly AvroField[];
}
export type AvroSchema =
  | string
  | readonly AvroSchema[]
  | AvroRecordSchema
  | {
      readonly type: 'array';
      readonly items: AvroSchema;
      readonly 'element-id'?: number;
      readonly logicalType?: 'map';
    };

/** A record as it stands in the file: by field name; `long` is bigint, `bytes` is Buffer. */
export type AvroRecord = Readonly<Record<string, unknown>>;

export interface AvroFile {
  readonly schema: AvroRecordSchema;
  readonly meta: ReadonlyMap<string, string>;
  readonly records: readonly AvroRecord[];
}

const MAGIC = Buffer.from('Obj\u0001', 'latin1');
const SYNC_BYTES = 16;
const RECORDS_PER_BLOCK = 2000;

const BigLong = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

const HEADER = avro.Type.forSchema({
  type: 'record',
  name: 'Header',
  fields: [
    { name: 'meta', type: { type: 'map', values: 'bytes' } },
    { name: 'sync', type: { type: 'fixed', name: 'Sync', size: SYNC_BYTES } },
  ],
});
const COUNT = avro.Type.forSchema('long');

/** Types are compiled code; tables of one format version share theirs. */
const types = new Map<string, avro.Type>();
const TYPES_KEPT = 64;

function typeOf(schemaJson: string): avro.Type {
  const known = types.get(schemaJson);
  if (known) return known;
  if (types.size >= TYPES_KEPT) types.clear();
  const type = avro.Type.forSchema(JSON.parse(schemaJson) as avro.Schema, { registry: { long: BigLong } });
  types.set(schemaJson, type);
  return type;
}

export function writeAvro(
  schema: AvroRecordSchema,
  records: readonly AvroRecord[],
  meta: Readonly<Record<string, string>>,
): Buffer {
  const json = JSON.stringify(schema);
  const type = typeOf(json);
  const sync = randomBytes(SYNC_BYTES);
  const header: Record<string, Buffer> = {
    'avro.schema': Buffer.from(json),
    'avro.codec': Buffer.from('deflate'),
  };
  for (const [key, value] of Object.entries(meta)) header[key] = Buffer.from(value);
  const parts = [MAGIC, HEADER.toBuffer({ meta: header, sync })];
  for (let start = 0; start < records.length; start += RECORDS_PER_BLOCK) {
    const block = records.slice(start, start + RECORDS_PER_BLOCK);
    const body = deflateRawSync(Buffer.concat(block.map((record) => type.toBuffer(record))));
    parts.push(COUNT.toBuffer(block.length), COUNT.toBuffer(body.length), body, sync);
  }
  return Buffer.concat(parts);
}

/**
 * @param name for messages
 * @throws SluiceError STORAGE_FAILED where the bytes are no whole container file
 */
export function readAvro(bytes: Buffer, name: string): AvroFile {
  try {
    return decode(bytes);
  } catch (error) {
    throw new SluiceError('STORAGE_FAILED', `${name} is not a readable Avro file: ${String(error)}`, {
      cause: error,
    });
  }
}

function decode(bytes: Buffer): AvroFile {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('no magic bytes');
  const header = take<{ meta: Record<string, Buffer>; sync: Buffer }>(HEADER, bytes, MAGIC.length);
  const meta = new Map(Object.entries(header.value.meta).map(([key, value]) => [key, value.toString()]));
  const json = meta.get('avro.schema');
  if (json === undefined) throw new Error('no schema');
  const inflate = codec(meta.get('avro.codec') ?? 'null');
  const type = typeOf(json);
  const records: AvroRecord[] = [];
  let at = header.offset;
  while (at < bytes.length) {
    const count = take<number>(COUNT, bytes, at);
    const size = take<number>(COUNT, bytes, count.offset);
    const end = size.offset + size.value;
    if (!bytes.subarray(end, end + SYNC_BYTES).equals(header.value.sync))
      throw new Error('a block is damaged');
    const body = inflate(bytes.subarray(size.offset, end));
    let offset = 0;
    for (let i = 0; i < count.value; i++) {
      const record = take<AvroRecord>(type, body, offset);
      records.push(record.value);
      offset = record.offset;
    }
    if (offset !== body.length) throw new Error('a block is longer than its records');
    at = end + SYNC_BYTES;
  }
  return { schema: JSON.parse(json) as AvroRecordSchema, meta, records };
}

/** avsc answers a cut-off value with a negative offset, not with an error. */
function take<T>(type: avro.Type, bytes: Buffer, at: number): { value: T; offset: number } {
  const taken = type.decode(bytes, at) as { value: T; offset: number };
  if (taken.offset < 0) throw new Error('the file is cut off');
  return taken;
}

function codec(name: string): (body: Buffer) => Buffer {
  if (name === 'null') return (body) => body;
  if (name === 'deflate') return (body) => inflateRawSync(body);
  throw new Error(`the codec ${name} is not supported`);
}

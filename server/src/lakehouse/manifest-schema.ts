import type { AvroField, AvroRecordSchema, AvroSchema } from './avro.ts';

/**
 * Avro schemas of manifests and manifest lists, format version 2 (Iceberg spec sections "Manifests" and
 * "Manifest Lists"; the names of the inner records are those of the Java implementation).
 */
const required = (name: string, id: number, type: AvroSchema): AvroField => ({ name, type, 'field-id': id });
const optional = (name: string, id: number, type: AvroSchema): AvroField => ({
  name,
  type: ['null', type],
  default: null,
  'field-id': id,
});

/** Maps with int keys are arrays of pairs, which Avro's own maps cannot be (spec appendix A). */
const mapOf = (name: string, id: number, key: number, value: number, type: AvroSchema): AvroField =>
  optional(name, id, {
    type: 'array',
    logicalType: 'map',
    items: {
      type: 'record',
      name: `k${key}_v${value}`,
      fields: [required('key', key, 'int'), required('value', value, type)],
    },
  });

/** Of unpartitioned tables: the partition struct has no fields. */
export const MANIFEST_ENTRY: AvroRecordSchema = {
  type: 'record',
  name: 'manifest_entry',
  fields: [
    required('status', 0, 'int'),
    optional('snapshot_id', 1, 'long'),
    optional('sequence_number', 3, 'long'),
    optional('file_sequence_number', 4, 'long'),
    required('data_file', 2, {
      type: 'record',
      name: 'r2',
      fields: [
        required('content', 134, 'int'),
        required('file_path', 100, 'string'),
        required('file_format', 101, 'string'),
        required('partition', 102, { type: 'record', name: 'r102', fields: [] }),
        required('record_count', 103, 'long'),
        required('file_size_in_bytes', 104, 'long'),
        mapOf('column_sizes', 108, 117, 118, 'long'),
        mapOf('value_counts', 109, 119, 120, 'long'),
        mapOf('null_value_counts', 110, 121, 122, 'long'),
        mapOf('nan_value_counts', 137, 138, 139, 'long'),
        mapOf('lower_bounds', 125, 126, 127, 'bytes'),
        mapOf('upper_bounds', 128, 129, 130, 'bytes'),
        optional('key_metadata', 131, 'bytes'),
        optional('split_offsets', 132, { type: 'array', items: 'long', 'element-id': 133 }),
        optional('equality_ids', 135, { type: 'array', items: 'int', 'element-id': 136 }),
        optional('sort_order_id', 140, 'int'),
        optional('referenced_data_file', 143, 'string'),
      ],
    }),
  ],
};

export const MANIFEST_FILE: AvroRecordSchema = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    required('manifest_path', 500, 'string'),
    required('manifest_length', 501, 'long'),
    required('partition_spec_id', 502, 'int'),
    required('content', 517, 'int'),
    required('sequence_number', 515, 'long'),
    required('min_sequence_number', 516, 'long'),
    required('added_snapshot_id', 503, 'long'),
    required('added_files_count', 504, 'int'),
    required('existing_files_count', 505, 'int'),
    required('deleted_files_count', 506, 'int'),
    required('added_rows_count', 512, 'long'),
    required('existing_rows_count', 513, 'long'),
    required('deleted_rows_count', 514, 'long'),
    optional('partitions', 507, {
      type: 'array',
      'element-id': 508,
      items: {
        type: 'record',
        name: 'r508',
        fields: [
          required('contains_null', 509, 'boolean'),
          optional('contains_nan', 518, 'boolean'),
          optional('lower_bound', 510, 'bytes'),
          optional('upper_bound', 511, 'bytes'),
        ],
      },
    }),
    optional('key_metadata', 519, 'bytes'),
  ],
};

/**
 * Reads a record's fields by id: writers differ in names (`added_data_files_count`), never in ids.
 * @returns the value, or null where the file has no such field
 */
export function fieldReader(
  schema: AvroRecordSchema,
): (record: Readonly<Record<string, unknown>>, id: number) => unknown {
  const names = new Map(schema.fields.map((field) => [field['field-id'], field.name]));
  return (record, id) => {
    const name = names.get(id);
    return name === undefined ? null : (record[name] ?? null);
  };
}

/** The record schema of a struct field, through a union with null. */
export function recordOf(schema: AvroRecordSchema, id: number): AvroRecordSchema {
  const type = schema.fields.find((field) => field['field-id'] === id)?.type;
  const options = Array.isArray(type) ? (type as readonly AvroSchema[]) : [type];
  for (const option of options)
    if (typeof option === 'object' && 'type' in option && option.type === 'record') return option;
  throw new Error(`the schema has no struct field ${id}`);
}

import { z } from 'zod';
import { Time } from './primitives.ts';

/** A table of the warehouse. Totals are null where another writer left none, or the table cannot be read (`error`). */
export const LakeTable = z.object({
  schema: z.string(),
  table: z.string(),
  updatedAt: Time.nullable(),
  rows: z.int().nullable().describe('rows that a reader sees'),
  bytes: z.int().nullable().describe('of data and delete files'),
  dataFiles: z.int().nullable(),
  deleteFiles: z.int().nullable(),
  snapshotId: z.string().nullable().describe('a 64-bit number as text'),
  location: z.string().nullable(),
  error: z.string().nullable(),
});
export type LakeTable = z.infer<typeof LakeTable>;

export const LakeTableDetail = LakeTable.extend({
  uuid: z.string(),
  metadataLocation: z.string(),
  columns: z.array(
    z.object({
      id: z.int(),
      name: z.string(),
      type: z.string(),
      required: z.boolean(),
      key: z.boolean(),
      doc: z.string().nullable(),
    }),
  ),
  properties: z.record(z.string(), z.string()),
});
export type LakeTableDetail = z.infer<typeof LakeTableDetail>;

export const LakeTableStats = z.object({
  schema: z.string(),
  table: z.string(),
  rows: z.int().nullable(),
  bytes: z.int().nullable(),
  dataFiles: z.int().nullable(),
  deleteFiles: z.int().nullable(),
  deletedRows: z.int().describe('positions that delete files list'),
  smallestFileBytes: z.int().nullable(),
  largestFileBytes: z.int().nullable(),
  snapshots: z.int(),
  columns: z.array(
    z.object({
      name: z.string(),
      bytes: z.int().describe('compressed, in all data files'),
      nulls: z.int().nullable().describe('of rows in data files, deleted ones included'),
    }),
  ),
});
export type LakeTableStats = z.infer<typeof LakeTableStats>;

export const LakeSnapshot = z.object({
  snapshotId: z.string(),
  parentId: z.string().nullable(),
  sequenceNumber: z.int(),
  committedAt: Time,
  operation: z.string(),
  summary: z.record(z.string(), z.string()),
  rows: z.int().nullable().describe('that a reader sees; null where another writer does not tell'),
  current: z.boolean(),
});
export type LakeSnapshot = z.infer<typeof LakeSnapshot>;

export const LakeTableQuery = z.strictObject({
  schema: z.string().min(1),
  table: z.string().min(1),
});
export const LakePreviewQuery = LakeTableQuery.extend({
  limit: z.coerce.number().int().min(1).max(10_000).default(20),
});

import { z } from 'zod';
import { Time } from './primitives.ts';

/** A table of the warehouse. */
export const LakeTable = z.object({
  schema: z.string(),
  table: z.string(),
  updatedAt: Time.nullable(),
  rows: z.int().nullable().describe('rows that a reader sees'),
});
export type LakeTable = z.infer<typeof LakeTable>;

export const LakeTableDetail = LakeTable.extend({
  uuid: z.string(),
  location: z.string(),
  metadataLocation: z.string(),
  formatVersion: z.int(),
  columns: z.array(
    z.object({
      id: z.int(),
      name: z.string(),
      type: z.string(),
      required: z.boolean(),
      key: z.boolean(),
    }),
  ),
  properties: z.record(z.string(), z.string()),
  currentSnapshotId: z.string().nullable().describe('a 64-bit number as text'),
});
export type LakeTableDetail = z.infer<typeof LakeTableDetail>;

export const LakeTableStats = z.object({
  schema: z.string(),
  table: z.string(),
  rows: z.int(),
  dataFiles: z.int(),
  dataBytes: z.int(),
  deleteFiles: z.int(),
  deletedRows: z.int().describe('positions that delete files list'),
  manifests: z.int(),
  snapshots: z.int(),
});
export type LakeTableStats = z.infer<typeof LakeTableStats>;

export const LakeSnapshot = z.object({
  snapshotId: z.string(),
  parentId: z.string().nullable(),
  sequenceNumber: z.int(),
  committedAt: Time,
  operation: z.string(),
  summary: z.record(z.string(), z.string()),
});
export type LakeSnapshot = z.infer<typeof LakeSnapshot>;

export const LakeTableQuery = z.strictObject({
  schema: z.string().min(1),
  table: z.string().min(1),
});
export const LakePreviewQuery = LakeTableQuery.extend({
  limit: z.coerce.number().int().min(1).max(10_000).default(20),
});

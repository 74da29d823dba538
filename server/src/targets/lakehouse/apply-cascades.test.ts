import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scanSql } from '../../lakehouse/duckdb/scan-sql.ts';
import { fileStorage } from '../../lakehouse/file-storage.ts';
import { writeMetadata } from '../../lakehouse/metadata-file.ts';
import { liveFiles } from '../../lakehouse/scan.ts';
import { CASCADE_OP } from '../../model/change.ts';
import type { LogicalType } from '../../model/logical-type.ts';
import type { TableSchema } from '../../model/table.ts';
import { applyChanges } from './apply-changes.ts';
import { newTable } from './column-map.ts';
import { HeldKeys } from './held-keys.ts';
import { withSql } from './sql.ts';
import { Bench, column, type Line } from './testing/change-batches.ts';

const RULES = { infiniteDates: 'error', zeroDates: 'error', outOfRange: 'error' } as const;
const never = new AbortController().signal;

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

describe('rows that a foreign key takes with it unseen', () => {
  // As many keys as the batch has lines, though one of them has two: one that it brought, and one that was made of the cascade.
  it.each(['int', 'string'] as const)(
    'go, those that came in the same batch too: keys of type %s',
    async (kind) => {
      const columns = [column(1, 'k', { kind } as LogicalType), column(2, 'parent', { kind: 'int' })];
      const schema: TableSchema = {
        name: { schema: 's', table: `children ${kind}` },
        columns,
        identity: { kind: 'key', columns: [0] },
        cascades: [
          {
            ...{ name: 'f', parent: { schema: 's', table: 'parents' }, columns: [2], referenced: ['id'] },
            ...{ comparisons: [{ text: 'exact', padded: false }], onDelete: 'delete', onUpdate: 'nothing' },
            ...{ logged: false, untold: null },
          },
        ],
      };
      const storage = fileStorage();
      const heldKeys = new HeldKeys(1 << 20);
      let metadata = newTable(schema, storage.location(join(bench.folder, kind)), Date.now());
      const commit = async (...lines: readonly Line[]): Promise<readonly string[]> => {
        const batch = bench.batch(schema, [await bench.part(columns, lines)], { exact: true });
        const options = {
          rules: RULES,
          targetBytes: 1 << 20,
          keyLimit: 1024,
          heldKeys,
          scratch: bench.scratch,
        };
        const applied = await withSql(bench.engine, never, (sql) =>
          applyChanges(sql, storage, metadata, batch, options, never),
        );
        metadata = (await writeMetadata(storage, applied.metadata, null)).metadata;
        const files = await liveFiles(storage, metadata);
        const scanned = scanSql(storage, files, [{ id: 1, name: 'k', type: kind }]);
        return (await bench.rows(`SELECT CAST(k AS VARCHAR) FROM ${scanned}`)).map(([k]) => String(k)).sort();
      };
      const row = (op: string, k: string | null, parent: string | null, ord: number): Line => ({
        ...{ ord, op, values: [k, parent], mask: op === CASCADE_OP.delete ? '10' : null },
      });
      expect(await commit(row('I', '7', '5', 1), row('I', '9', '9', 2))).toEqual(['7', '9']);
      expect(await commit(row('I', '1', '5', 3), row(CASCADE_OP.delete, null, '5', 4))).toEqual(['9']);
    },
  );
});

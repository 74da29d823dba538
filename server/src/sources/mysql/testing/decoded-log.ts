import type { TestMysqlDatabase } from '../../../../../tests/support/mysql.ts';
import type { TableSchema } from '../../../model/table.ts';
import { parseCsv } from '../../postgres/testing/csv.ts';
import { EVENT } from '../binlog/event-types.ts';
import { openSession } from '../connect.ts';
import { parseNative } from '../native-type.ts';
import { agrees } from '../rows/agreement.ts';
import { Charsets } from '../rows/charset.ts';
import { compileRows, type RowsReader } from '../rows/rows-reader.ts';
import { parseTableMap, readTableId, type TableMap } from '../rows/table-map.ts';
import { LineWriter } from './line-writer.ts';
import { describeTable } from './loading.ts';
import { dumpFrom, headOf, never } from './log-reading.ts';

/** For tests: op, fields (null is NULL), mask or null. */
export type DecodedRow = readonly (string | null)[];

export interface DecodedTable {
  readonly schema: TableSchema;
  readonly map: TableMap;
  readonly rows: DecodedRow[];
  readonly lossy: number;
}

const ROWS: ReadonlySet<number> = new Set([
  EVENT.WRITE_ROWS,
  EVENT.WRITE_ROWS_V1,
  EVENT.UPDATE_ROWS,
  EVENT.UPDATE_ROWS_V1,
  EVENT.DELETE_ROWS,
  EVENT.DELETE_ROWS_V1,
  EVENT.PARTIAL_UPDATE_ROWS,
]);

interface Reading {
  readonly schema: TableSchema;
  readonly map: TableMap;
  readonly reader: RowsReader;
  readonly writer: LineWriter;
}

/**
 * What the log says that `change` did to the database's tables, by table; their schema is the one that they have
 * afterwards, and must be the one of the log.
 */
export async function decodeChanges(
  db: TestMysqlDatabase,
  change: () => Promise<void>,
): Promise<ReadonlyMap<string, DecodedTable>> {
  const head = await headOf(db.connection);
  await change();
  const charsets = new Charsets();
  await using session = await openSession(db.connection, { applicationName: 'test' }, never);
  await using dump = await dumpFrom(db.connection, head, { nonBlocking: true, serverId: 0 });
  const readings = new Map<string, Reading>();
  const byId = new Map<number, Reading>();
  while (await dump.next()) {
    if (dump.type === EVENT.TABLE_MAP) {
      const map = parseTableMap(dump.bytes, dump.start, dump.end);
      byId.delete(map.tableId);
      if (map.schema !== db.name) continue;
      let reading = readings.get(map.table);
      if (!reading?.map.bytes.subarray(8).equals(map.bytes.subarray(8))) {
        const schema = await describeTable(db, map.table);
        const natives = schema.columns.map((column) => parseNative(column.native));
        const names = schema.columns.map((column) => column.name);
        const difference = agrees(map, natives, names);
        if (difference !== null) throw new Error(`${map.table}: ${difference}`);
        for (const native of natives)
          if (native.kind === 'text') await charsets.load((sql) => session.rows(sql), [native.charset]);
        const key = schema.identity.kind === 'key' ? schema.identity.columns : [];
        const writer = reading?.writer ?? new LineWriter(natives.length);
        reading = { schema, map, writer, reader: compileRows(map, natives, charsets, key) };
        readings.set(map.table, reading);
      }
      byId.set(map.tableId, reading);
    } else if (ROWS.has(dump.type)) {
      const reading = byId.get(readTableId(dump.bytes, dump.start));
      reading?.reader.event(dump.bytes, dump.start, dump.end, dump.type, reading.writer);
    }
  }
  return new Map(
    [...readings].map(([table, { schema, map, writer }]) => [
      table,
      { schema, map, rows: parseCsv(writer.lines), lossy: writer.lossyRows },
    ]),
  );
}

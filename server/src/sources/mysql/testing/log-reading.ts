import type { Connection } from '../../source.ts';
import { type Dump, type DumpOptions, openDump } from '../binlog/dump.ts';
import { EVENT } from '../binlog/event-types.ts';
import { openSession } from '../connect.ts';
import { type BinlogPosition, readHead } from '../position.ts';

export const never: AbortSignal = new AbortController().signal;

/** Server ids of tests: outside of the range that tasks use, another one each time. */
let lastServerId = 100_000 + (process.pid % 10_000) * 1000;
export function freshServerId(): number {
  lastServerId += 1;
  return lastServerId;
}

export async function headOf(connection: Connection): Promise<BinlogPosition> {
  await using session = await openSession(connection, { applicationName: 'test' }, never);
  return await readHead(session);
}

export async function dumpFrom(
  connection: Connection,
  from: DumpOptions['from'] | BinlogPosition,
  options: Partial<DumpOptions> = {},
  signal: AbortSignal = never,
): Promise<Dump> {
  return await openDump(
    connection,
    {
      from: 'kind' in from ? from : { kind: 'file', file: from.file!.name, offset: from.file!.offset },
      serverId: freshServerId(),
      heartbeatMs: 10_000,
      applicationName: 'test',
      ...options,
    },
    signal,
  );
}

const ROWS: Readonly<Record<number, string>> = {
  [EVENT.WRITE_ROWS]: 'insert',
  [EVENT.WRITE_ROWS_V1]: 'insert',
  [EVENT.UPDATE_ROWS]: 'update',
  [EVENT.UPDATE_ROWS_V1]: 'update',
  [EVENT.DELETE_ROWS]: 'delete',
  [EVENT.DELETE_ROWS_V1]: 'delete',
};

/** Of a TABLE_MAP event: id of 6 bytes, flags u16, then two names with their lengths before and a zero behind. */
function tableOf(dump: Dump): { schema: string; table: string } {
  const schemaBytes = dump.bytes[dump.start + 8] ?? 0;
  const tableAt = dump.start + 9 + schemaBytes + 1;
  return {
    schema: dump.bytes.toString('utf8', dump.start + 9, dump.start + 9 + schemaBytes),
    table: dump.bytes.toString('utf8', tableAt + 1, tableAt + 1 + (dump.bytes[tableAt] ?? 0)),
  };
}

/**
 * Reads to the end of the transaction that writes to the table `until` of the database (or to the end of the log), and
 * returns the events of the database's rows, as `insert t`. Everything else on the server is left out.
 */
export async function changesOf(
  dump: Dump,
  database: string,
  until = 'fence',
  each: (dump: Dump, change: string) => void = () => undefined,
): Promise<string[]> {
  const changes: string[] = [];
  let current = { schema: '', table: '' };
  let fenced = false;
  while (await dump.next()) {
    if (dump.type === EVENT.TABLE_MAP) current = tableOf(dump);
    else if (dump.type === EVENT.XID && fenced) break;
    const row = ROWS[dump.type];
    if (row === undefined || current.schema !== database) continue;
    if (current.table === until) fenced = true;
    else {
      const change = `${row} ${current.table}`;
      changes.push(change);
      each(dump, change);
    }
  }
  return changes;
}

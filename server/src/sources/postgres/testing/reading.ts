import type { Column, TableName } from '../../../model/table.ts';
import { DEFAULT_READING, type Position, type Source, type TableSnapshot } from '../../source.ts';
import { postgresAdmin } from '../admin.ts';
import { parseCsv } from './csv.ts';
import type { RecordingSink } from './recording-sink.ts';

/** For tests: what a run does with a source, in a few words. */

export const never: AbortSignal = new AbortController().signal;

let tasks = 0;
export function newTaskKey(): string {
  return `t${process.pid}_${tasks++}`;
}

type TestConnection = Parameters<typeof postgresAdmin.test>[0];

export function openSource(
  connection: TestConnection,
  options: { taskKey?: string; publication?: string; notice?: (message: string) => void } = {},
): Promise<Source> {
  const { taskKey = newTaskKey(), publication = null, notice } = options;
  const serverIds = { allot: (): Promise<number> => Promise.reject(new Error('PostgreSQL knows none')) };
  return postgresAdmin.open(
    { connection, taskKey, publication, notice, reading: DEFAULT_READING, serverIds },
    never,
  );
}

/** Publishes every table that can be, and begins anew. */
export async function begin(source: Source): Promise<Position> {
  const tables = await source.discover({ schemas: [], tables: [] }, never);
  const from = await source.attach(null, never);
  const refused = await source.publish(
    tables.filter((table) => table.refused === null).map((table) => table.schema.name),
    never,
  );
  if (refused.length > 0) throw new Error(JSON.stringify(refused));
  return from;
}

/** Streams until a new mark has come by, then stops. Returns the end of the last transaction. */
export async function readLog(source: Source, from: Position, sink: RecordingSink): Promise<Position> {
  const stop = new AbortController();
  const text = `mark ${Math.random()}`;
  const streaming = source.stream(from, sink, stop.signal);
  try {
    await source.mark(text, never);
    await Promise.race([sink.marked(text), streaming]);
  } finally {
    stop.abort();
    await streaming;
  }
  const last = sink.events.findLast((event) => event.kind === 'commit');
  return last?.kind === 'commit' ? last.end : from;
}

export async function copyAll(
  snapshot: TableSnapshot,
  targetBytes = 1_000_000,
): Promise<readonly (readonly (string | null)[])[]> {
  const parts: Buffer[] = [];
  let rows = 0;
  for (const chunk of await snapshot.plan(targetBytes)) {
    const done = await snapshot.copy(chunk, async (lines) => void parts.push(Buffer.from(lines)), never);
    rows += done.rows;
  }
  const parsed = parseCsv(Buffer.concat(parts).toString('utf8'));
  if (parsed.length !== rows) throw new Error(`${rows} rows were counted, ${parsed.length} came`);
  return parsed;
}

export async function loadTable(
  source: Source,
  table: TableName,
  columns: readonly Column[],
): Promise<readonly (readonly (string | null)[])[]> {
  await using snapshot = await source.snapshot({ name: table, columns, identity: { kind: 'row' } }, never);
  return await copyAll(snapshot);
}

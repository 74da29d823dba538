import type { ContentFile } from '../../lakehouse/data-file.ts';
import { writeDataFiles } from '../../lakehouse/duckdb/parquet-write.ts';
import { quoteText } from '../../lakehouse/duckdb/sql-text.ts';
import { toLogical } from '../../lakehouse/iceberg-type.ts';
import type { TableMetadata } from '../../lakehouse/metadata.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { currentSchema } from '../../lakehouse/table-metadata.ts';
import type { Column, TableName } from '../../model/table.ts';
import type { LoadedChunk } from '../target.ts';
import { absentText, lostExpression, readLines, STRICT } from './change-lines.ts';
import { columnMapOf } from './column-map.ts';
import { printFiles } from './content-file-json.ts';
import { type KeyPart, keyLimitTrouble, withinKeyLimit } from './key-size.ts';
import { inPieces } from './line-pieces.ts';
import { isOutOfMemory, type Sql } from './sql.ts';
import { type ReadingRules, textExpression, widenedExpression, widenedValue } from './text-expression.ts';
import { findValueTrouble } from './value-trouble.ts';

export interface Chunk {
  readonly file: string;
  readonly columns: readonly Column[];
  /** By column, whether its values are there instead of their text; null: lines, which have only text. */
  readonly typed: readonly boolean[] | null;
  /** As ChangeBatch.constants; null: the chunk has every column of the table. */
  readonly constants: ReadonlyMap<number, string> | null;
  /** Indexes of the columns that identify a row. Not the metadata's identifier fields: Iceberg allows no double among them. */
  readonly key: readonly number[];
  readonly longestLine: number;
  readonly lossy: boolean;
  readonly takenAt: bigint;
}

/** Makes durable data files of one chunk of a full load. @throws SluiceError TABLE_VALUE, TABLE_KEY_LENGTH, STORAGE_* */
export async function loadChunk(
  sql: Sql,
  storage: Storage,
  metadata: TableMetadata,
  table: TableName,
  chunk: Chunk,
  options: { readonly rules: ReadingRules; readonly targetBytes: number; readonly keyLimit: number },
  signal: AbortSignal,
): Promise<LoadedChunk> {
  const map = columnMapOf(metadata)!;
  const schema = currentSchema(metadata);
  const bySourceId = new Map(chunk.columns.map((column, index) => [column.sourceId, { column, index }]));
  const rulesOf = (index: number): ReadingRules => (chunk.key.includes(index) ? STRICT : options.rules);
  const idOf = new Map([...map.columns].map(([sourceId, fieldId]) => [fieldId, sourceId]));
  const values = schema.fields.map((field) => {
    if (field.id === map.op) return `'I'`;
    if (field.id === map.sourceTs) return `CAST(make_timestamp(${chunk.takenAt}) AS TIMESTAMPTZ)`;
    const id = idOf.get(field.id)!;
    const source = bySourceId.get(id);
    const type = toLogical(field.type);
    if (source === undefined) {
      if (chunk.constants === null) throw new Error(`field ${field.id} has no column in the chunk`);
      return textExpression(type, PLAIN, absentText(chunk.constants, { sourceId: id }), STRICT);
    }
    const { column, index } = source;
    return chunk.typed?.[index]
      ? widenedValue(column, type, `f${index}`)
      : widenedExpression(column, type, `f${index}`, rulesOf(index));
  });
  // Typed under names of their own first, so that the key's size is not told of values that are read twice.
  const places = chunk.key.map((index) =>
    schema.fields.findIndex((field) => bySourceId.get(idOf.get(field.id) ?? Number.NaN)?.index === index),
  );
  const key = places.map(
    (place): KeyPart => ({
      name: schema.fields[place]!.name,
      type: toLogical(schema.fields[place]!.type),
      sql: `v${place}`,
    }),
  );
  const typed = values.map((value, place) => `${value} AS v${place}`).join(', ');
  const kept = values.map((_, place) =>
    place === places[0] ? withinKeyLimit(`v${place}`, key, options.keyLimit) : `v${place}`,
  );
  return piecesOf(chunk, async (relations) => {
    const files: ContentFile[] = [];
    let nulledValues = 0;
    for (const from of relations) {
      try {
        files.push(
          ...(await writeDataFiles(
            sql.connection,
            storage,
            {
              select: `SELECT ${kept.join(', ')} FROM (SELECT ${typed} FROM ${from})`,
              fields: schema.fields,
              folder: storage.join(metadata.location, 'data'),
              maxBytes: options.targetBytes,
            },
            signal,
          )),
        );
        nulledValues += await countNulled(sql, chunk, from, options.rules);
      } catch (error) {
        signal.throwIfAborted();
        if (isOutOfMemory(error)) throw error;
        const tooLong = keyLimitTrouble(error, table, key, options.keyLimit);
        if (tooLong !== null) throw tooLong;
        const columns = chunk.columns.flatMap((column, index) =>
          chunk.typed?.[index] ? [] : [{ column, text: `f${index}`, rules: rulesOf(index) }],
        );
        throw (await findValueTrouble(sql, table, [{ from, columns }])) ?? error;
      }
    }
    await storage.sync(files.map((file) => file.path));
    const rows = files.reduce((sum, file) => sum + file.records, 0);
    return { files: printFiles(files), rows, nulledValues };
  });
}

/** The chunk's rows as relations that can be read in bounded memory. Typed rows come in groups that are small already. */
function piecesOf<T>(chunk: Chunk, work: (relations: readonly string[]) => Promise<T>): Promise<T> {
  if (chunk.typed !== null) return work([`read_parquet(${quoteText(chunk.file)})`]);
  return inPieces(chunk.file, chunk.longestLine, (pieces) =>
    work(pieces.map((piece) => readLines([piece], chunk.columns.length, chunk.longestLine))),
  );
}

/** Where there is no text to read. */
const PLAIN = { form: 'plain' } as const;

async function countNulled(sql: Sql, chunk: Chunk, from: string, rules: ReadingRules): Promise<number> {
  if (!chunk.lossy && rules.outOfRange === 'error') return 0;
  const lost = chunk.columns
    .map((column, index) => (chunk.typed?.[index] ? null : lostExpression(column, `f${index}`, rules)))
    .filter((one) => one !== null);
  if (lost.length === 0) return 0;
  const [row] = await sql.rows(`SELECT CAST(${lost.join(' + ')} AS BIGINT) FROM ${from}`);
  return Number(row?.[0] ?? 0);
}

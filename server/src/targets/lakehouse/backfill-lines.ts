import { rm, writeFile } from 'node:fs/promises';
import { SluiceError } from '@sluice/contract';
import { scanSql } from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteIdentifier, quoteText } from '../../lakehouse/duckdb/sql-text.ts';
import type { TableMetadata } from '../../lakehouse/metadata.ts';
import { liveFiles } from '../../lakehouse/scan.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { currentSchema } from '../../lakehouse/table-metadata.ts';
import { CHANGE_FIELDS, OP } from '../../model/change.ts';
import type { BackfillLines, BackfillRequest } from '../target.ts';
import { FRONT, readLines, STRICT } from './change-lines.ts';
import { columnMapOf } from './column-map.ts';
import { textOfKey } from './key-text.ts';
import { inPieces } from './line-pieces.ts';
import { isOutOfMemory, type Sql } from './sql.ts';
import { textExpression } from './text-expression.ts';

/** Keys that the source is asked for at a time. */
const ASKED_AT_ONCE = 5000;

/**
 * Makes change lines of a backfill: every row that the source gave as an update, and, of the rows of the table that
 * the filter matches and the source did not give, each as the source has it now, or as deleted where it has none. That
 * the lake may understand the filter otherwise than the source (collations, rounding) only means that it asks for more
 * or fewer of these; no row is deleted that the source has.
 * @throws SluiceError TABLE_BACKFILL where the lake cannot evaluate the filter, or cannot ask for keys of this type
 */
export async function writeBackfillLines(
  sql: Sql,
  storage: Storage,
  metadata: TableMetadata,
  request: BackfillRequest,
): Promise<BackfillLines> {
  const { columns, key } = request;
  const typedKey = (name: (index: number) => string): string =>
    key
      .map((index, n) => {
        const column = columns[index]!;
        return `${textExpression(column.type, column.text, name(index), STRICT)} AS k${n}`;
      })
      .join(', ');
  const keys = key.map((_, n) => `k${n}`).join(', ');
  return inPieces(request.file, request.longestLine, async (pieces) => {
    const given = readLines(pieces, columns.length, request.longestLine);
    await sql.run(
      `CREATE TEMP TABLE given AS SELECT DISTINCT ${keys} FROM (SELECT ${typedKey((n) => `f${n}`)} FROM ${given})`,
    );
    await matchRows(sql, storage, metadata, request, keys);
    const fetched = `${request.to}.csv`;
    const longest = await fetchStill(sql, request, fetched);
    try {
      const still = longest === 0 ? null : readLines([fetched], columns.length, longest);
      await sql.run(
        `CREATE TEMP TABLE gone AS SELECT * FROM asked${still === null ? '' : ` ANTI JOIN (SELECT ${typedKey((n) => `f${n}`)} FROM ${still}) USING (${keys})`}`,
      );
      const lines = [
        lineOf(
          request,
          OP.update,
          columns.map((_, n) => `f${n}`),
          given,
        ),
        ...(still === null
          ? []
          : [
              lineOf(
                request,
                OP.update,
                columns.map((_, n) => `f${n}`),
                still,
              ),
            ]),
        lineOf(
          request,
          OP.delete,
          columns.map((_, n) => (key.includes(n) ? `t${key.indexOf(n)}` : 'NULL')),
          'gone',
        ),
      ];
      // Each key has one line, so that their order does not matter; a batch is halved by these numbers.
      await sql.run(
        `COPY (SELECT CAST(row_number() OVER () AS VARCHAR) AS f0, * FROM (${lines.join(' UNION ALL ')})) TO ${quoteText(request.to)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      const [count] = await sql.rows(
        `SELECT count(*), count(*) FILTER (f1 = '${OP.delete}') FROM read_parquet(${quoteText(request.to)})`,
      );
      const rows = Number(count?.[0] ?? 0);
      const part = {
        format: 'parquet' as const,
        files: [request.to],
        columns,
        rows,
        longestLine: 0,
        masked: false,
        lossy: true,
        unseen: false,
        truncates: false,
      };
      return { part, gone: Number(count?.[1] ?? 0) };
    } finally {
      await rm(fetched, { force: true });
    }
  });
}

/** A SELECT of lines without their numbers: op, ts, xid, the columns, no mask. */
function lineOf(request: BackfillRequest, op: string, values: readonly string[], from: string): string {
  const fields = [
    `'${op}'`,
    `'${request.takenAt}'`,
    'CAST(NULL AS VARCHAR)',
    ...values,
    'CAST(NULL AS VARCHAR)',
  ];
  const named = fields.map((value, n) => `CAST(${value} AS VARCHAR) AS f${n + 1}`);
  if (fields.length !== CHANGE_FIELDS.length + request.columns.length)
    throw new Error('a line of another length');
  return `SELECT ${named.join(', ')} FROM ${from}`;
}

/** `asked`: the keys, as values and as the source's text, of rows that the filter matches and the source did not give. */
async function matchRows(
  sql: Sql,
  storage: Storage,
  metadata: TableMetadata,
  { columns, key, filter }: BackfillRequest,
  keys: string,
): Promise<void> {
  const map = columnMapOf(metadata)!;
  const fields = new Map(currentSchema(metadata).fields.map((field) => [field.id, field]));
  const scanned = columns.flatMap((column) => {
    const id = map.columns.get(column.sourceId);
    const field = id === undefined ? undefined : fields.get(id);
    return field === undefined ? [] : [{ id: field.id, name: column.name, type: field.type }];
  });
  const texts = key.map((index, n) => `${textOfKey(columns[index]!, `k${n}`)} AS t${n}`).join(', ');
  const values = key.map((index, n) => `${quoteIdentifier(columns[index]!.name)} AS k${n}`).join(', ');
  const rows = scanSql(storage, await liveFiles(storage, metadata), scanned);
  try {
    await sql.run(
      `CREATE TEMP TABLE asked AS SELECT *, ${texts} FROM (SELECT ${values} FROM ${rows} AS "table" WHERE (\n${filter}\n)) ANTI JOIN given USING (${keys})`,
    );
  } catch (error) {
    if (isOutOfMemory(error) || !(error instanceof Error)) throw error;
    throw new SluiceError(
      'TABLE_BACKFILL',
      `The lake cannot evaluate the filter ${filter}: ${error.message}`,
      {
        cause: error,
      },
    );
  }
}

/** Writes the rows of `asked` that the source has. @returns a bound of their longest line; 0: there are none */
async function fetchStill(sql: Sql, request: BackfillRequest, file: string): Promise<number> {
  const texts = request.key.map((_, n) => `t${n}`).join(', ');
  await writeFile(file, FRONT);
  let longest = 0;
  const [count] = await sql.rows('SELECT count(*) FROM asked');
  const all = Number(count?.[0] ?? 0);
  for (let at = 0; at < all; at += ASKED_AT_ONCE) {
    const keys = await sql.rows(
      `SELECT ${texts} FROM asked ORDER BY ${texts} LIMIT ${ASKED_AT_ONCE} OFFSET ${at}`,
    );
    const lines = await request.fetchRows(keys as readonly (readonly string[])[]);
    longest = Math.max(longest, lines.length);
    await writeFile(file, lines, { flag: 'a' });
  }
  return longest;
}

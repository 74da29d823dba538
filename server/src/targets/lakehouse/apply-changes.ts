import { SluiceError } from '@sluice/contract';
import type { ContentFile, LiveFile } from '../../lakehouse/data-file.ts';
import { writeDataFiles, writePositionDeletes } from '../../lakehouse/duckdb/parquet-write.ts';
import { FILE_COLUMN, POSITION_COLUMN, type ScanColumn, scanSql } from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteIdentifier } from '../../lakehouse/duckdb/sql-text.ts';
import type { TableMetadata } from '../../lakehouse/metadata.ts';
import { writePlaces } from '../../lakehouse/position-delete-file.ts';
import { liveFiles } from '../../lakehouse/scan.ts';
import { writeSnapshot } from '../../lakehouse/snapshot.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { currentSchema } from '../../lakehouse/table-metadata.ts';
import { CHANGE_FIELDS } from '../../model/change.ts';
import { crashPoint } from '../../model/crash-point.ts';
import { tableKey, tableText } from '../../model/table.ts';
import type { ChangeBatch, ChangePart } from '../target.ts';
import {
  columnAt,
  isKey,
  type LineRange,
  lineNumbers,
  nulledCount,
  placeOf,
  readPart,
  STRICT,
  stagedName,
  typedLines,
} from './change-lines.ts';
import { columnMapOf, followSchema } from './column-map.ts';
import { findOld, type OldPlaces } from './find-old.ts';
import type { HeldKeys } from './held-keys.ts';
import { holdingKeys } from './holding-keys.ts';
import { type KeyPart, keyLimitTrouble, withinKeyLimit } from './key-size.ts';
import { FEW_LINES, foldKeyed, lineCount } from './keyed-changes.ts';
import { inPieces } from './line-pieces.ts';
import { foldRows, sameRow } from './row-changes.ts';
import { isOutOfMemory, type Sql } from './sql.ts';
import type { ReadingRules } from './text-expression.ts';
import { findValueTrouble } from './value-trouble.ts';

export interface Applied {
  readonly metadata: TableMetadata;
  readonly rowsWritten: number;
  readonly nulledValues: number;
  readonly fetched: boolean;
  readonly deleted: readonly ChangePart[];
}

export interface ApplyOptions {
  readonly rules: ReadingRules;
  readonly targetBytes: number;
  /** How long the key of a row may be, in bytes. */
  readonly keyLimit: number;
  /** Of data files in which old rows are looked for. */
  readonly heldKeys: HeldKeys;
  /** Puts lines into a file that lives as long as the step. */
  readonly scratch: (lines: Buffer) => Promise<string>;
}

const NONE = { kind: 'none' } as const;

/** What a fold leaves to be written. */
interface Plan {
  readonly truncated: boolean;
  /** SELECT of c0 …, op, ts */
  readonly rows: string;
  /** Expressions over these by which the rows are ordered, in one file; null: several files, in no order. */
  readonly order: readonly string[] | null;
  /** The rows lie in this file. */
  readonly wroteRows?: (file: ContentFile) => void;
  /** The old rows that go. */
  readonly old: OldPlaces;
  /** The delete file of places that are known lies at this location; it need not come into the table. */
  readonly wrote?: (path: string) => void;
  readonly fetched: boolean;
  /** Of the values that the source was asked for, those that the rules made null. */
  readonly nulledFetched: number;
  readonly deleted: readonly ChangePart[];
}

/**
 * Applies a batch of changes to a table: one data file with the rows' last state, one delete file with the places
 * of their old ones, one snapshot. All is durable, as the storage has it, and nothing is visible when it returns. A batch whose values are
 * too large to be held together is applied part by part, a snapshot each; they become visible together.
 * @throws SluiceError TABLE_VALUE, TABLE_KEY_LENGTH, TABLE_SCHEMA, STORAGE_*
 */
export async function applyChanges(
  sql: Sql,
  storage: Storage,
  base: TableMetadata,
  batch: ChangeBatch,
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<Applied> {
  const step = { sql, storage, options, signal };
  return withPieces(batch.parts, [], (parts) => applyLines(step, base, { ...batch, parts }, null));
}

/** What all parts of one batch's work share. */
interface Step {
  readonly sql: Sql;
  readonly storage: Storage;
  readonly options: ApplyOptions;
  readonly signal: AbortSignal;
}

function withPieces<T>(
  todo: readonly ChangePart[],
  done: readonly ChangePart[],
  work: (parts: readonly ChangePart[]) => Promise<T>,
): Promise<T> {
  const [part, ...rest] = todo;
  if (part === undefined) return work(done);
  const [file] = part.files;
  if (part.format !== 'csv' || part.files.length !== 1 || file === undefined)
    return withPieces(rest, [...done, part], work);
  return inPieces(file, part.longestLine, (files) => withPieces(rest, [...done, { ...part, files }], work));
}

async function applyLines(
  step: Step,
  base: TableMetadata,
  batch: ChangeBatch,
  range: LineRange | null,
): Promise<Applied> {
  try {
    return await applyAtOnce(step, base, batch, range);
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    await dropTables(step.sql);
    const halves = await halve(step.sql, batch, range);
    if (halves === null) throw error;
    const one = await applyLines(step, base, batch, halves[0]);
    await dropTables(step.sql);
    const other = await applyLines(step, one.metadata, batch, halves[1]);
    return {
      metadata: other.metadata,
      rowsWritten: one.rowsWritten + other.rowsWritten,
      nulledValues: one.nulledValues + other.nulledValues,
      fetched: one.fetched || other.fetched,
      deleted: [...one.deleted, ...other.deleted],
    };
  }
}

async function dropTables(sql: Sql): Promise<void> {
  for (const [name] of await sql.rows('SELECT table_name FROM duckdb_tables() WHERE temporary'))
    await sql.run(`DROP TABLE ${quoteIdentifier(String(name))}`);
}

/** Two ranges of about as many lines. The K line of a moved key stays with the U line behind it. @returns null where there is but one row */
async function halve(
  sql: Sql,
  batch: ChangeBatch,
  range: LineRange | null,
): Promise<readonly [LineRange, LineRange] | null> {
  const [row] = await sql.rows(
    `WITH l AS (${lineNumbers(batch, range)}) SELECT min(ord), max(ord), max(ord) FILTER (op NOT IN ('K', 'M') AND ord < (SELECT max(ord) FROM l) AND ord <= (SELECT quantile_cont(ord, 0.5) FROM l)), min(ord) FILTER (op NOT IN ('K', 'M')) FROM l`,
  );
  const [first, last, middle, early] = (row ?? []) as (bigint | null)[];
  if (typeof first !== 'bigint' || typeof last !== 'bigint') return null;
  const end = middle ?? early;
  if (typeof end !== 'bigint' || end >= last) return null;
  return [
    { first, last: end },
    { first: end + 1n, last },
  ];
}

async function applyAtOnce(
  { sql, storage, options, signal }: Step,
  base: TableMetadata,
  batch: ChangeBatch,
  range: LineRange | null,
): Promise<Applied> {
  const metadata = followSchema(base, batch.schema, Date.now(), { replace: false });
  const files = await liveFiles(storage, metadata);
  await stageLines(sql, batch, range, options.rules);
  const plan =
    batch.schema.identity.kind === 'key'
      ? await planKeyed(sql, storage, metadata, files, batch, options)
      : await planRows(sql, storage, metadata, files, batch);
  const folder = storage.join(metadata.location, 'data');
  const added: ContentFile[] = [
    ...(await writeDataFiles(
      sql.connection,
      storage,
      {
        select: `${fieldsOf(metadata, batch, plan.rows, options.keyLimit)}${plan.order === null ? '' : ` ORDER BY ${plan.order.join(', ')}`}`,
        fields: currentSchema(metadata).fields,
        folder,
        ...(plan.order === null && { maxBytes: options.targetBytes }),
      },
      signal,
    ).catch((error: unknown) => {
      throw keyLimitTrouble(error, batch.schema.name, keyOf(batch), options.keyLimit) ?? error;
    })),
  ];
  for (const file of added) plan.wroteRows?.(file);
  crashPoint('after-data-file');
  const rowsWritten = added.reduce((sum, file) => sum + file.records, 0);
  const deletes = await writeDeletes(sql, storage, folder, plan.old, signal);
  if (deletes !== null) {
    added.push(deletes);
    if (plan.old.kind === 'places') plan.wrote?.(deletes.path);
    crashPoint('after-delete-file');
  }
  const nulledValues = plan.nulledFetched + (await countNulled(sql, batch, range, options.rules));
  if (added.length === 0 && !plan.truncated)
    return { metadata, rowsWritten, nulledValues, fetched: plan.fetched, deleted: plan.deleted };
  await storage.sync(added.map((file) => file.path));
  const hasDeletes = plan.truncated || added.some((file) => file.content !== 'data');
  const next = await writeSnapshot(storage, metadata, {
    add: added,
    remove: new Set(),
    replaceAll: plan.truncated,
    operation: !hasDeletes ? 'append' : rowsWritten > 0 ? 'overwrite' : 'delete',
    summary: { 'sluice.position': batch.position },
  });
  return { metadata: next, rowsWritten, nulledValues, fetched: plan.fetched, deleted: plan.deleted };
}

/** @returns null: no row goes */
async function writeDeletes(
  sql: Sql,
  storage: Storage,
  folder: string,
  old: OldPlaces,
  signal: AbortSignal,
): Promise<ContentFile | null> {
  switch (old.kind) {
    case 'none':
      return null;
    case 'places':
      return writePlaces(storage, folder, old.places);
    case 'select':
      return writePositionDeletes(sql.connection, storage, { select: old.select, folder }, signal);
  }
}

async function stageLines(
  sql: Sql,
  batch: ChangeBatch,
  range: LineRange | null,
  rules: ReadingRules,
): Promise<void> {
  try {
    await sql.run(`CREATE TEMP TABLE chg AS ${typedLines(batch, range, rules)}`);
  } catch (error) {
    if (isOutOfMemory(error)) throw error;
    const rows = batch.parts.map((part) => ({
      from: readPart(part),
      columns: batch.schema.columns.flatMap((column, index) => {
        const place = placeOf(part, column);
        const text = `f${CHANGE_FIELDS.length + place}`;
        if (place < 0) return [];
        return [{ column: columnAt(part, place, column), text, rules: isKey(batch, index) ? STRICT : rules }];
      }),
    }));
    throw (await findValueTrouble(sql, batch.schema.name, rows)) ?? error;
  }
}

async function planKeyed(
  sql: Sql,
  storage: Storage,
  metadata: TableMetadata,
  files: readonly LiveFile[],
  batch: ChangeBatch,
  options: ApplyOptions,
): Promise<Plan> {
  const scan = scanColumns(metadata, batch);
  const key = batch.schema.identity.kind === 'key' ? batch.schema.identity.columns : [];
  const keyNames = key.map(stagedName);
  const fold = await foldKeyed(sql, batch, {
    oldRows: async (columns, keys) =>
      scanSql(
        storage,
        await holdingKeys(sql, files, scan[key[0]!]!, keys, stagedName(key[0]!)),
        columns.map((index) => scan[index]!),
        { among: { relation: keys, columns: keyNames } },
      ),
    allRows: async (columns) =>
      scanSql(
        storage,
        files,
        columns.map((index) => scan[index]!),
      ),
    rules: options.rules,
    scratch: options.scratch,
  });
  const plan = {
    truncated: fold.truncated,
    rows: fold.upserts,
    fetched: fold.fetched,
    nulledFetched: fold.nulledValues,
    deleted: fold.deleted,
    order: null,
    old: NONE,
  };
  if (fold.truncated || files.length === 0) return plan;
  const owner = `${metadata.location} ${tableKey(batch.schema.name)}`;
  const keyColumns = key.map((index) => scan[index]!);
  const { heldKeys } = options;
  const { old, read } = await findOld(sql, storage, heldKeys, {
    ...{ owner, files, key: keyColumns, keys: fold.keys },
    rows: fold.played ? Number.POSITIVE_INFINITY : lineCount(batch),
  });
  const staying = fitOneFile(batch, options.targetBytes) ? (read?.staying ?? null) : null;
  return {
    ...plan,
    rows: read?.count === lineCount(batch) ? fold.upsertsOfSingles : fold.upserts,
    order: staying && (read?.order ?? null),
    wroteRows: ({ path }) => {
      if (staying !== null) heldKeys.wroteKeys(owner, path, keyColumns, staying);
    },
    old,
    wrote: (path) => {
      if (old.kind === 'places') heldKeys.wrote(owner, path, old.places);
    },
  };
}

/** Of more rows the order costs more than it saves to read them back; of longer ones a file would become too large. */
function fitOneFile(batch: ChangeBatch, targetBytes: number): boolean {
  const bytes = batch.parts.reduce((sum, { rows, longestLine }) => sum + rows * longestLine, 0);
  return lineCount(batch) <= FEW_LINES && bytes <= targetBytes;
}

async function planRows(
  sql: Sql,
  storage: Storage,
  metadata: TableMetadata,
  files: readonly LiveFile[],
  batch: ChangeBatch,
): Promise<Plan> {
  const fold = await foldRows(sql, batch);
  const plan = {
    truncated: fold.truncated,
    rows: fold.inserts,
    order: null,
    fetched: false,
    nulledFetched: 0,
    deleted: [],
  };
  if (fold.removed === 0) return { ...plan, old: NONE };
  const old = fold.truncated
    ? scanSql(storage, [], scanColumns(metadata, batch), { positions: true })
    : scanSql(storage, files, scanColumns(metadata, batch), { positions: true });
  // Of equal rows any may go: they are numbered and the first ones taken.
  await sql.run(
    `CREATE TEMP TABLE going AS SELECT file, pos FROM (SELECT o."${FILE_COLUMN}" AS file, o."${POSITION_COLUMN}" AS pos, r.copies, ` +
      `row_number() OVER (PARTITION BY r.id) AS copy FROM ${old} o JOIN (SELECT *, row_number() OVER () AS id FROM (${fold.removals})) r ON ${sameRow(batch, 'o', 'r')}) WHERE copy <= copies`,
  );
  const [row] = await sql.rows('SELECT count(*) FROM going');
  const found = Number(row?.[0] ?? 0);
  if (batch.exact && found !== fold.removed)
    throw new SluiceError(
      'TABLE_SCHEMA',
      `${fold.removed - found} rows that the source deleted from ${tableText(batch.schema.name)} are not in the lake.`,
    );
  return { ...plan, old: found === 0 ? NONE : { kind: 'select', select: 'SELECT file, pos FROM going' } };
}

/** The fields of the table's columns as staged columns. */
function scanColumns(metadata: TableMetadata, batch: ChangeBatch): readonly ScanColumn[] {
  const map = columnMapOf(metadata)!;
  const fields = new Map(currentSchema(metadata).fields.map((field) => [field.id, field]));
  return batch.schema.columns.map((column, index) => {
    const id = map.columns.get(column.sourceId)!;
    return { id, name: stagedName(index), type: fields.get(id)!.type };
  });
}

/** What is the same in all rows of a shard is no part of it: a full load does not measure it either. */
function keyOf({ schema, constants }: ChangeBatch): readonly KeyPart[] {
  if (schema.identity.kind !== 'key') return [];
  return schema.identity.columns.flatMap((index) => {
    const { name, type, sourceId } = schema.columns[index]!;
    return constants.has(sourceId) ? [] : [{ name, type, sql: stagedName(index) }];
  });
}

/** Only rows that are there in the end have to have a key of that length: one that was deleted since is of no matter. */
function fieldsOf(metadata: TableMetadata, batch: ChangeBatch, rows: string, keyLimit: number): string {
  const map = columnMapOf(metadata)!;
  const key = keyOf(batch);
  const staged = new Map(
    batch.schema.columns.map((column, index) => {
      const value = stagedName(index);
      const field = map.columns.get(column.sourceId)!;
      return [field, value === key[0]?.sql ? withinKeyLimit(value, key, keyLimit) : value];
    }),
  );
  const values = currentSchema(metadata).fields.map((field) => {
    if (field.id === map.op) return 'op';
    if (field.id === map.sourceTs) return 'CAST(make_timestamp(ts) AS TIMESTAMPTZ)';
    return staged.get(field.id) ?? 'NULL';
  });
  return `SELECT ${values.join(', ')} FROM (${rows})`;
}

async function countNulled(
  sql: Sql,
  batch: ChangeBatch,
  range: LineRange | null,
  rules: ReadingRules,
): Promise<number> {
  const count = nulledCount(batch, range, rules);
  if (count === null) return 0;
  const [row] = await sql.rows(count);
  return Number(row?.[0] ?? 0);
}

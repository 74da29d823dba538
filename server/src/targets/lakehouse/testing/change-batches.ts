import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../../../lakehouse/duckdb/engine.ts';
import type { LogicalType } from '../../../model/logical-type.ts';
import type { Column, TableSchema, TextForm } from '../../../model/table.ts';
import type { ChangeBatch, ChangePart } from '../../target.ts';
import { typedLines } from '../change-lines.ts';
import { type Sql, withSql } from '../sql.ts';

export function column(
  sourceId: number,
  name: string,
  type: LogicalType = { kind: 'string' },
  text: TextForm = { form: 'plain' },
): Column {
  return { name, sourceId, type, text, nullable: true, native: type.kind };
}

/** A line of model/change.ts. */
export interface Line {
  readonly ord: number;
  readonly op: string;
  readonly values: readonly (string | null)[];
  readonly mask?: string | null;
  readonly xid?: number;
}

const quoted = (text: string | null): string => (text === null ? '' : `"${text.replaceAll('"', '""')}"`);

export function csvLine({ ord, op, values, mask, xid }: Line): string {
  return `${[ord, op, 1_700_000_000_000_000 + ord, xid ?? '', ...values.map(quoted), mask ?? ''].join(',')}\n`;
}

/** An engine and a folder for one test file. */
export class Bench implements AsyncDisposable {
  readonly engine: Engine;
  readonly folder: string;
  #files = 0;

  private constructor(engine: Engine, folder: string) {
    this.engine = engine;
    this.folder = folder;
  }

  static async open(): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-batch-'));
    const tempFolder = join(folder, 'temp');
    return new Bench(
      await Engine.open({ threads: 2, memoryBytes: 256 << 20, tempFolder, maxTempBytes: 256 << 20 }),
      folder,
    );
  }

  readonly scratch = async (lines: Buffer | string): Promise<string> => {
    const file = join(this.folder, `${this.#files++}.csv`);
    await writeFile(file, lines);
    return file;
  };

  async part(columns: readonly Column[], lines: readonly Line[]): Promise<ChangePart> {
    const texts = lines.map(csvLine);
    return {
      format: 'csv',
      files: [await this.scratch(texts.join(''))],
      columns,
      rows: lines.length,
      longestLine: Math.max(0, ...texts.map((text) => Buffer.byteLength(text))),
      masked: lines.some((line) => (line.mask ?? null) !== null),
      lossy: true,
      unseen: lines.some(({ op }) => op >= 'a'),
      truncates: lines.some(({ op }) => op === 'T'),
    };
  }

  batch(schema: TableSchema, parts: readonly ChangePart[], more: Partial<ChangeBatch> = {}): ChangeBatch {
    return {
      schema,
      parts,
      alreadyVisible: null,
      exact: false,
      oneMoment: true,
      position: '0/1',
      tellDeleted: null,
      constants: new Map(),
      fetchColumns: [],
      fetchRows: () => Promise.reject(new Error('nothing is to be fetched')),
      ...more,
    };
  }

  /** With a connection whose temporary table `chg` holds the batch's lines. */
  withLines<T>(batch: ChangeBatch, work: (sql: Sql) => Promise<T>): Promise<T> {
    return withSql(this.engine, new AbortController().signal, async (sql) => {
      await sql.run(
        `CREATE TEMP TABLE chg AS ${typedLines(batch, null, { infiniteDates: 'null', zeroDates: 'null', outOfRange: 'error' })}`,
      );
      return work(sql);
    });
  }

  rows(statement: string): Promise<readonly (readonly unknown[])[]> {
    return withSql(this.engine, new AbortController().signal, (sql) => sql.rows(statement));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.engine.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

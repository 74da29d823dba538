import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Difference, TableVerdict } from '@sluice/contract';
import { SluiceError } from '@sluice/contract';
import type { TableName, TableSchema } from '../model/table.ts';
import type { Position, Source } from '../sources/source.ts';
import { repairFilters } from './repair-filter.ts';
import { judgeLook } from './rounds.ts';

/** What is compared: digests of rows by key, from both sides (targets/lakehouse/row-digests.ts). */
export interface Digests<State> {
  addLines(side: 'source' | 'before' | 'after', file: string, longestLine: number): Promise<void>;
  addLake(side: 'lake' | 'now', state: State, only: 'candidates' | null): Promise<void>;
  count(side: 'source' | 'lake'): Promise<number>;
  forget(...sides: ('before' | 'now' | 'after')[]): Promise<void>;
  compare(a: 'source', b: 'lake'): Promise<number>;
  candidateTexts(limit: number, offset: number): Promise<readonly (readonly string[])[]>;
  cutCandidates(limit: number): Promise<void>;
  looks(): Promise<
    readonly {
      readonly key: readonly string[];
      readonly before: string | null;
      readonly lake: string | null;
      readonly after: string | null;
    }[]
  >;
  keepCandidates(keys: readonly (readonly string[])[]): Promise<void>;
}

export interface TableToVerify<State> {
  readonly source: Source;
  readonly schema: TableSchema;
  readonly target: TableName;
  readonly digests: Digests<State>;
  /** The lake's table at a commit that has everything before the position. @throws SluiceError TIMEOUT and what ended the run */
  readonly lakeBehind: (position: Position) => Promise<State>;
  /** For files of lines; its own. */
  readonly folder: string;
  readonly chunkBytes: number;
  readonly chunksAtOnce: number;
  readonly now: () => number;
}

/** Keys that are looked at again; a table that differs in more is loaded anew rather than mended row by row. */
const MOST_CANDIDATES = 100_000;
const MOST_LOOKS = 10;
const EXAMPLES = 20;
/** Keys that the source is asked for at a time. */
const ASKED_AT_ONCE = 5000;

/**
 * Reads all rows of both sides while the task goes on, and looks again at the keys that differed until each is known to
 * be equal, or known to differ (rounds.ts).
 */
export async function verifyTable<State>(
  table: TableToVerify<State>,
  signal: AbortSignal,
): Promise<Omit<TableVerdict, 'source' | 'target'>> {
  const { digests, source, now } = table;
  const began = now();
  await mkdir(table.folder, { recursive: true, mode: 0o700 });
  try {
    let freshness = 0;
    const lake = async (): Promise<State> => {
      const asked = now();
      const state = await table.lakeBehind(await source.head(signal));
      freshness = Math.max(freshness, now() - asked);
      return state;
    };
    await readSource(table, signal);
    await digests.addLake('lake', await lake(), null);
    const sourceRows = await digests.count('source');
    const lakeRows = await digests.count('lake');
    let open = await digests.compare('source', 'lake');
    const beyond = Math.max(0, open - MOST_CANDIDATES);
    if (beyond > 0) await digests.cutCandidates(MOST_CANDIDATES);
    const found = new Map<Difference, number>();
    const differing: (readonly string[])[] = [];
    const examples: { difference: Difference; key: Record<string, string> }[] = [];
    let looks = 0;
    while (open > 0 && looks < MOST_LOOKS) {
      looks++;
      await lookAtSource(table, 'before', signal);
      await digests.addLake('now', await lake(), 'candidates');
      await lookAtSource(table, 'after', signal);
      const unsettled: (readonly string[])[] = [];
      for (const look of await digests.looks()) {
        const verdict = judgeLook(look);
        if (verdict === 'unsettled') unsettled.push(look.key);
        if (verdict === 'unsettled' || verdict === 'equal') continue;
        found.set(verdict, (found.get(verdict) ?? 0) + 1);
        differing.push(look.key);
        if (examples.length < EXAMPLES)
          examples.push({ difference: verdict, key: namedKey(table.schema, look.key) });
      }
      await digests.keepCandidates(unsettled);
      await digests.forget('before', 'now', 'after');
      open = unsettled.length;
    }
    const different = found.size > 0;
    return {
      verdict: different ? 'different' : open + beyond > 0 ? 'unsettled' : 'equal',
      reason:
        beyond > 0 ? `${beyond} more keys differed at the first look and were not looked at again` : null,
      sourceRows,
      lakeRows,
      missing: found.get('missing') ?? 0,
      extra: found.get('extra') ?? 0,
      changed: found.get('changed') ?? 0,
      unsettled: open + beyond,
      examples,
      // Where some were not looked at again, mending the others leaves them.
      repair: beyond > 0 ? null : repairFilters(table.schema, differing),
      looks,
      freshnessMs: freshness,
      seconds: (now() - began) / 1000,
    };
  } finally {
    await rm(table.folder, { recursive: true, force: true });
  }
}

/** All rows, each chunk as of some moment. */
async function readSource<State>(table: TableToVerify<State>, signal: AbortSignal): Promise<void> {
  const { source, schema, digests, folder, chunkBytes, chunksAtOnce } = table;
  await using snapshot = await source.snapshot(schema, signal);
  const queue = [...(await snapshot.plan(chunkBytes)).entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [number, range] = next;
      const file = join(folder, `chunk-${number}.csv`);
      const handle = await open(file, 'w', 0o600);
      let copied: { readonly rows: number; readonly longestLine: number };
      try {
        copied = await snapshot.copy(range, (lines) => handle.writeFile(lines), signal);
      } finally {
        await handle.close();
      }
      if (copied.rows > 0) await digests.addLines('source', file, copied.longestLine);
      await rm(file, { force: true });
    }
  };
  await Promise.all(Array.from({ length: chunksAtOnce }, worker));
}

/** The candidates' rows as they are now. */
async function lookAtSource<State>(
  table: TableToVerify<State>,
  side: 'before' | 'after',
  signal: AbortSignal,
): Promise<void> {
  const { source, schema, digests, folder } = table;
  const names = keyNames(schema);
  for (let at = 0; ; at += ASKED_AT_ONCE) {
    const keys = await digests.candidateTexts(ASKED_AT_ONCE, at);
    if (keys.length === 0) return;
    const lines = await source.fetchRows(schema.name, schema.columns, names, keys, signal);
    if (lines.length === 0) continue;
    const file = join(folder, `${side}-${at}.csv`);
    await writeFile(file, lines, { mode: 0o600 });
    // No line is longer than all of them.
    await digests.addLines(side, file, lines.length);
    await rm(file, { force: true });
  }
}

function keyNames({ columns, identity, name }: TableSchema): readonly string[] {
  if (identity.kind === 'key') return identity.columns.map((index) => columns[index]!.name);
  throw new SluiceError('INTERNAL', `${name.table} has no key and was to be compared by one.`);
}

function namedKey(schema: TableSchema, key: readonly string[]): Record<string, string> {
  return Object.fromEntries(keyNames(schema).map((name, n) => [name, key[n] ?? '']));
}

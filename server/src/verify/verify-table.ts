import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Difference, FollowedChange, TableVerdict } from '@sluice/contract';
import { SluiceError } from '@sluice/contract';
import type { LogicalType } from '../model/logical-type.ts';
import type { TableSchema } from '../model/table.ts';
import type { AskedSource, ChunkRange, Position, TableSnapshot } from '../sources/source.ts';
import { columnFigures } from './column-figures.ts';
import { type Arrivals, followChange } from './follow-change.ts';
import { repairFilters } from './repair-filter.ts';
import { looksAgain, Suspicions } from './rounds.ts';

/** What is compared: digests of rows by key, from both sides (targets/lakehouse/row-digests.ts). */
export interface Digests<State> {
  addLines(side: 'source' | 'before' | 'after', file: string, longestLine: number): Promise<void>;
  addTyped(side: 'source' | 'before' | 'after', file: string, typed: readonly boolean[]): Promise<void>;
  addLake(side: 'lake' | 'now', state: State, only: 'candidates' | null): Promise<void>;
  count(side: 'source' | 'lake'): Promise<number>;
  /** By column of the source. */
  nulls(side: 'source' | 'lake'): Promise<readonly number[]>;
  lakeTypes(state: State): readonly (LogicalType | null)[];
  /** The lake's rows by `_op`. */
  ops(): Promise<Readonly<Record<string, number>>>;
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
  readonly source: AskedSource;
  readonly schema: TableSchema;
  readonly digests: Digests<State>;
  /** The lake's table at a commit that has everything before the position. @throws SluiceError TIMEOUT and what ended the run */
  readonly lakeBehind: (position: Position) => Promise<State>;
  readonly arrivals: Arrivals;
  /** For files of rows; its own. */
  readonly folder: string;
  readonly chunkBytes: number;
  readonly chunksAtOnce: number;
  readonly now: () => number;
}

/** Keys that are looked at again; a table that differs in more is loaded anew rather than mended row by row. */
const MOST_CANDIDATES = 100_000;
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
    const read = await readBoth(table, lake, signal);
    const sourceRows = await digests.count('source');
    const lakeRows = await digests.count('lake');
    const columns = columnFigures(table.schema.columns, digests.lakeTypes(read.state), {
      source: await digests.nulls('source'),
      lake: await digests.nulls('lake'),
    });
    const ops = await digests.ops();
    let open = await digests.compare('source', 'lake');
    const beyond = Math.max(0, open - MOST_CANDIDATES);
    if (beyond > 0) await digests.cutCandidates(MOST_CANDIDATES);
    const found = new Map<Difference, number>();
    const differing: (readonly string[])[] = [];
    const examples: { difference: Difference; key: Record<string, string> }[] = [];
    const names = keyNames(table.schema);
    const suspicions = new Suspicions();
    let looks = 0;
    const history = [open];
    while (looksAgain(history)) {
      looks++;
      await lookAtSource(table, 'before', signal);
      await digests.addLake('now', await lake(), 'candidates');
      await lookAtSource(table, 'after', signal);
      const unsettled: (readonly string[])[] = [];
      for (const look of await digests.looks()) {
        const verdict = suspicions.weigh(look.key, look);
        if (verdict === 'unsettled') unsettled.push(look.key);
        if (verdict === 'unsettled' || verdict === 'equal') continue;
        found.set(verdict, (found.get(verdict) ?? 0) + 1);
        differing.push(look.key);
        if (names !== null && examples.length < EXAMPLES)
          examples.push({ difference: verdict, key: namedKey(names, look.key) });
      }
      await digests.keepCandidates(unsettled);
      await digests.forget('before', 'now', 'after');
      open = unsettled.length;
      history.push(open);
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
      followed: read.followed,
      columns,
      ops: { ...ops },
      seconds: (now() - began) / 1000,
    };
  } finally {
    await rm(table.folder, { recursive: true, force: true });
  }
}

/**
 * All rows of both sides, beside each other. The lake is read as it is soon after the source's view was taken, so that
 * where the view is one of a single moment, little but what is wrong differs.
 */
async function readBoth<State>(
  table: TableToVerify<State>,
  lake: () => Promise<State>,
  signal: AbortSignal,
): Promise<{ readonly state: State; readonly followed: FollowedChange | null }> {
  const { source, schema, digests, arrivals, chunkBytes } = table;
  // What fails on one side ends the other, and nothing goes on behind the end.
  const failed = new AbortController();
  const read = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const guarded = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
  await using snapshot = await source.snapshot(schema, signal);
  const chunks = await snapshot.plan(chunkBytes);
  // Settled from the beginning on: what it fails with meanwhile ends the sides, and not the process.
  const following = Promise.allSettled([
    guarded(followChange(arrivals, AbortSignal.any([either, read.signal]))),
  ]);
  const sides = await Promise.allSettled([
    guarded(readSource(table, 'source', snapshot, chunks, either)),
    guarded(
      lake().then(async (state) => {
        await digests.addLake('lake', state, null);
        return state;
      }),
    ),
  ]);
  read.abort();
  const [followedChange] = await following;
  signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  const state = sides[1].status === 'fulfilled' ? sides[1].value : null;
  if (state === null || followedChange.status === 'rejected')
    throw new SluiceError('INTERNAL', 'a side ended without a word');
  return { state, followed: followedChange.value };
}

async function readSource<State>(
  table: TableToVerify<State>,
  side: 'source' | 'before' | 'after',
  snapshot: TableSnapshot,
  chunks: readonly ChunkRange[],
  signal: AbortSignal,
): Promise<void> {
  const queue = [...chunks.entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [number, range] = next;
      const file = join(table.folder, `chunk-${number}.rows`);
      try {
        await readChunk(table, side, snapshot, range, file, signal);
      } finally {
        await rm(file, { force: true });
      }
    }
  };
  // All of them end before the view is closed.
  const ended = await Promise.allSettled(Array.from({ length: table.chunksAtOnce }, worker));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

/** As a full load reads them: typed where the source can, else as text. */
async function readChunk<State>(
  { digests }: TableToVerify<State>,
  side: 'source' | 'before' | 'after',
  snapshot: TableSnapshot,
  range: ChunkRange,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const into = async <T>(read: (write: (bytes: Buffer) => Promise<void>) => Promise<T>): Promise<T> => {
    const handle = await open(file, 'w', 0o600);
    try {
      return await read((bytes) => handle.writeFile(bytes));
    } finally {
      await handle.close();
    }
  };
  if (snapshot.copyTyped !== undefined) {
    const typed = await into(async (write) => await snapshot.copyTyped?.(range, write, signal));
    if (typed) {
      if (typed.rows > 0) await digests.addTyped(side, file, typed.typed);
      return;
    }
  }
  const { rows, longestLine } = await into((write) => snapshot.copy(range, write, signal));
  if (rows > 0) await digests.addLines(side, file, longestLine);
}

/** The candidates' rows as they are now. */
async function lookAtSource<State>(
  table: TableToVerify<State>,
  side: 'before' | 'after',
  signal: AbortSignal,
): Promise<void> {
  const { source, schema, digests, folder, chunkBytes } = table;
  const names = keyNames(schema);
  if (names === null) {
    await using snapshot = await source.snapshot(schema, signal);
    await readSource(table, side, snapshot, await snapshot.plan(chunkBytes), signal);
    return;
  }
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

/** null: rows have no key by which they could be asked for. */
function keyNames({ columns, identity }: TableSchema): readonly string[] | null {
  return identity.kind === 'key' ? identity.columns.map((index) => columns[index]!.name) : null;
}

function namedKey(names: readonly string[], key: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, n) => [name, key[n] ?? '']));
}

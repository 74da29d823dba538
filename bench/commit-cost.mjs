// npm run bench -- commit-cost [--rows 1000000] [--changes 150] [--commits 60] [--key long|text]: what a commit costs a
// table, in processor time, by statement. One table, one commit after the other, no source: the lines are made here. Half inserts, three tenths updates,
// two tenths deletes, drawn from all rows; delete files are not merged and small files not rewritten.
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine, EngineConnection } from '../server/dist/lakehouse/duckdb/engine.js';
import { writeDataFiles } from '../server/dist/lakehouse/duckdb/parquet-write.js';
import { fileStorage } from '../server/dist/lakehouse/file-storage.js';
import { writeMetadata } from '../server/dist/lakehouse/metadata-file.js';
import { writeSnapshot } from '../server/dist/lakehouse/snapshot.js';
import { currentSchema } from '../server/dist/lakehouse/table-metadata.js';
import { applyChanges } from '../server/dist/targets/lakehouse/apply-changes.js';
import { newTable } from '../server/dist/targets/lakehouse/column-map.js';
import { HeldKeys } from '../server/dist/targets/lakehouse/held-keys.js';
import { withSql } from '../server/dist/targets/lakehouse/sql.js';
import { spread } from './measure/rounds.mjs';

export const OPTIONS = {
  rows: { type: 'string', default: '1000000' },
  changes: { type: 'string', default: '150' },
  commits: { type: 'string', default: '60' },
  key: { type: 'string', default: 'long' },
};

const RULES = { infiniteDates: 'error', zeroDates: 'error', outOfRange: 'error' };
const never = new AbortController().signal;
const column = (sourceId, name, type, native) => ({
  ...{ sourceId, name, type, native },
  text: { form: 'plain' },
  nullable: sourceId > 1,
});
/** The key's column, the n-th key as text, and as DuckDB's SQL where i is n. */
const KEYS = {
  long: { id: column(1, 'id', { kind: 'long' }, 'bigint'), textOf: String, sql: 'i' },
  text: {
    id: column(1, 'id', { kind: 'string' }, 'text'),
    textOf: (n) => createHash('md5').update(String(n)).digest('hex'),
    sql: 'md5(CAST(i AS VARCHAR))',
  },
};
const COLUMNS = [
  column(2, 'n', { kind: 'int' }, 'int'),
  column(3, 'name', { kind: 'string' }, 'text'),
  column(4, 'note', { kind: 'string' }, 'text'),
  column(5, 'amount', { kind: 'decimal', precision: 12, scale: 2 }, 'numeric(12,2)'),
  column(6, 'day', { kind: 'date' }, 'date'),
];
const rowOf = (id, n) => [
  id,
  n % 1000,
  `name ${n}`,
  `note of ${id} and ${n}`,
  (n % 10_000) / 100,
  '2024-01-01',
];

export async function run({ rows: rowsText, changes: changesText, commits: commitsText, key: keyName }) {
  const key = KEYS[keyName];
  if (key === undefined) throw new Error(`--key is one of ${Object.keys(KEYS).join(', ')}`);
  const columns = [key.id, ...COLUMNS];
  const schema = {
    ...{ name: { schema: 'bench', table: 'commits' }, columns },
    identity: { kind: 'key', columns: [0] },
  };
  const [rows, changes, commits] = [rowsText, changesText, commitsText].map(Number);
  const folder = await mkdtemp(join(tmpdir(), 'sluice-commits-'));
  const threads = availableParallelism() > 2 ? 2 : 1;
  const engine = await Engine.open({
    ...{ threads, memoryBytes: 358 << 20, tempFolder: join(folder, 'temp'), maxTempBytes: 2 ** 33 },
  });
  const costs = countStatements();
  try {
    const storage = fileStorage();
    let metadata = newTable(schema, storage.location(join(folder, 'table')), Date.now());
    metadata = await fill(engine, storage, metadata, rows, key);
    const heldKeys = new HeldKeys(204 << 20);
    const random = seeded(7);
    let fresh = rows;
    const each = [];
    for (let commit = 0; commit < commits; commit++) {
      const lines = Array.from({ length: changes }, (_, n) => {
        const ord = commit * changes + n + 1;
        const kind = n % 10;
        const op = kind < 5 ? 'I' : kind < 8 ? 'U' : 'D';
        const id = op === 'I' ? fresh++ : Math.floor(random() * rows);
        return [ord, op, 1_700_000_000_000_000, '', ...rowOf(key.textOf(id), ord), ''].join(',');
      });
      const file = join(folder, 'lines.csv');
      await writeFile(file, `${lines.join('\n')}\n`);
      const part = { format: 'csv', files: [file], columns, rows: changes, longestLine: 200 };
      const batch = {
        ...{ schema, parts: [{ ...part, masked: false, lossy: false, unseen: false }] },
        ...{ alreadyVisible: null, exact: true, oneMoment: true, position: '0/1', tellDeleted: null },
        ...{ constants: new Map(), fetchColumns: [], fetchRows: () => Promise.reject(new Error('none')) },
      };
      const options = {
        ...{ rules: RULES, targetBytes: 128 << 20, keyLimit: 1024, heldKeys },
        scratch: () => Promise.reject(new Error('none')),
      };
      // The first ones hold the keys and have V8 compile.
      if (commit === commits / 3) costs.clear();
      const before = process.cpuUsage();
      const begun = performance.now();
      const applied = await withSql(engine, never, (sql) =>
        applyChanges(sql, storage, metadata, batch, options, never),
      );
      metadata = (await writeMetadata(storage, applied.metadata, null)).metadata;
      const { user, system } = process.cpuUsage(before);
      if (commit >= commits / 3) each.push({ cpu: (user + system) / 1000, wall: performance.now() - begun });
    }
    const figures = {
      'a commit: ms of processor time': spread(each.map(({ cpu }) => cpu)),
      'a commit: ms': spread(each.map(({ wall }) => wall)),
      ...Object.fromEntries(
        [...costs].map(([name, times]) => [
          `${(times.length / each.length).toFixed(1)} of ${name}: ms of processor time`,
          spread(times),
        ]),
      ),
    };
    return { conditions: { rows, changes, commits, key: keyName, threads }, figures };
  } finally {
    engine.close();
    await rm(folder, { recursive: true });
  }
}

async function fill(engine, storage, metadata, rows, key) {
  const connection = await engine.connect();
  const { fields } = currentSchema(metadata);
  const half = Math.floor(rows / 2);
  const add = [];
  for (const [first, count] of [
    [0, half],
    [half, rows - half],
  ]) {
    const values = fields.map(({ name }) => ({ ...VALUES, id: key.sql })[name] ?? 'NULL').join(', ');
    add.push(
      ...(await writeDataFiles(connection, storage, {
        select: `SELECT ${values} FROM range(${first}, ${first + count}) r(i)`,
        fields,
        folder: storage.join(metadata.location, 'data'),
      })),
    );
  }
  connection.close();
  const filled = await writeSnapshot(storage, metadata, {
    ...{ add, remove: new Set(), replaceAll: false, operation: 'append', summary: {} },
  });
  return (await writeMetadata(storage, filled, null)).metadata;
}

const VALUES = {
  n: 'CAST(i % 1000 AS INTEGER)',
  name: "'name ' || i",
  note: "'note of ' || i || ' and ' || hash(i)",
  amount: 'CAST(i % 10000 AS DECIMAL(12, 2)) / 100',
  day: "DATE '2024-01-01'",
  _op: "'I'",
  _source_ts: "TIMESTAMPTZ '2024-01-01 00:00:00+00'",
};

/** Processor time of the whole process while a statement runs, which is its own where nothing else does. */
function countStatements() {
  const costs = new Map();
  const time = (method, nameOf) => {
    const own = EngineConnection.prototype[method];
    EngineConnection.prototype[method] = async function (...args) {
      const before = process.cpuUsage();
      try {
        return await own.apply(this, args);
      } finally {
        const { user, system } = process.cpuUsage(before);
        const name = nameOf(args[0]);
        costs.set(name, [...(costs.get(name) ?? []), (user + system) / 1000]);
      }
    };
  };
  time('run', (sql) => short(sql));
  time('rows', (sql) => short(sql));
  return costs;
}

const short = (sql) =>
  sql
    .replace(/'[^']*'/g, '…')
    .replace(/\s+/g, ' ')
    .slice(0, 46);

function seeded(seed) {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

// The binary log's decoder alone: node bench/binlog-decode.mjs [--changes N] [--seconds N] [--flavour mysql|mariadb] [--zongji FOLDER]
// Needs a build (npm run build). Starts a server of its own, changes one table of ten columns, keeps the events in memory
// and decodes them into lines again and again, on one core, into a writer like a lane's that throws its buffer away.
// --zongji names a folder with @vlasky/zongji installed (npm i @vlasky/zongji@0.9.0 there): it reads the same log from the
// server, its rows are compared with ours, and its speed stands beside.
// What it prints is of this machine at this moment: it says the load average, and so should whoever quotes it.
import { createRequire } from 'node:module';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import mysql from 'mysql2/promise';
import { findMysql } from '../demo/dist/mysql-binaries.js';
import { MysqlServer } from '../demo/dist/mysql-server.js';
import { openDump } from '../server/dist/sources/mysql/binlog/dump.js';
import { EVENT } from '../server/dist/sources/mysql/binlog/event-types.js';
import { parseNative } from '../server/dist/sources/mysql/native-type.js';
import { agrees } from '../server/dist/sources/mysql/rows/agreement.js';
import { Charsets } from '../server/dist/sources/mysql/rows/charset.js';
import { compileRows } from '../server/dist/sources/mysql/rows/rows-reader.js';
import { parseTableMap, readTableId } from '../server/dist/sources/mysql/rows/table-map.js';

const { values: options } = parseArgs({
  options: {
    changes: { type: 'string', default: '200000' },
    seconds: { type: 'string', default: '3' },
    flavour: { type: 'string', default: 'mysql' },
    zongji: { type: 'string' },
  },
});
const changes = Number(options.changes);

const NAMES = ['id', 'n', 'a', 'b', 'c', 'amount', 'at', 'day', 'flag', 'ratio'];
const NATIVES = [
  'bigint',
  'int',
  ...Array.from({ length: 3 }, () => 'varchar(40) character set utf8mb4'),
  'decimal(12,2)',
  'datetime(3)',
  'date',
  'tinyint(1)',
  'double',
];

/** @param {string} what @param {Record<string, unknown>} figures */
function say(what, figures) {
  process.stdout.write(`${what}: ${JSON.stringify(figures)}\n`);
}

/** As sync/spool.ts writes a line, but that a full buffer is dropped; the last lines stay in it. */
class DroppingWriter {
  buffer = Buffer.allocUnsafe(256 << 10);
  at = 0;
  key = [0];
  bytes = 0;
  /** Set to keep all lines. */
  kept = null;
  #ord = 0;
  #masked = false;
  #clock = Buffer.from(',1700000000000000,12345');

  begin(op) {
    this.room(96);
    const buffer = this.buffer;
    let size = 1;
    for (let v = ++this.#ord; v >= 10; v = Math.floor(v / 10)) size++;
    let rest = this.#ord;
    for (let i = this.at + size - 1; i >= this.at; i--) {
      const tenth = Math.floor(rest / 10);
      buffer[i] = 0x30 + rest - tenth * 10;
      rest = tenth;
    }
    this.at += size;
    buffer[this.at++] = 0x2c;
    buffer[this.at++] = op;
    this.at += this.#clock.copy(buffer, this.at);
    this.#masked = false;
  }

  text(bytes, start, end) {
    this.room(2 * (end - start) + 3);
    this.buffer[this.at++] = 0x2c;
    this.buffer[this.at++] = 0x22;
    for (let i = start; i < end; i++) {
      if (bytes[i] === 0x22) this.buffer[this.at++] = 0x22;
      this.buffer[this.at++] = bytes[i];
    }
    this.buffer[this.at++] = 0x22;
  }

  null() {
    this.room(1);
    this.buffer[this.at++] = 0x2c;
  }

  unchanged() {
    this.#masked = true;
    this.null();
  }

  untold() {
    this.unchanged();
  }

  lossy() {}

  end() {
    if (this.#masked) throw new Error('a value was left out');
    this.room(2);
    this.buffer[this.at++] = 0x2c;
    this.buffer[this.at++] = 0x0a;
  }

  room(bytes) {
    if (this.at + bytes <= this.buffer.length) return;
    this.flush();
  }

  flush() {
    this.kept?.push(Buffer.from(this.buffer.subarray(0, this.at)));
    this.bytes += this.at;
    this.at = 0;
  }
}

const text = (i, salt) =>
  `${((i * 2654435761 + salt) >>> 0).toString(36)} some text ${i % 1000}`.slice(0, 20);
const row = (i) =>
  `${i}, ${i % 100_000}, '${text(i, 1)}', '${text(i, 2)}', '${text(i, 3)}', ${i % 1e6}.${String(i % 100).padStart(2, '0')}, '2024-02-${10 + (i % 18)} 12:34:${10 + (i % 50)}.${100 + (i % 900)}', '2024-03-${10 + (i % 20)}', ${i % 2}, ${i / 7}`;

/** Half inserts, half updates, each a statement of its own, in transactions of 1, 10, 100 and 1000. */
async function change(client) {
  const sizes = [1, 10, 100, 1000];
  let made = 0;
  for (let turn = 0; made < changes; turn++) {
    const size = Math.min(sizes[turn % 4], changes - made);
    const statements = [];
    for (let k = 0; k < size; k++, made++) {
      const i = made >> 1;
      statements.push(
        made % 2 === 0
          ? `INSERT INTO t VALUES (${row(i)})`
          : `UPDATE t SET n = n + 1, ratio = ratio * 1.5, a = '${text(i, 9)}' WHERE id = ${i}`,
      );
    }
    await client.query(`BEGIN; ${statements.join('; ')}; COMMIT`);
  }
}

/** The log's events of interest, copied. */
async function capture(connection, from) {
  const events = [];
  const dump = await openDump(
    connection,
    { from, serverId: 0, nonBlocking: true, heartbeatMs: 10_000, applicationName: 'bench' },
    new AbortController().signal,
  );
  try {
    while (await dump.next())
      events.push({ type: dump.type, body: Buffer.from(dump.bytes.subarray(dump.start, dump.end)) });
  } finally {
    await dump[Symbol.asyncDispose]();
  }
  return events;
}

const ROW_EVENTS = new Set([
  EVENT.WRITE_ROWS,
  EVENT.WRITE_ROWS_V1,
  EVENT.UPDATE_ROWS,
  EVENT.UPDATE_ROWS_V1,
  EVENT.DELETE_ROWS,
  EVENT.DELETE_ROWS_V1,
]);

class Decoder {
  #natives = NATIVES.map(parseNative);
  #charsets = new Charsets();
  #tables = new Map();
  writer = new DroppingWriter();

  event({ type, body }) {
    if (type === EVENT.TABLE_MAP) {
      const known = this.#tables.get(readTableId(body, 0));
      if (known?.map.bytes.equals(body)) return 0;
      const map = parseTableMap(body, 0, body.length);
      const difference = map.table === 't' ? agrees(map, this.#natives, NAMES) : 'not ours';
      if (difference !== null && map.table === 't') throw new Error(difference);
      const reader = difference === null ? compileRows(map, this.#natives, this.#charsets, [0]) : null;
      this.#tables.set(map.tableId, { map, reader });
      return 0;
    }
    if (!ROW_EVENTS.has(type)) return 0;
    const { reader } = this.#tables.get(readTableId(body, 0));
    return reader === null ? 0 : reader.event(body, 0, body.length, type, this.writer);
  }
}

function measure(events) {
  const decoder = new Decoder();
  const pass = () => {
    let rows = 0;
    for (const event of events) rows += decoder.event(event);
    return rows;
  };
  pass();
  let rows = 0;
  const cpu = process.cpuUsage();
  const begun = performance.now();
  while (performance.now() - begun < Number(options.seconds) * 1000) rows += pass();
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    rowChangesPerSecond: Math.round(rows / seconds),
    perCpuSecond: Math.round(rows / ((user + system) / 1e6)),
    passes: Math.round(rows / changes),
  };
}

/** The fields of the new rows, in the log's order, as our lines have them. */
function ourRows(events) {
  const decoder = new Decoder();
  decoder.writer.kept = [];
  for (const event of events) decoder.event(event);
  decoder.writer.flush();
  return Buffer.concat(decoder.writer.kept)
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(',').slice(4, -1));
}

/** Another reader of the same log; its rows must be ours. */
async function zongji(folder, connection, file, ours) {
  const path = createRequire(join(folder, 'package.json')).resolve('@vlasky/zongji');
  const { default: ZongJi } = await import(pathToFileURL(path).href);
  const reader = new ZongJi({
    host: connection.host,
    port: connection.port,
    user: connection.username,
    password: connection.password,
    dateStrings: true,
  });
  let rows = 0;
  let different = 0;
  const begun = performance.now();
  const seconds = await new Promise((resolve, reject) => {
    reader.on('error', reject);
    reader.on('binlog', (event) => {
      if (event.getTypeName() === 'Rotate' || !event.rows) return;
      for (const one of event.rows) {
        const values = one.after ?? one;
        const mine = ours[rows++];
        if (mine && !sameRow(mine, values)) {
          different++;
          if (different === 1) process.stdout.write(`${JSON.stringify(mine)}\n${JSON.stringify(values)}\n`);
        }
      }
      if (rows >= ours.length) resolve((performance.now() - begun) / 1000);
    });
    reader.start({
      filename: file.name,
      position: file.offset,
      serverId: 4_000_000,
      includeEvents: ['tablemap', 'writerows', 'updaterows', 'deleterows', 'rotate'],
      includeSchema: { bench: ['t'] },
    });
  });
  reader.stop();
  return { rowChangesPerSecond: Math.round(rows / seconds), rows, different };
}

function sameRow(mine, values) {
  return NAMES.every((name, i) => {
    const text = mine[i].replaceAll('"', '');
    const value = values[name];
    if (['id', 'n', 'amount', 'flag', 'ratio'].includes(name)) return Number(text) === Number(value);
    return text === String(value);
  });
}

const server = await MysqlServer.start({
  binaries: await findMysql(options.flavour),
  settings: {
    'server-id': 97,
    'log-bin': 'binlog',
    'binlog-format': 'ROW',
    'sync-binlog': 0,
    'max-allowed-packet': '256M',
  },
});
try {
  const client = await mysql.createConnection({ uri: server.url, multipleStatements: true });
  await client.query(
    `CREATE DATABASE bench; USE bench; CREATE TABLE t (${NAMES.map((name, i) => `${name} ${NATIVES[i]}`).join(', ')}, PRIMARY KEY (id))`,
  );
  const status = options.flavour === 'mysql' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
  const [[head]] = await client.query(status);
  const file = { name: head.File, offset: Number(head.Position) };
  await change(client);
  const { hostname, port, username, password } = new URL(server.url);
  const connection = {
    host: hostname,
    port: Number(port),
    username,
    password,
    database: 'bench',
    sslmode: 'disable',
  };
  const events = await capture(connection, { kind: 'file', file: file.name, offset: file.offset });
  const bytes = events.reduce((sum, { body }) => sum + body.length, 0);
  say('captured', {
    flavour: options.flavour,
    changes,
    events: events.length,
    megabytes: Math.round(bytes / 1e6),
  });
  say('decoder', measure(events));
  if (options.zongji) say('@vlasky/zongji', await zongji(options.zongji, connection, file, ourRows(events)));
  say('load average', { minutes: loadavg().map((one) => Number(one.toFixed(2))) });
  await client.end();
} finally {
  await server[Symbol.asyncDispose]();
}

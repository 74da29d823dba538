import {
  type Flavour,
  sharedMysql,
  type TestMysql,
  type TestMysqlDatabase,
} from '../../../../../tests/support/mysql.ts';
import { DEFAULT_READING, type DiscoveredTable, type Position, type Source } from '../../source.ts';
import { openMysql } from '../mysql-source.ts';
import { RecordingLog } from './recording-log.ts';

const never = new AbortController().signal;

let lastServerId = 200_000 + (process.pid % 10_000) * 1000;

export function openSource(database: TestMysqlDatabase, taskKey = 'test'): Promise<Source> {
  lastServerId++;
  const serverId = lastServerId;
  return openMysql(
    {
      connection: database.connection,
      taskKey: `${taskKey}_${lastServerId}`,
      publication: null,
      reading: DEFAULT_READING,
      serverIds: { allot: async (_server, taken) => (taken.has(serverId) ? serverId + 500_000 : serverId) },
    },
    never,
  );
}

/** A database, a source on it and a sink that its log is told to. */
export class Following implements AsyncDisposable {
  readonly database: TestMysqlDatabase;
  readonly source: Source;
  sink: RecordingLog;
  #stop = new AbortController();
  #streaming: Promise<void> = Promise.resolve();
  #marks = 0;

  private constructor(database: TestMysqlDatabase, source: Source) {
    this.database = database;
    this.source = source;
    this.sink = new RecordingLog(database.name);
  }

  static async open(
    flavour: Flavour,
    sql: readonly string[] = [],
    server: TestMysql = sharedMysql(flavour),
  ): Promise<Following> {
    const database = await server.createDatabase();
    for (const one of sql) await database.query(one);
    return new Following(database, await openSource(database));
  }

  /** Streams from the head of now, or from a position; all tables that there are now are followed. */
  async start(from?: Position, follow: 'all' | readonly DiscoveredTable[] = 'all'): Promise<Position> {
    const position = await this.source.attach(from ?? null, never);
    this.sink = new RecordingLog(this.database.name);
    this.sink.follow(...(follow === 'all' ? await this.tables() : follow));
    this.stream(position);
    return position;
  }

  stream(from: Position): void {
    this.#stop = new AbortController();
    this.#streaming = this.source.stream(from, this.sink, this.#stop.signal);
    this.#streaming.catch(() => undefined);
  }

  tables(): Promise<readonly DiscoveredTable[]> {
    return this.source.discover({ schemas: [], tables: [] }, never);
  }

  /** Runs statements one after the other over one connection. */
  async run(...sql: readonly string[]): Promise<void> {
    const client = await this.database.client();
    for (const one of sql) await client.query(one);
    await client.end();
  }

  /** All that the log has until now, as the sink was told it. */
  async story(): Promise<readonly string[]> {
    const text = `mark ${++this.#marks}`;
    await this.source.mark(text, never);
    await Promise.race([this.sink.marked(text), this.#streaming]);
    return this.sink.story;
  }

  /** Ends the stream and waits for it. @throws what it ended with */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#streaming;
  }

  get streaming(): Promise<void> {
    return this.#streaming;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#streaming.catch(() => undefined);
    await this.source[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
  }
}

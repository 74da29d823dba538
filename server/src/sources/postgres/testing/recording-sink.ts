import type { ChangeSink, LogRelation, Position, RowWriter } from '../../source.ts';

/** For tests: a sink that keeps everything as text. */
export const UNCHANGED = Symbol('unchanged');
export type RecordedField = string | null | typeof UNCHANGED;

export type Recorded =
  | { readonly kind: 'begin'; readonly committedAt: bigint; readonly xid: number }
  | { readonly kind: 'relation'; readonly relation: LogRelation }
  | {
      readonly kind: 'row';
      readonly table: string;
      readonly op: string;
      readonly fields: readonly RecordedField[];
    }
  | { readonly kind: 'truncate'; readonly table: string }
  | { readonly kind: 'mark'; readonly text: string }
  | { readonly kind: 'commit'; readonly end: Position }
  | { readonly kind: 'idle'; readonly position: Position };

export class RecordingSink implements ChangeSink {
  readonly epoch = 0;
  readonly events: Recorded[] = [];
  /** Columns of the key by table name; a table that is not named has its identity's columns, or none under FULL. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** Called after each event of a transaction's end; its promise holds the reader. */
  onCommit: (end: Position) => void | Promise<void> = () => undefined;
  readonly #names = new Map<string, string>();
  #watchers: (() => void)[] = [];

  constructor(keys: Readonly<Record<string, readonly string[]>> = {}) {
    this.keys = keys;
  }

  begin(transaction: { committedAt: bigint; xid: number }): void {
    this.#add({ kind: 'begin', ...transaction });
  }

  relation(relation: LogRelation): RowWriter | null {
    this.#add({ kind: 'relation', relation });
    this.#names.set(relation.objectId, relation.name.table);
    const named = this.keys[relation.name.table];
    const key = relation.columns.flatMap((column, at) =>
      (named ? named.includes(column.name) : column.inKey && relation.identity !== 'full') ? [at] : [],
    );
    let op = '';
    let fields: RecordedField[] = [];
    return {
      key,
      begin: (code) => {
        op = String.fromCharCode(code);
        fields = [];
      },
      text: (bytes, start, end) => void fields.push(bytes.toString('utf8', start, end)),
      null: () => void fields.push(null),
      unchanged: () => void fields.push(UNCHANGED),
      untold: () => {
        throw new Error('PostgreSQL leaves out no value that changed');
      },
      lossy: () => undefined,
      buffer: Buffer.alloc(0),
      at: 0,
      room: () => {
        throw new Error('PostgreSQL writes no fields by itself');
      },
      end: () => this.#add({ kind: 'row', table: relation.name.table, op, fields }),
    };
  }

  known(): null {
    return null;
  }

  tables(): readonly string[] {
    return [...this.#names.keys()];
  }

  ddl(): void {
    throw new Error('the log of PostgreSQL tells no DDL');
  }

  truncate(objectId: string): void {
    this.#add({ kind: 'truncate', table: this.#names.get(objectId) ?? objectId });
  }

  mark(text: string): void {
    this.#add({ kind: 'mark', text });
  }

  commit(end: Position): void | Promise<void> {
    this.#add({ kind: 'commit', end });
    return this.onCommit(end);
  }

  idle(position: Position): void {
    this.#add({ kind: 'idle', position });
  }

  /** The rows of a table, as op and fields. */
  rows(table: string): readonly (readonly [string, ...RecordedField[]])[] {
    return this.events.flatMap((event) =>
      event.kind === 'row' && event.table === table ? [[event.op, ...event.fields] as const] : [],
    );
  }

  /** Resolves as soon as the events say so. */
  async until(done: (events: readonly Recorded[]) => boolean): Promise<void> {
    while (!done(this.events)) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  /** Resolves when the transaction that wrote the mark has been received whole. */
  marked(text: string): Promise<void> {
    return this.until((events) => {
      const at = events.findIndex((event) => event.kind === 'mark' && event.text === text);
      return at >= 0 && events.slice(at).some((event) => event.kind === 'commit');
    });
  }

  #add(event: Recorded): void {
    this.events.push(event);
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }
}

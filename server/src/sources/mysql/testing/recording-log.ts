import type { TableSchema } from '../../../model/table.ts';
import type {
  ChangeSink,
  DiscoveredTable,
  LogRelation,
  Position,
  RowWriter,
  TableEvent,
} from '../../source.ts';

/** For tests: a sink that follows tables as the engine does and keeps everything as text. */
export const UNCHANGED = '<unchanged>';

export type Recorded =
  | { readonly kind: 'begin'; readonly committedAt: bigint; readonly xid: number }
  /** `row`: op and fields as CSV reads them; null is NULL. */
  | { readonly kind: 'row'; readonly table: string; readonly row: readonly (string | null)[] }
  | { readonly kind: 'truncate'; readonly table: string }
  | { readonly kind: 'ddl'; readonly event: TableEvent }
  | { readonly kind: 'mark'; readonly text: string }
  | { readonly kind: 'commit'; readonly end: Position }
  | { readonly kind: 'idle'; readonly position: Position };

interface Followed {
  schema: TableSchema;
  life: number;
  open: boolean;
}

export class RecordingLog implements ChangeSink {
  epoch = 0;
  readonly events: Recorded[] = [];
  readonly relations: LogRelation[] = [];
  /** By objectId. */
  readonly #followed = new Map<string, Followed>();
  /** Called after each transaction's end; its promise holds the reader. */
  onCommit: (end: Position) => void | Promise<void> = () => undefined;
  /** DDL in other databases of the server is not recorded. */
  readonly #schema: string;
  #watchers: (() => void)[] = [];
  #lives = 0;

  constructor(schema: string) {
    this.#schema = schema;
  }

  /** Keeps the table's changes from now on. */
  follow(...tables: readonly DiscoveredTable[]): this {
    for (const { objectId, schema } of tables)
      this.#followed.set(objectId, { schema, life: ++this.#lives, open: true });
    this.epoch++;
    return this;
  }

  known(objectId: string): { readonly schema: TableSchema; readonly life: string } | null {
    const one = this.#followed.get(objectId);
    return one?.open ? { schema: one.schema, life: String(one.life) } : null;
  }

  tables(): Iterable<string> {
    return this.#followed.keys();
  }

  ddl(event: TableEvent): void {
    const objectId = event.kind === 'schema' ? event.relation.objectId : event.objectId;
    if ((JSON.parse(objectId) as string[])[0] !== this.#schema) return;
    this.#add({ kind: 'ddl', event });
    const one = this.#followed.get(objectId);
    if (!one) return;
    this.epoch++;
    if (event.kind === 'schema') one.schema = event.relation.table!.schema;
    else if (event.kind === 'renamed') {
      this.#followed.delete(objectId);
      this.#followed.set(event.to, { ...one, schema: { ...one.schema, name: event.name } });
    } else if (event.kind !== 'made') one.open = false;
  }

  begin(transaction: { committedAt: bigint; xid: number }): void {
    this.#add({ kind: 'begin', ...transaction });
  }

  relation(relation: LogRelation): RowWriter | null {
    this.relations.push(relation);
    return new RecordingWriter(relation, (row) =>
      this.#add({ kind: 'row', table: relation.name.table, row }),
    );
  }

  truncate(objectId: string): void {
    const [, table = ''] = JSON.parse(objectId) as string[];
    this.#add({ kind: 'truncate', table });
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

  /** What was told of transactions that hold something, a text each: `begin`, `I t 1,a`, `gap t`, `commit`. */
  get story(): readonly string[] {
    const lines = this.#lines();
    // Another database's DDL, perhaps of now.
    const empty = (at: number): boolean => lines[at] === 'begin' && (lines[at + 1] ?? 'commit') === 'commit';
    return lines.filter((_, at) => !empty(at) && !empty(at - 1));
  }

  /** Where each of these transactions ends. */
  get ends(): readonly Position[] {
    return this.events.flatMap((event, at, all) =>
      event.kind === 'commit' && all[at - 1]?.kind !== 'begin' ? [event.end] : [],
    );
  }

  #lines(): readonly string[] {
    return this.events.flatMap((event) => {
      switch (event.kind) {
        case 'row': {
          const [op, ...fields] = event.row;
          return [`${op} ${event.table} ${fields.map((field) => field ?? '~').join(',')}`];
        }
        case 'truncate':
          return [`truncate ${event.table}`];
        case 'ddl':
          return [ddlText(event.event)];
        case 'begin':
        case 'commit':
          return [event.kind];
        default:
          return [];
      }
    });
  }

  /** Resolves as soon as the events say so. */
  async until(done: (events: readonly Recorded[]) => boolean): Promise<void> {
    while (!done(this.events)) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  marked(text: string): Promise<void> {
    return this.until((events) => events.some((event) => event.kind === 'mark' && event.text === text));
  }

  #add(event: Recorded): void {
    this.events.push(event);
    for (const watcher of this.#watchers.splice(0)) watcher();
  }
}

function nameOf(objectId: string): string {
  return (JSON.parse(objectId) as string[])[1]!;
}

function ddlText(event: TableEvent): string {
  switch (event.kind) {
    case 'schema':
      return `schema ${event.relation.name.table} ${event.relation.table!.schema.columns.map((column) => column.name).join()}`;
    case 'renamed':
      return `renamed ${nameOf(event.objectId)} ${event.name.table}`;
    case 'trouble':
      return `trouble ${nameOf(event.objectId)} ${event.error.code}`;
    default:
      return `${event.kind} ${nameOf(event.objectId)}`;
  }
}

/** Takes fields by call and as bytes, as a lane's spool does, and reads each line when it ends. */
class RecordingWriter implements RowWriter {
  buffer = Buffer.alloc(1 << 17);
  at = 0;
  readonly key: readonly number[];
  readonly #done: (row: readonly (string | null)[]) => void;
  #op = '';
  readonly #parts: Buffer[] = [];

  constructor(relation: LogRelation, done: (row: readonly (string | null)[]) => void) {
    this.key = relation.columns.flatMap((column, index) =>
      column.inKey && relation.identity !== 'full' ? [index] : [],
    );
    this.#done = done;
  }

  begin(op: number): void {
    // What foreign keys do unseen is told apart in rows-reader.test.ts.
    this.#op = String.fromCharCode(op).toUpperCase();
    this.#parts.length = 0;
    this.at = 0;
  }

  text(bytes: Buffer, start: number, end: number): void {
    this.#flush();
    const text = bytes.toString('latin1', start, end).replaceAll('"', '""');
    this.#parts.push(Buffer.from(`,"${text}"`, 'latin1'));
  }

  null(): void {
    this.#flush();
    this.#parts.push(Buffer.from(','));
  }

  unchanged(): void {
    this.#flush();
    this.#parts.push(Buffer.from(`,${UNCHANGED}`));
  }

  untold(): void {
    this.unchanged();
  }

  lossy(): void {}

  room(bytes: number): void {
    if (this.at + bytes > this.buffer.length) this.#flush();
  }

  end(): void {
    this.#flush();
    const line = Buffer.concat(this.#parts).toString('utf8');
    const fields = [...line.matchAll(/,(?:"((?:[^"]|"")*)"|([^,]*))/gs)].map(([, quoted, plain]) =>
      quoted !== undefined ? quoted.replaceAll('""', '"') : plain === '' ? null : (plain ?? null),
    );
    this.#done([this.#op, ...fields]);
  }

  #flush(): void {
    if (this.at > 0) this.#parts.push(Buffer.from(this.buffer.subarray(0, this.at)));
    this.at = 0;
  }
}

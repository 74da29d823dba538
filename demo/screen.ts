import { loadedText, type TaskStatus, type TaskTable } from '@sluice/contract';

/** What is shown of a task while it runs. */
export interface View {
  readonly status: Pick<TaskStatus, 'state' | 'phase' | 'position' | 'latencyMs' | 'error'>;
  readonly tables: readonly Pick<
    TaskTable,
    | 'source'
    | 'phase'
    | 'state'
    | 'rowsEstimated'
    | 'rowsLoaded'
    | 'rowsApplied'
    | 'loadProgress'
    | 'latencyMs'
    | 'error'
  >[];
  /** A line below the tables. */
  readonly footer: string;
}

const BAR = 24;
const number = (value: number) => value.toLocaleString('en-US');

export function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR);
  return '█'.repeat(full) + '░'.repeat(BAR - full);
}

export function seconds(milliseconds: number | null): string {
  return milliseconds === null ? '-' : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** One line a table: a bar while it loads, what goes through it afterwards. */
export function tableLine(table: View['tables'][number], width: number): string {
  const name = table.source.table.padEnd(width);
  if (table.error !== null) return `${name}  ✗ ${table.error.message}`;
  if (table.phase === 'incremental') {
    const loaded = `${number(table.rowsLoaded)} loaded`.padStart(18);
    const applied = `${number(table.rowsApplied)} changes`.padStart(17);
    return `${name}  live ${loaded} ${applied}   latency ${seconds(table.latencyMs)}`;
  }
  const share = table.loadProgress ?? 0;
  return `${name}  ${bar(share)} ${`${Math.floor(share * 100)}`.padStart(3)} %  ${loadedText(table, number)} rows`;
}

const problemLine = ({ code, message }: { code: string; message: string }) => `✗ ${code}: ${message}`;

export function viewLines(view: View): string[] {
  const width = Math.max(8, ...view.tables.map(({ source }) => source.table.length));
  const { state, phase, position, latencyMs } = view.status;
  return [
    `task ${state}${phase === null ? '' : `, ${phase.replace('_', ' ')}`}   position ${position ?? '-'}   latency ${seconds(latencyMs)}`,
    ...view.tables.map((table) => tableLine(table, width)),
    ...(view.status.error === null ? [] : [problemLine(view.status.error)]),
    view.footer,
  ];
}

/** Shows views: over each other on a terminal; otherwise what has changed, as plain lines. */
export class Screen {
  readonly #out: NodeJS.WriteStream;
  #drawn = 0;
  #said = new Map<string, string>();
  #lastPlain = 0;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  /** A line that stays. */
  say(text: string): void {
    this.#drawn = 0;
    this.#out.write(`${text}\n`);
  }

  show(view: View): void {
    if (this.#out.isTTY) this.#draw(viewLines(view));
    else this.#tell(view);
  }

  #draw(lines: readonly string[]): void {
    const { columns = 80, rows = 24 } = this.#out;
    // More lines than the terminal has could not be drawn over again.
    const shown = lines.slice(0, Math.max(1, rows - 1)).map((line) => line.slice(0, columns - 1));
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : '';
    // What an earlier, longer picture left below is wiped too.
    this.#out.write(`${up}${shown.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[0J`);
    this.#drawn = shown.length;
  }

  #tell(view: View): void {
    for (const table of view.tables) {
      const key = `${table.source.schema}.${table.source.table}`;
      const stage = table.error?.message ?? table.phase;
      if (this.#said.get(key) === stage) continue;
      this.#said.set(key, stage);
      this.#out.write(`${tableLine(table, 12)}\n`);
    }
    if (Date.now() - this.#lastPlain < 5000) return;
    this.#lastPlain = Date.now();
    const live = view.tables.filter(({ phase }) => phase === 'incremental').length;
    const { state, phase, latencyMs, error } = view.status;
    if (error !== null) this.#out.write(`${problemLine(error)}\n`);
    this.#out.write(
      `task ${state}, ${phase ?? 'no phase'}: ${live} of ${view.tables.length} tables live, latency ${seconds(latencyMs)}; ${view.footer}\n`,
    );
  }
}

import { parseArgs } from 'node:util';
import type { SourceKind } from './shop-source.ts';

const SOURCES: readonly SourceKind[] = ['postgres', 'mysql', 'mariadb'];

export const HELP = `npm start [-- options]     a shop in a real database, mirrored live into Iceberg tables

  --once            begin anew, mirror, write for a while, stop, compare every table row by row;
                    exit 0 if all are equal, 1 if not
  --seconds N       with --once: how long to write after the full load (default 20)
  --fresh           forget the shop and the lake of earlier starts
  --port N          port of the server (default 8470, or the next free one)
  --source KIND     database to mirror: postgres (default), or mysql or mariadb, which are fetched from Debian's
                    packages once (Debian with apt only)
  --help            this text

Everything lies under .sluice/: the shop in .sluice/demo, what --once makes in .sluice/once, those of MySQL and
MariaDB in folders of their own beside them. A start after Ctrl-C
goes on where the last one stopped.
`;

export interface DemoOptions {
  readonly once: boolean;
  readonly seconds: number;
  readonly fresh: boolean;
  readonly port: number;
  readonly source: SourceKind;
}

/** What to do, or what to say instead. */
export type Parsed =
  | { readonly kind: 'run'; readonly options: DemoOptions }
  | { readonly kind: 'say'; readonly text: string; readonly code: 0 | 1 | 2 };

export function parseOptions(argv: readonly string[]): Parsed {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        once: { type: 'boolean', default: false },
        seconds: { type: 'string', default: '20' },
        fresh: { type: 'boolean', default: false },
        port: { type: 'string', default: '8470' },
        source: { type: 'string', default: 'postgres' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { kind: 'say', text: HELP, code: 0 };
    const source = SOURCES.find((kind) => kind === values.source);
    if (source === undefined) throw new Error(`--source cannot be ${JSON.stringify(values.source)}`);
    return {
      kind: 'run',
      options: {
        once: values.once,
        fresh: values.fresh || values.once,
        seconds: whole('--seconds', values.seconds, 0, 86_400),
        port: whole('--port', values.port, 1, 65_535),
        source,
      },
    };
  } catch (error) {
    return { kind: 'say', text: `${(error as Error).message}\n\n${HELP}`, code: 2 };
  }
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Error(`${name} cannot be ${JSON.stringify(text)}`);
}

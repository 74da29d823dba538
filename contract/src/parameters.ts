import { SluiceError } from './errors.ts';

/**
 * A task's parameters (`--set name=value`), all of them, in one table. They travel and are saved as text; what a
 * name is not set to has its default. `parse` gives the value in the smallest unit: milliseconds, bytes, or what
 * `unit` says.
 */
export interface ParameterRule<T> {
  readonly unit: 'duration' | 'bytes' | 'megabytes' | 'count' | 'text' | 'choice';
  readonly default: string | null;
  /** What is allowed, for people: `100ms to 1h`. */
  readonly bounds: string;
  readonly description: string;
  /** @returns undefined where the text is not within the bounds */
  readonly parse: (text: string) => T | undefined;
}

/** Most parameters have a default; only such can go without null. */
type Defaulted<T> = ParameterRule<T> & { readonly default: string };

const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES = { '': 1, B: 1, KB: 1 << 10, MB: 1 << 20, GB: 1 << 30 } as const;

/** `500ms`, `3s`, `1.5m`, `1h`, `7d` as milliseconds. A number without a unit is refused: it could mean anything. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text.trim());
  if (match === null) return undefined;
  const value = Number(match[1]) * MS[match[2] as keyof typeof MS];
  return Number.isInteger(value) ? value : undefined;
}

/** `33554432`, `64MB`, `1 GB` as bytes; the units are powers of 1024. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,15})\s*(B|KB|MB|GB)?$/i.exec(text.trim());
  if (match === null) return undefined;
  return Number(match[1]) * BYTES[(match[2] ?? '').toUpperCase() as keyof typeof BYTES];
}

const within = (value: number | undefined, min: number, max: number): number | undefined =>
  value !== undefined && value >= min && value <= max ? value : undefined;

function duration(byDefault: string, min: string, max: string, description: string): Defaulted<number> {
  const [low, high] = [parseDuration(min) ?? 0, parseDuration(max) ?? 0];
  const parse = (text: string) => within(parseDuration(text), low, high);
  return { unit: 'duration', default: byDefault, bounds: `${min} to ${max}`, description, parse };
}

function bytes(byDefault: string, min: string, max: string, description: string): Defaulted<number> {
  const [low, high] = [parseBytes(min) ?? 0, parseBytes(max) ?? 0];
  const parse = (text: string) => within(parseBytes(text), low, high);
  return { unit: 'bytes', default: byDefault, bounds: `${min} to ${max}`, description, parse };
}

function whole(
  unit: 'megabytes' | 'count',
  byDefault: string,
  min: number,
  max: number,
  description: string,
): Defaulted<number> {
  const parse = (text: string) => within(/^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined, min, max);
  return { unit, default: byDefault, bounds: `${min} to ${max}`, description, parse };
}

function choice<const T extends string>(
  options: readonly T[],
  byDefault: NoInfer<T>,
  description: string,
): Defaulted<T> {
  const parse = (text: string) => options.find((option) => option === text.trim());
  return { unit: 'choice', default: byDefault, bounds: options.join(' or '), description, parse };
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}

export const PARAMETERS = {
  commit_interval: duration(
    '2.5s',
    '100ms',
    '1h',
    'How long changes are gathered before they are committed to the lake; a target, stretched when a commit takes longer.',
  ),
  full_load_concurrency: whole('count', '2', 1, 64, 'How many chunks are read from the source at a time.'),
  chunk_size: bytes('64MB', '1MB', '16GB', 'About how much of a table one chunk of the full load reads.'),
  target_file_size: bytes('33554432', '1MB', '4GB', 'About how large a data file becomes.'),
  max_key_size: bytes(
    '128',
    '16',
    '64KB',
    "How long the key of a row may be. Numbers, dates and times count with the bytes of their type (int 4, bigint and timestamp 8, uuid 16), text and bytes with their own, in UTF-8; the key's columns together. A row with a longer one puts its table on the blocklist (TABLE_KEY_LENGTH).",
  ),
  runner_memory: whole(
    'megabytes',
    '1024',
    256,
    1_048_576,
    "Megabytes for the process of a run: bounds DuckDB's memory and V8's heap. The process that rewrites large files beside it may have a fifth of that.",
  ),
  publication: {
    unit: 'text',
    default: null,
    bounds: 'the name of a publication, 1 to 63 bytes',
    description: 'A publication that an administrator made; it is used as it is and never changed.',
    parse: (text: string) =>
      text.length > 0 && utf8Length(text) <= 63 && !text.includes('\0') ? text : undefined,
  },
  infinite_dates: choice(
    ['null', 'error'],
    'null',
    'What an infinite date or timestamp becomes: null, counted for the table; or an error of the table.',
  ),
  zero_dates: choice(
    ['null', 'error'],
    'null',
    'What a zero or partial date of MySQL (0000-00-00, 2024-05-00) becomes: null, counted for the table; or an error of the table.',
  ),
  tinyint1: choice(
    ['boolean', 'int'],
    'boolean',
    "What MySQL's tinyint(1) is in the lake. As a boolean, any value but 0 and 1 is out of range.",
  ),
  time: choice(
    ['time', 'string'],
    'time',
    "What MySQL's time is in the lake. As a time, whatever is not within one day is out of range; as a string it is kept.",
  ),
  unlogged_cascades: choice(
    ['follow', 'ignore'],
    'follow',
    'What becomes of rows that a foreign key changes by itself (CASCADE, SET NULL) on MariaDB and on MySQL before 9.6, which do not log that: they follow from the changes of the table that is referred to, which the same task has to mirror; or they stay as they are, because the application does not rely on the rule.',
  ),
  out_of_range: choice(
    ['error', 'null'],
    'error',
    'What a value that its type in the lake cannot hold becomes: an error of the table; or null, counted for the table.',
  ),
  schema_evolution: choice(
    ['follow', 'widen', 'ignore', 'stop'],
    'follow',
    'What the columns of a mirrored table do when those at the source change (docs/tables.md). follow: whatever the source does. widen: columns may be added and types may hold more, anything else puts the table on the blocklist. ignore: they stay as they are. stop: any change puts the table on the blocklist. Tables of a sharded-table merge follow by its own rules.',
  ),
  pause_retention: duration(
    '7d',
    '1m',
    '365d',
    'How long the changes of a paused table are kept. After that they are dropped, and resuming loads the table anew.',
  ),
  pause_retention_size: bytes(
    '10GB',
    '1MB',
    '1000000GB',
    "How much of a paused table's changes is kept, table by table.",
  ),
  heartbeat_interval: duration(
    '10s',
    '1s',
    '1h',
    'How often a mark is written into the log of the source, so that the position moves when the tables are quiet.',
  ),
  discover_interval: duration(
    '5s',
    '1s',
    '24h',
    'How often a full-database mirror looks for tables that are new at the source.',
  ),
  failover_limit: whole(
    'count',
    '10',
    0,
    1000,
    'How many failovers without progress within failover_window the run takes before it has failed.',
  ),
  failover_window: duration('10m', '1s', '24h', 'The window of failover_limit.'),
  verify_interval: {
    unit: 'duration',
    default: null,
    bounds: '5s to 365d',
    description:
      'How often the tables are compared with the source by themselves (sluice verify), counted from the last comparison; without it never.',
    parse: (text: string) => within(parseDuration(text), 5000, 365 * MS.d),
  },
} as const satisfies Record<string, ParameterRule<unknown>>;

export type ParameterName = keyof typeof PARAMETERS;

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;
type ValueOf<R> = R extends {
  readonly default: infer D;
  readonly parse: (text: string) => infer T | undefined;
}
  ? Exclude<T, undefined> | (D extends null ? null : never)
  : never;

/** Durations in milliseconds, sizes in bytes, runnerMemory in megabytes. */
export type TaskParameters = { readonly [K in ParameterName as Camel<K>]: ValueOf<(typeof PARAMETERS)[K]> };

const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/**
 * What a task's parameters come to, with the defaults of those that are not set.
 * @throws SluiceError INVALID_REQUEST naming the parameter and what is allowed
 */
export function parseParameters(set: Readonly<Record<string, string>>): TaskParameters {
  for (const name of Object.keys(set))
    if (!Object.hasOwn(PARAMETERS, name))
      throw new SluiceError('INVALID_REQUEST', `There is no parameter ${JSON.stringify(name)}.`, {
        remedy: `Choose among ${Object.keys(PARAMETERS).join(', ')}.`,
      });
  const values: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries<ParameterRule<unknown>>(PARAMETERS)) {
    const text = Object.hasOwn(set, name) ? set[name] : rule.default;
    if (text === undefined || text === null) {
      values[camel(name)] = null;
      continue;
    }
    const value = rule.parse(text);
    if (value === undefined)
      throw new SluiceError(
        'INVALID_REQUEST',
        `The parameter ${name} cannot be ${JSON.stringify(text)}: allowed is ${rule.bounds}.`,
        {
          remedy: `Set ${name} to ${rule.bounds}${rule.default === null ? '' : ` (default ${rule.default})`}.`,
        },
      );
    values[camel(name)] = value;
  }
  return values as unknown as TaskParameters;
}

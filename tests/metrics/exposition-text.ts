/** One scrape. */
export interface Series {
  /** Families, and of histograms their parts. */
  readonly names: ReadonlySet<string>;
  /** Of the series with exactly these labels. */
  value(name: string, labels: Readonly<Record<string, string>>): number | null;
}

/** Prometheus' text form, read strictly: a line that is none is an error. */
export function parseExposition(text: string): Series {
  const names = new Set<string>();
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type !== null) {
      const [, name = '', kind] = type;
      const parts = kind === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      for (const part of parts) names.add(name + part);
    }
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match === null) throw new Error(`no line of an exposition: ${line}`);
    const [, name = '', labels = '', value = ''] = match;
    const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(
      ([, key = '', quoted = '']): [string, string] => [key, JSON.parse(`"${quoted}"`) as string],
    );
    values.set(keyOf(name, Object.fromEntries(pairs)), Number(value));
  }
  return { names, value: (name, labels) => values.get(keyOf(name, labels)) ?? null };
}

const keyOf = (name: string, labels: Readonly<Record<string, string>>): string =>
  JSON.stringify([name, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);

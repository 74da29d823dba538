import {
  MergeSpec,
  MirrorSpec,
  PARAMETERS,
  SluiceError,
  type TaskDocument,
  TaskSpec,
} from '@sluice/contract';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { differences } from './differences.ts';
import { byName } from './export.ts';
import { readDocuments } from './read.ts';
import { documentFields, writeDocument } from './write.ts';

/** What YAML would take for something else, or would write over several lines. */
const ODD = [
  'null',
  '~',
  'true',
  'No',
  '0x1f',
  '1e3',
  '2024-01-01',
  '- a',
  'a: b',
  '#c',
  '"q"',
  "'",
  '{',
  '*x',
  '&y',
  '!z',
  'a\nb',
  ' x',
  'é漢🦭',
  '---',
  '...',
  '%T',
  '@',
  '`',
  '=',
  '<<',
  'a #b',
];
const name = fc.oneof(fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }), fc.constantFrom(...ODD));
const plainName = fc.constantFrom(
  'shop',
  'null',
  'a: b',
  '- x',
  '# y',
  '漢',
  '1.5',
  'true',
  'it "is"',
  '&a *b',
  '---',
);
const table = fc.record({ schema: name, table: name });
const mirrorTable = fc.record(
  {
    schema: name,
    table: name,
    target: fc.oneof(table, fc.record({ schema: name }), fc.record({ table: name })),
  },
  { requiredKeys: ['schema', 'table'] },
);
const parameters = fc
  .dictionary(
    fc.constantFrom('publication', 'infinite_dates', 'commit_interval', 'chunk_size', 'failover_limit'),
    fc.constant(''),
    { maxKeys: 3 },
  )
  .map((set) =>
    Object.fromEntries(
      Object.keys(set).map((key) => [
        key,
        {
          publication: '007',
          infinite_dates: 'null',
          commit_interval: '3s',
          chunk_size: '33554432',
          failover_limit: '0',
        }[key] ?? '',
      ]),
    ),
  );
const common = {
  syncMode: fc.constantFrom(1 as const, 2 as const),
  vcluster: fc.constantFrom('default_sync', 'null'),
  parameters,
};
const rule = fc.record(
  { server: name, database: name, schema: name, table: name },
  { requiredKeys: ['table'] },
);
const shard = fc.record(
  { server: name, database: name, schema: name, table: name },
  { requiredKeys: ['server', 'database', 'table'] },
);
const naming = fc.constantFrom('{SOURCE_SCHEMA}', '{SOURCE_TABLE}', 'x_{SOURCE_DATABASE}', '~');

const mirror = fc
  .record({
    dataSource: fc.constantFrom(1, 2),
    database: name,
    schemas: fc.array(name, { maxLength: 3 }),
    targetSchema: naming,
    targetTable: naming,
    ...common,
    of: fc.oneof(
      fc.constant({ pipelineType: 3 as const, tables: [] }),
      fc.record({
        pipelineType: fc.constant(1 as const),
        tables: fc.uniqueArray(mirrorTable, {
          selector: (one) => JSON.stringify([one.schema, one.table]),
          minLength: 1,
          maxLength: 5,
        }),
      }),
    ),
  })
  .map(({ of, ...rest }) => MirrorSpec.parse({ ...rest, ...of }));
const merge = fc
  .record({
    sources: fc.uniqueArray(
      fc.record({
        dataSource: fc.constantFrom(1, 2),
        server: fc.constantFrom('shop', 'b', 'null'),
        databases: fc.array(name, { maxLength: 2 }),
      }),
      { selector: ({ server }) => server, minLength: 1, maxLength: 3 },
    ),
    virtualTables: fc
      .uniqueArray(
        fc
          .record({
            name: plainName,
            target: table,
            shards: fc.oneof(
              fc.record({
                by: fc.constant('rules' as const),
                rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
              }),
              fc.record({
                by: fc.constant('tables' as const),
                tables: fc.array(shard, { minLength: 1, maxLength: 3 }),
              }),
            ),
            of: fc.constantFrom(
              { extendedFields: [], extendedKey: false },
              { extendedFields: [{ part: 'server' as const, name: 'null' }], extendedKey: true },
              {
                extendedFields: [
                  { part: 'table' as const, name: '_t' },
                  { part: 'schema' as const, name: '1' },
                ],
                extendedKey: false,
              },
            ),
          })
          .map(({ of, ...rest }) => ({ ...rest, ...of })),
        { selector: ({ name }) => name, minLength: 1, maxLength: 3 },
      )
      .map((tables) =>
        tables.map((one, index) => ({
          ...one,
          target: { ...one.target, table: `${one.target.table.slice(0, 200)} ${index}` },
        })),
      ),
    ...common,
  })
  .map((spec) => MergeSpec.parse({ pipelineType: 2, ...spec }));
const specs: fc.Arbitrary<TaskSpec> = fc.oneof(mirror, merge);

const dataSources = new Map([
  [1, 'shop'],
  [2, 'null'],
]);
const written = (spec: TaskSpec, task = 'orders', version: number | null = null) =>
  writeDocument({ name: task, folder: 'f: g', spec, dataSources, version });
/** What control makes of a document: names of data sources become ids again. */
function specOf({ name: _name, folder: _folder, ...document }: TaskDocument): TaskSpec {
  const idOf = (wanted: string) => [...dataSources].find(([, called]) => called === wanted)![0];
  if (document.pipelineType !== 2)
    return TaskSpec.parse({ ...document, dataSource: idOf(document.dataSource) });
  const sources = document.sources.map((source) => ({
    ...source,
    server: source.server ?? source.dataSource,
    dataSource: idOf(source.dataSource),
  }));
  return TaskSpec.parse({ ...document, sources });
}

function refusal(text: string): string {
  try {
    readDocuments(text);
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError);
    expect((error as SluiceError).code).toBe('INVALID_REQUEST');
    return (error as SluiceError).message;
  }
  throw new Error('it was not refused');
}

describe('a task as a document', () => {
  it('is the same task once it is read again, whatever its names', () => {
    fc.assert(
      fc.property(specs, plainName, (spec, task) => {
        const [read] = readDocuments(written(spec, task));
        expect(read!.document).toMatchObject({ name: task, folder: 'f: g' });
        expect(specOf(read!.document)).toEqual(spec);
        expect(differences(byName(spec, dataSources), byName(specOf(read!.document), dataSources))).toEqual(
          [],
        );
        // To write it again changes no byte, and another reader of YAML reads the same.
        expect(written(specOf(read!.document), task)).toBe(written(spec, task));
        expect(parse(written(spec, task))).toEqual(
          documentFields({ name: task, folder: 'f: g', spec, dataSources }),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('stands in a file with others', () => {
    fc.assert(
      fc.property(fc.array(specs, { minLength: 1, maxLength: 4 }), (many) => {
        const text = many.map((spec, index) => written(spec, `t${index}`)).join('');
        expect(readDocuments(text).map(({ document }) => specOf(document))).toEqual(many);
      }),
      { numRuns: 60 },
    );
  });

  it('says what differs from the defaults, and no more', () => {
    const spec = MirrorSpec.parse({ dataSource: 1, database: 'shop', parameters: { commit_interval: '3s' } });
    expect(written(spec, 'orders', 3)).toBe(`---
# The task orders of Sluice: version 3.
# What is not here has its default. Data sources are named; their connections and passwords are not in here.
# sluice task apply -f FILE makes this the draft of the task of this name.
name: orders
folder: "f: g"
pipelineType: 3 # full-database mirror
dataSource: shop
database: shop
parameters:
  commit_interval: 3s
`);
    const some = {
      ...spec,
      pipelineType: 1 as const,
      syncMode: 2 as const,
      tables: [{ schema: 'public', table: '2024' }],
    };
    expect(written(some)).toContain(`tables:
  - { schema: public, table: "2024" }
`);
    expect(written(some)).toContain('syncMode: 2 # changes only\n');
  });

  it('takes text where text is wanted, however YAML reads it', () => {
    const [read] = readDocuments(`
name: t
folder: f
pipelineType: 1
dataSource: shop
database: 1e3
tables:
  - { schema: null, table: 007 }
  - { schema: true, table: 2024 }
parameters: { infinite_dates: null, failover_limit: 5, publication: 0x1F }
`);
    expect(read!.document).toMatchObject({
      database: '1e3',
      tables: [
        { schema: 'null', table: '007' },
        { schema: 'true', table: '2024' },
      ],
      parameters: { infinite_dates: 'null', failover_limit: '5', publication: '0x1F' },
    });
  });
});

describe('a file of documents', () => {
  it('is refused with all that is wrong, each at its line and column', () => {
    expect(
      refusal(`# two tasks
name: a
folder: f
pipelineType: 3
dataSource: shop
database: shop
tabels: []
parameters:
  commit_interval: fast
  chunk: 1MB
---
name: a
folder: 5
pipelineType: 1
dataSource: shop
database: shop
tables:
  - { schema: s, table: t, taget: x }
  - { schema: s }
`).split('\n'),
    ).toEqual([
      'The file cannot be applied:',
      '  line 7, column 1: tabels is not known here',
      '  line 9, column 3: The parameter commit_interval cannot be "fast": allowed is 100ms to 1h',
      expect.stringMatching(/^ {2}line 10, column 3: There is no parameter "chunk"\. Choose among/),
      expect.stringMatching(/^ {2}line 13, column 1: folder: must not be digits only/),
      '  line 18, column 28: tables.0.taget is not known here',
      expect.stringMatching(/^ {2}line 19, column 5: tables\.1\.table: /),
    ]);
  });

  it('is refused where it is no YAML, says a thing twice, or describes no task', () => {
    expect(refusal('name: [a\n')).toMatch(/^The file cannot be applied: line \d+, column \d+: /);
    expect(refusal('name: a\nname: b\n')).toMatch(/line 2, column 1: Map keys must be unique/);
    expect(refusal('name: !thing a\n')).toMatch(/line 1, column 7: Unresolved tag/);
    expect(refusal('# nothing\n---\n---\n')).toBe('The file describes no task.');
    expect(refusal('5')).toMatch(/line 1, column 1/);
    expect(refusal('pipelineType: 4')).toContain('line 1, column 1: pipelineType: is 1 (multi-table mirror)');
    const spec = MirrorSpec.parse({ dataSource: 1, database: 'shop' });
    expect(refusal(written(spec) + written(spec))).toMatch(
      /line 14, column 1: the task "orders" is described on line 5 already/,
    );
    const laughs = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...[...'bcdefgh'].map((c, i) => `${c}: &${c} [${`*${'abcdefgh'[i]},`.repeat(9)}]`),
    ];
    expect(refusal(laughs.join('\n'))).toContain('alias');
  });

  it('knows every parameter', () => {
    const parameters = Object.entries(PARAMETERS).flatMap(([key, rule]) =>
      rule.default === null ? [] : [[key, rule.default]],
    );
    const spec = MirrorSpec.parse({
      dataSource: 1,
      database: 'shop',
      parameters: Object.fromEntries(parameters),
    });
    expect(specOf(readDocuments(written(spec))[0]!.document)).toEqual(spec);
  });
});

describe('what differs between two specs', () => {
  const spec = (more: object) => MirrorSpec.parse({ dataSource: 1, database: 'shop', ...more });
  const ref = (text: string) => ({ schema: 'public', table: text });

  it('is said place by place', () => {
    const before = spec({
      pipelineType: 1,
      tables: [ref('a'), ref('b')],
      parameters: { time: 'string', chunk_size: '1MB' },
    });
    const after = spec({
      pipelineType: 1,
      tables: [ref('b'), ref('c')],
      parameters: { time: 'time', commit_interval: '1s' },
      syncMode: 2,
    });
    const changes = differences(byName(before, dataSources), byName(after, dataSources));
    expect(changes).toHaveLength(6);
    expect(changes).toEqual(
      expect.arrayContaining([
        { at: 'tables', before: '{"schema":"public","table":"a"}', after: null },
        { at: 'tables', before: null, after: '{"schema":"public","table":"c"}' },
        { at: 'syncMode', before: '1', after: '2' },
        { at: 'parameters.time', before: 'string', after: 'time' },
        { at: 'parameters.chunk_size', before: '1MB', after: null },
        { at: 'parameters.commit_interval', before: null, after: '1s' },
      ]),
    );
  });

  it('is nothing exactly where the specs are the same', () => {
    fc.assert(
      fc.property(specs, specs, (one, other) => {
        const same = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
        expect(differences(one, other).length === 0).toBe(same);
        expect(differences(one, structuredClone(one))).toEqual([]);
      }),
      { numRuns: 150 },
    );
    expect(differences(spec({ schemas: ['a', 'b'] }), spec({ schemas: ['b', 'a'] }))).toEqual([
      { at: 'schemas', before: 'in another order', after: 'in this order' },
    ]);
  });

  function sorted(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(sorted);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, inner]) => [key, sorted(inner)]),
    );
  }
});

import { describe, expect, it } from 'vitest';
import { LIVE_PARAMETERS, waitsForStart } from './live-changes.ts';
import { PARAMETERS } from './parameters.ts';
import { MergeSpec, MirrorSpec } from './task.ts';

const spec = (changes: object = {}) =>
  MirrorSpec.parse({ dataSource: 1, database: 'shop', pipelineType: 3, ...changes });
const tables = (...names: string[]) => ({
  pipelineType: 1,
  tables: names.map((table) => ({ schema: 'public', table })),
});

describe('what a published version changes of a running run', () => {
  it.each([
    ['nothing', spec(), spec(), []],
    ['a schema', spec({ schemas: ['a'] }), spec({ schemas: ['a', 'b'] }), []],
    ['a table', spec(tables('a')), spec(tables('b', 'c')), []],
    ['a pace', spec(), spec({ parameters: { full_load_concurrency: '8', commit_interval: '1s' } }), []],
    ['a pace back', spec({ parameters: { chunk_size: '1MB' } }), spec(), []],
    [
      'the naming',
      spec(),
      spec({ targetSchema: 'lake', targetTable: 't_{SOURCE_TABLE}' }),
      ['targetSchema', 'targetTable'],
    ],
    ['the mode', spec(), spec({ syncMode: 2 }), ['syncMode']],
    ['the kind', spec(), spec(tables('a')), ['pipelineType']],
    ['the database', spec(), spec({ database: 'other' }), ['database']],
    [
      'how values are read',
      spec(),
      spec({ parameters: { tinyint1: 'int', commit_interval: '1s' } }),
      ['parameters.tinyint1'],
    ],
    ['memory, back', spec({ parameters: { runner_memory: '2048' } }), spec(), ['parameters.runner_memory']],
  ] as const)('%s', (_, running, published, waits) => {
    expect(waitsForStart(running, published)).toEqual(waits);
  });

  it('takes data sources and virtual tables of a merge over, and not how their values are read', () => {
    const merge = (servers: readonly string[], tables: readonly string[], changes: object = {}) =>
      MergeSpec.parse({
        pipelineType: 2,
        sources: servers.map((server, index) => ({ dataSource: index + 1, server })),
        virtualTables: tables.map((table) => ({
          name: table,
          target: { schema: 'lake', table },
          shards: { by: 'rules', rules: [{ table }] },
        })),
        ...changes,
      });
    const running = merge(['a'], ['x']);
    expect(waitsForStart(running, merge(['a', 'b'], ['x', 'y']))).toEqual([]);
    const parameters = { tinyint1: 'int', commit_interval: '1s' };
    expect(waitsForStart(running, merge(['a'], ['x'], { parameters }))).toEqual(['parameters.tinyint1']);
    expect(waitsForStart(running, merge(['a'], ['x'], { syncMode: 2 }))).toEqual(['syncMode']);
  });

  it('knows parameters only', () => {
    expect([...LIVE_PARAMETERS].filter((name) => !Object.hasOwn(PARAMETERS, name))).toEqual([]);
  });
});

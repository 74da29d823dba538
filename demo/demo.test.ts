import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';
import { type View, viewLines } from './screen.ts';

describe('the demo', () => {
  it('takes its options, and says what it does not know', () => {
    expect(parseOptions(['--once', '--seconds', '5'])).toEqual({
      kind: 'run',
      options: { once: true, fresh: true, seconds: 5, port: 8470, source: 'postgres' },
    });
    expect(parseOptions(['--source', 'mysql'])).toMatchObject({ kind: 'run', options: { source: 'mysql' } });
    expect(parseOptions(['--help'])).toMatchObject({ kind: 'say', code: 0 });
    for (const bad of [['--sorce'], ['--port', '0'], ['--seconds', 'x'], ['--source', 'oracle'], ['once']])
      expect(parseOptions(bad)).toMatchObject({ kind: 'say', code: 2 });
  });

  it('draws a bar while a table loads, and what goes through it after', () => {
    const table = {
      state: 'x',
      rowsEstimated: 2000,
      rowsLoaded: 500,
      rowsApplied: 0,
      latencyMs: null,
      error: null,
    };
    const view: View = {
      status: { state: 'running', phase: 'full_load', position: '0/1', latencyMs: null, error: null },
      tables: [
        { ...table, source: { schema: 'public', table: 'orders' }, phase: 'full_load', loadProgress: 0.25 },
        {
          ...table,
          source: { schema: 'public', table: 'reviews' },
          phase: 'incremental',
          loadProgress: 1,
          rowsApplied: 12_345,
          latencyMs: 1234,
        },
      ],
      footer: 'f',
    };
    expect(viewLines(view)).toEqual([
      'task running, full load   position 0/1   latency -',
      'orders    ██████░░░░░░░░░░░░░░░░░░  25 %  500 of about 2,000 rows',
      'reviews   live         500 loaded    12,345 changes   latency 1.2 s',
      'f',
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import type { LogicalType } from '../model/logical-type.ts';
import type { Column } from '../model/table.ts';
import { columnFigures } from './column-figures.ts';

const column = (type: LogicalType, native: string): Column => ({
  name: 'c',
  sourceId: 1,
  type,
  text: { form: 'plain' },
  nullable: true,
  native,
});

describe('the figures of a column', () => {
  it.each([
    ['exact', { kind: 'int' }, { kind: 'int' }],
    ['wider', { kind: 'int' }, { kind: 'long' }],
    ['wider', { kind: 'decimal', precision: 9, scale: 2 }, { kind: 'decimal', precision: 12, scale: 2 }],
    // Of a merge: shards of differing scales.
    ['wider', { kind: 'decimal', precision: 10, scale: 2 }, { kind: 'decimal', precision: 12, scale: 4 }],
    ['other', { kind: 'long' }, { kind: 'int' }],
    ['other', { kind: 'decimal', precision: 9, scale: 2 }, { kind: 'decimal', precision: 9, scale: 3 }],
    ['missing', { kind: 'int' }, null],
  ] as const)('%s: %j in the lake as %j', (mapping, own, lake) => {
    const [figures] = columnFigures([column(own, 'as it is written')], [lake], { source: [3], lake: [4] });
    expect(figures).toMatchObject({ mapping, sourceType: 'as it is written', sourceNulls: 3, lakeNulls: 4 });
  });
});

import { describe, expect, it } from 'vitest';
import { cellText, textTable, textWidth } from './text-table.ts';

describe('a table for people', () => {
  it('aligns text left, numbers right and wide characters by their width', () => {
    const text = textTable({
      columns: ['name', 'rows'],
      rows: [
        ['a', 5],
        ['日本', 1234],
        ['é', null],
      ],
    });
    expect(text).toBe('name  rows\na        5\n日本  1234\né        -\n');
  });

  it('cuts what is long and shows control characters as escapes', () => {
    expect(cellText('x'.repeat(100))).toBe(`${'x'.repeat(60)}…`);
    expect(cellText('a\u001b[2J\nb')).toBe('a\\u001b[2J\\nb');
    expect(cellText({ a: [1] })).toBe('{"a":[1]}');
    expect(textWidth('e\u0301👍')).toBe(3);
  });
});

export interface Line {
  /** left: only before · right: only after */
  readonly side: 'left' | 'right' | 'both';
  readonly text: string;
}

/** Above that the table of the search would be too large, and nobody reads it: removed, then added. */
const MOST_CELLS = 4_000_000;

/** The shortest way from one text to the other, line by line (longest common subsequence). */
export function lineDifferences(before: string, after: string): readonly Line[] {
  const [left, right] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start++;
  let end = 0;
  while (
    end < left.length - start &&
    end < right.length - start &&
    left[left.length - 1 - end] === right[right.length - 1 - end]
  )
    end++;
  const both = (texts: readonly string[]): Line[] => texts.map((text) => ({ side: 'both', text }));
  return [
    ...both(left.slice(0, start)),
    ...middle(left.slice(start, left.length - end), right.slice(start, right.length - end)),
    ...both(left.slice(left.length - end)),
  ];
}

function middle(left: readonly string[], right: readonly string[]): Line[] {
  const width = right.length + 1;
  const only = (side: 'left' | 'right', texts: readonly string[]): Line[] =>
    texts.map((text) => ({ side, text }));
  if ((left.length + 1) * width > MOST_CELLS) return [...only('left', left), ...only('right', right)];
  const common = new Uint32Array((left.length + 1) * width);
  const at = (row: number, column: number): number => common[row * width + column] ?? 0;
  for (let row = left.length - 1; row >= 0; row--)
    for (let column = right.length - 1; column >= 0; column--)
      common[row * width + column] =
        left[row] === right[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < left.length && column < right.length) {
    if (left[row] === right[column]) {
      lines.push({ side: 'both', text: left[row] ?? '' });
      row++;
      column++;
    } else if (at(row + 1, column) >= at(row, column + 1))
      lines.push({ side: 'left', text: left[row++] ?? '' });
    else lines.push({ side: 'right', text: right[column++] ?? '' });
  }
  return [...lines, ...only('left', left.slice(row)), ...only('right', right.slice(column))];
}

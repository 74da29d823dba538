/** Rows as a person reads them: aligned columns, no borders. Not for programs: those get JSON. */
export interface TextTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

const MAX_CELL = 60;

/** A value on one line; what does not fit ends in an ellipsis. */
export function cellText(value: unknown, max = MAX_CELL): string {
  if (value === null || value === undefined) return '-';
  const plain = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  let text = '';
  let width = 0;
  for (const character of plain) {
    // A control character could move the cursor or worse; JSON's escapes show it instead.
    const shown = /\p{Cc}/u.test(character) ? JSON.stringify(character).slice(1, -1) : character;
    width += textWidth(shown);
    if (width > max) return `${text}…`;
    text += shown;
  }
  return text;
}

/** Columns of a terminal that the text takes: East Asian wide characters and emoji take two, marks none. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(character)) continue;
    width += isWide(character.codePointAt(0) ?? 0) ? 2 : 1;
  }
  return width;
}

// The blocks of Unicode's EastAsianWidth.txt that are W or F, as whole ranges.
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
];

function isWide(code: number): boolean {
  return WIDE.some(([first, last]) => code >= first && code <= last);
}

/** Numbers stand to the right, where their digits can be compared. */
export function textTable(table: TextTable): string {
  const cells = table.rows.map((row) => table.columns.map((_, index) => cellText(row[index])));
  const widths = table.columns.map((name, index) =>
    Math.max(textWidth(name), ...cells.map((row) => textWidth(row[index] ?? ''))),
  );
  const right = table.columns.map(
    (_, index) =>
      table.rows.length > 0 &&
      table.rows.every(
        (row) => row[index] === null || typeof row[index] === 'number' || row[index] === undefined,
      ),
  );
  const line = (row: readonly string[]) =>
    row
      .map((text, index) => {
        const space = ' '.repeat((widths[index] ?? 0) - textWidth(text));
        return right[index] === true ? space + text : text + space;
      })
      .join('  ')
      .trimEnd();
  return [line(table.columns.map((name) => name)), ...cells.map(line)].map((text) => `${text}\n`).join('');
}

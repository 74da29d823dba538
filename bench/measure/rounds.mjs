// Several rounds of the same, and what is told of them: the median, and how far they lie apart.

/**
 * @param {number} rounds
 * @param {(round: number) => Promise<Record<string, number>>} one
 * @returns {Promise<Record<string, { median: number, min: number, max: number, all: number[] }>>}
 */
export async function inRounds(rounds, one) {
  const found = new Map();
  for (let round = 0; round < rounds; round++) {
    const figures = await one(round);
    process.stderr.write(`round ${round + 1} of ${rounds}: ${JSON.stringify(figures)}\n`);
    for (const [name, value] of Object.entries(figures)) found.set(name, [...(found.get(name) ?? []), value]);
  }
  return Object.fromEntries([...found].map(([name, all]) => [name, spread(all)]));
}

export function spread(all) {
  const sorted = [...all].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1), all };
}

/** The value below which so many of the values lie, 0 < share ≤ 1. */
export function percentile(all, share) {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

const shown = (value) =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));

export function tableText(figures) {
  const rows = Object.entries(figures).map(([name, { median, min, max }]) => [
    name,
    ...[median, min, max].map(shown),
  ]);
  const all = [['', 'median', 'min', 'max'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column].length)));
  return all
    .map((row) =>
      row.map((text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]))),
    )
    .map((row) => `${row.join('  ').trimEnd()}\n`)
    .join('');
}

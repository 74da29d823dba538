import type { AlertFilters } from '@sluice/contract';
import type { TaskObservation } from './observation.ts';

/** Whether a name is meant by one of the patterns; no pattern means every name. `*` stands for any characters. */
export function isMeant(patterns: readonly string[], names: readonly string[]): boolean {
  return patterns.length === 0 || names.some((name) => patterns.some((pattern) => fits(pattern, name)));
}

/** By pieces, not by an expression made of what people type: no pattern takes long. */
function fits(pattern: string, name: string): boolean {
  const pieces = pattern.toLowerCase().split('*');
  const text = name.toLowerCase();
  const [first = ''] = pieces;
  if (pieces.length === 1) return text === first;
  const last = pieces.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

export function isMeantTask(filters: AlertFilters, task: TaskObservation): boolean {
  return (
    isMeant(filters.folders, [task.folder]) &&
    isMeant(filters.tasks, [task.name]) &&
    isMeant(filters.dataSources, task.dataSources)
  );
}

const KEY = 'sluice.sql';
const KEPT = 50;

export interface PastStatement {
  readonly sql: string;
  readonly at: string;
  /** Rows, or what was said against it. */
  readonly outcome: string;
}

export function pastStatements(): readonly PastStatement[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '[]') as PastStatement[];
  } catch {
    return [];
  }
}

/** The newest first, each statement once. */
export function keepStatement(statement: PastStatement): readonly PastStatement[] {
  const kept = [statement, ...pastStatements().filter(({ sql }) => sql !== statement.sql)].slice(0, KEPT);
  localStorage.setItem(KEY, JSON.stringify(kept));
  return kept;
}

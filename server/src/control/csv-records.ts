/** A record of a CSV text and the line that it begins on, from 1. */
export interface CsvRecord {
  readonly line: number;
  readonly fields: readonly string[];
}

/**
 * The records of a CSV text as RFC 4180 has them: fields in double quotes may hold commas, quotes (doubled) and line
 * ends. Empty lines are passed over. A byte order mark at the beginning, as spreadsheets write it, is no field's.
 * @returns the line of a quote that is never closed, or that stands amidst a field
 */
export function csvRecords(text: string): readonly CsvRecord[] | { readonly badQuote: number } {
  const records: CsvRecord[] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const begin = line;
    const fields: string[] = [];
    for (;;) {
      let field = '';
      if (text[at] === '"') {
        const opened = line;
        for (at++; ; at++) {
          if (at >= text.length) return { badQuote: opened };
          if (text[at] === '\n') line++;
          if (text[at] !== '"') field += text[at];
          else if (text[at + 1] === '"') field += text[at++];
          else break;
        }
        at++;
        if (at < text.length && !/[,\r\n]/.test(text[at]!)) return { badQuote: opened };
      } else
        for (; at < text.length && !/[,\r\n]/.test(text[at]!); at++) {
          if (text[at] === '"') return { badQuote: line };
          field += text[at];
        }
      fields.push(field);
      if (text[at] !== ',') break;
      at++;
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    line++;
    if (fields.length > 1 || fields[0] !== '') records.push({ line: begin, fields });
  }
  return records;
}

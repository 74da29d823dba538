/** For tests: lines of COPY … CSV. NULL is an empty field without quotes. */
export function parseCsv(text: string): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let at = 0;
  while (at < text.length) {
    const row: (string | null)[] = [];
    for (;;) {
      if (text[at] === '"') {
        let value = '';
        at++;
        for (;;) {
          const quote = text.indexOf('"', at);
          value += text.slice(at, quote);
          at = quote + 1;
          if (text[at] !== '"') break;
          value += '"';
          at++;
        }
        row.push(value);
      } else {
        let end = at;
        while (text[end] !== ',' && text[end] !== '\n') end++;
        row.push(end === at ? null : text.slice(at, end));
        at = end;
      }
      if (text[at++] === '\n') break;
    }
    rows.push(row);
  }
  return rows;
}

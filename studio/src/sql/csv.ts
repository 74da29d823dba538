import type { JsonValue } from '@sluice/contract';

/** A value as a cell shows it. */
export function cellText(value: JsonValue): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** RFC 4180; a null is an empty field, an empty text is `""`. */
export function csv(columns: readonly string[], rows: readonly (readonly JsonValue[])[]): string {
  const field = (value: JsonValue): string => {
    if (value === null) return '';
    const text = cellText(value);
    return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${[columns, ...rows].map((row) => row.map(field).join(',')).join('\r\n')}\r\n`;
}

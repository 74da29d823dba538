/** Hexadecimal digits of a byte, as two ASCII codes. */
const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** MariaDB's stored order of a uuid's five groups: [place in the text's order, bytes]. */
const SWAPPED = [
  [12, 4],
  [10, 2],
  [8, 2],
  [6, 2],
  [0, 6],
] as const;

/**
 * Text of a MariaDB uuid of 16 stored bytes. Those of versions 1 to 5 are stored with their groups turned around, so that
 * they sort by time; which these are shows in the variant's bit (plugin/type_uuid/sql_type_uuid.h, rec_need_swap).
 */
export function uuidText(bytes: Uint8Array): string {
  const swapped = (bytes[6]! & -bytes[8]! & 0x80) !== 0;
  const hex = (from: number, length: number): string => {
    let text = '';
    for (let i = from; i < from + length; i++) text += HEX[bytes[i]!];
    return text;
  };
  if (swapped) return SWAPPED.map(([from, length]) => hex(from, length)).join('-');
  return [hex(0, 4), hex(4, 2), hex(6, 2), hex(8, 2), hex(10, 6)].join('-');
}

export function inet4Text(bytes: Uint8Array): string {
  return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
}

/** As MariaDB prints it (plugin/type_inet/sql_type_inet.cc, Inet6::to_string): the longest run of zero groups is left out. */
export function inet6Text(bytes: Uint8Array): string {
  const words = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  const gap = longestZeroRun(words);
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (gap.length > 0 && i === gap.at) {
      text += i === 0 ? '::' : ':';
      i += gap.length - 1;
    } else if (i === 6 && gap.at === 0 && (gap.length === 6 || (gap.length === 5 && words[5] === 0xffff)))
      return text + inet4Text(bytes.subarray(12));
    else text += words[i]!.toString(16) + (i < 7 ? ':' : '');
  }
  return text;
}

function longestZeroRun(words: readonly number[]): { readonly at: number; readonly length: number } {
  let best = { at: -1, length: 0 };
  for (let i = 0; i < words.length; ) {
    let end = i;
    while (end < words.length && words[end] === 0) end++;
    if (end - i > best.length) best = { at: i, length: end - i };
    i = Math.max(end, i + 1);
  }
  return best;
}

import { SluiceError } from '@sluice/contract';

/** A statement in the log. */
export interface QueryEvent {
  readonly sql: string;
  /** The default database; '' where there was none. */
  readonly schema: string;
  readonly ansiQuotes: boolean;
  readonly noBackslashEscapes: boolean;
}

/** Thread u32, seconds u32, length of the database's name u8, error u16, length of the variables u16. */
const HEADER_BYTES = 13;
/** EXECUTE_LOAD_QUERY: file u32, two offsets u32, how duplicates are treated u8. */
const LOAD_HEADER_BYTES = 13;

const MODE_ANSI_QUOTES = 0x4n;
const MODE_NO_BACKSLASH_ESCAPES = 0x100000n;

/** Where the statement's text begins. */
export function statementStart(bytes: Buffer, start: number, end: number, load = false): number {
  const variables = start + HEADER_BYTES + (load ? LOAD_HEADER_BYTES : 0);
  if (variables > end) throw malformed();
  const at = variables + bytes.readUInt16LE(start + 11) + bytes[start + 8]! + 1;
  if (at > end) throw malformed();
  return at;
}

/**
 * QUERY and EXECUTE_LOAD_QUERY (MySQL: libs/mysql/binlog/event/statement_events.h; MariaDB: sql/log_event.h).
 */
export function parseQuery(bytes: Buffer, start: number, end: number, load = false): QueryEvent {
  const at = statementStart(bytes, start, end, load);
  const nameLength = bytes[start + 8]!;
  const variables = start + HEADER_BYTES + (load ? LOAD_HEADER_BYTES : 0);
  const { mode, charset } = readVariables(bytes, variables, at - nameLength - 1);
  return {
    sql: decodeStatement(bytes.subarray(at, end), charset),
    schema: bytes.toString('utf8', at - nameLength - 1, at - 1),
    ansiQuotes: (mode & MODE_ANSI_QUOTES) !== 0n,
    noBackslashEscapes: (mode & MODE_NO_BACKSLASH_ESCAPES) !== 0n,
  };
}

/** Status variables that come before those that we want, and these themselves, are written in the order of the code. */
const VARIABLE = {
  flags: 0,
  sqlMode: 1,
  catalog: 2,
  autoIncrement: 3,
  charset: 4,
  timeZone: 5,
  catalogNz: 6,
};

/** What is not known ends it: both servers write flags, mode and character set before anything that is newer. */
function readVariables(
  bytes: Buffer,
  start: number,
  end: number,
): { readonly mode: bigint; readonly charset: number } {
  let mode = 0n;
  let charset = 0;
  let at = start;
  while (at < end) {
    switch (bytes[at++]) {
      case VARIABLE.flags:
        at += 4;
        break;
      case VARIABLE.sqlMode:
        if (at + 8 > end) throw malformed();
        mode = bytes.readBigUInt64LE(at);
        at += 8;
        break;
      case VARIABLE.catalog:
        at += bytes[at]! + 2;
        break;
      case VARIABLE.autoIncrement:
        at += 4;
        break;
      case VARIABLE.charset:
        if (at + 6 > end) throw malformed();
        charset = bytes.readUInt16LE(at);
        return { mode, charset };
      case VARIABLE.timeZone:
      case VARIABLE.catalogNz:
        at += bytes[at]! + 1;
        break;
      default:
        return { mode, charset };
    }
  }
  return { mode, charset };
}

/** Collations of character_set_client, by number, whose text is neither ASCII nor UTF-8, to names that Node knows. */
const CLIENT_CHARSETS: readonly (readonly [string, readonly number[]])[] = [
  ['windows-1252', [5, 8, 15, 31, 47, 48, 49, 94]],
  ['big5', [1, 84]],
  ['gbk', [28, 87]],
  ['gbk', [24, 86]],
  ['gb18030', [248, 249, 250]],
  ['shift_jis', [13, 88, 95, 96]],
  ['euc-jp', [12, 91, 97, 98]],
  ['euc-kr', [19, 85]],
  ['windows-1251', [14, 23, 50, 51, 52]],
  ['windows-1250', [26, 34, 44, 66, 99]],
  ['windows-1256', [57, 67]],
  ['windows-1257', [29, 58, 59]],
  ['koi8-r', [7, 74]],
  ['koi8-u', [22, 75]],
  ['iso-8859-2', [2, 9, 21, 27, 77]],
  ['iso-8859-7', [25, 70]],
  ['iso-8859-8', [16, 71]],
  ['iso-8859-9', [30, 78]],
  ['iso-8859-13', [20, 41, 42, 79]],
  ['windows-874', [18, 89]],
];

/**
 * A statement's text is in the client's character set, but what the server itself wrote into it is UTF-8, whatever
 * the client had. Text of another character set is hardly ever well-formed UTF-8.
 */
function decodeStatement(bytes: Buffer, charset: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const known = CLIENT_CHARSETS.find(([, numbers]) => numbers.includes(charset));
    return new TextDecoder(known?.[0] ?? 'windows-1252').decode(bytes);
  }
}

function malformed(): SluiceError {
  return new SluiceError('SOURCE_PROTOCOL', 'the server sent a statement in an unknown form');
}

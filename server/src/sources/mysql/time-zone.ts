import { offsetText, zoneOffset } from '@sluice/contract';
import type { Finding } from '../source.ts';
import type { Session } from './connect.ts';

export interface ZoneFacts {
  /** The server's setting: `SYSTEM`, an offset or a name; and what SYSTEM is. */
  readonly setting: string;
  readonly system: string;
  /** Minutes ahead of UTC in the middle of January and of July of the year; null: the server does not know its zone. */
  readonly offsets: readonly [number, number] | null;
  /** What the data source says of it; null: nothing. */
  readonly wanted: string | null;
  readonly year: number;
}

/** Two moments tell a zone from another one that happens to be the same in one half of the year. */
const momentsOf = (year: number): readonly [Date, Date] => [
  new Date(Date.UTC(year, 0, 15)),
  new Date(Date.UTC(year, 6, 15)),
];

export async function readZone(session: Session, wanted: string | null): Promise<ZoneFacts> {
  const year = new Date().getUTCFullYear();
  const [winter, summer] = momentsOf(year).map((at) => {
    const text = `'${at.toISOString().slice(0, 10)}'`;
    return `TIMESTAMPDIFF(MINUTE, ${text}, CONVERT_TZ(${text}, '+00:00', @@GLOBAL.time_zone))`;
  });
  const row = await session.row<{
    setting: string;
    system: string;
    winter: string | null;
    summer: string | null;
  }>(
    `SELECT @@GLOBAL.time_zone AS setting, @@GLOBAL.system_time_zone AS \`system\`, ${winter} AS winter, ${summer} AS summer`,
  );
  const known = row.winter !== null && row.summer !== null;
  return {
    setting: row.setting,
    system: row.system,
    offsets: known ? [Number(row.winter), Number(row.summer)] : null,
    wanted,
    year,
  };
}

const MEANING =
  'Nothing is read by it here: timestamp columns are read as UTC, which is how the server stores them, and datetime columns as they are written.';

export function judgeZone({ setting, system, offsets, wanted, year }: ZoneFacts): Finding {
  const named = setting === 'SYSTEM' ? `SYSTEM (${system})` : setting;
  const text = offsets === null ? named : `${named}: ${textOf(offsets)}`;
  const rest = { code: 'MYSQL_TIME_ZONE', subject: 'time_zone', found: text } as const;
  if (wanted === null) return { ...rest, level: 'info', why: MEANING, fix: null };
  const meant = momentsOf(year).map((at) => zoneOffset(wanted, at)) as [number, number];
  if (offsets?.every((minutes, index) => minutes === meant[index]))
    return { ...rest, level: 'ok', why: MEANING, fix: null };
  return {
    ...rest,
    level: 'warning',
    why: `The data source says ${wanted} (${textOf(meant)}). ${MEANING} But what the server itself writes into datetime columns (NOW(), CURRENT_TIMESTAMP) is another hour than whoever trusts the data source takes it for. Where the server is right, correct the timezone of the data source.`,
    fix: `SET GLOBAL time_zone = '${meant[0] === meant[1] ? offsetText(meant[0]) : wanted}';`,
  };
}

const textOf = ([winter, summer]: readonly [number, number]): string =>
  winter === summer ? offsetText(winter) : `${offsetText(winter)}, in July ${offsetText(summer)}`;

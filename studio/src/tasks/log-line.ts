export interface LogLine {
  readonly time: string | null;
  readonly level: number;
  readonly message: string;
  /** What else the line says, as `name=value`. */
  readonly rest: string;
}

/** What stands in every line and tells nothing here. */
const LEFT_OUT = new Set(['time', 'level', 'msg', 'pid', 'hostname', 'name']);

/** A JSON line of the log; what is none, such as the last words of a crash, is shown as it is. */
export function logLine(text: string): LogLine {
  try {
    const line = JSON.parse(text) as Record<string, unknown>;
    const rest = Object.entries(line)
      .filter(([name]) => !LEFT_OUT.has(name))
      .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`);
    const time = typeof line.time === 'number' || typeof line.time === 'string' ? new Date(line.time) : null;
    return {
      time: time === null || Number.isNaN(time.getTime()) ? null : time.toISOString(),
      level: typeof line.level === 'number' ? line.level : 30,
      message: String(line.msg ?? ''),
      rest: rest.join(' '),
    };
  } catch {
    return { time: null, level: 30, message: text, rest: '' };
  }
}

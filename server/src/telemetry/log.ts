import { type DestinationStream, destination, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Fields whose values are never written, wherever they stand in a logged object's first levels. */
const HIDDEN = ['password', 'secret', 'token', 'authorization', 'passphrase'];

/**
 * JSON lines on stderr: stdout is for what a command answers. `SLUICE_LOG_LEVEL` chooses the level (default info).
 */
export function openLog(name: string, to: DestinationStream = destination({ fd: 2, sync: true })): Logger {
  return pino(
    {
      name,
      level: process.env.SLUICE_LOG_LEVEL ?? 'info',
      redact: {
        paths: HIDDEN.flatMap((key) => [key, `*.${key}`, `*.*.${key}`, `*.*.*.${key}`]),
        censor: '***',
      },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    to,
  );
}

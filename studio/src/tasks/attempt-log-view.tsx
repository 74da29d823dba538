import { useQuery } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { ErrorNotice } from '../design/notice.tsx';
import { stamp, useZone } from '../format/time.tsx';
import { useQueryValue } from '../routing/location.tsx';
import { logLine } from './log-line.ts';

const LEVELS = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' } as const;

/** The end of an attempt's log; it grows while the attempt lives. */
export function AttemptLogView({ id, alive }: { id: number; alive: boolean }) {
  const zone = useZone();
  const [text, setText] = useQueryValue('log');
  const log = useQuery({
    queryKey: ['log', id],
    queryFn: ({ signal }) => call('attemptLog', { params: { id }, query: { tail: 500 }, signal }),
    refetchInterval: alive ? 2000 : false,
  });
  if (log.data === undefined) return <ErrorNotice error={log.error} />;
  const lines = log.data.lines
    .filter((line) => line.toLowerCase().includes(text.toLowerCase()))
    .map(logLine)
    .reverse();
  return (
    <>
      <div className="inside row apart">
        <input
          className="input narrow"
          type="search"
          placeholder="Find in the log"
          aria-label="Find in the log"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <span className="muted small">
          {log.data.truncated ? 'The last 500 lines, newest first' : 'All of it, newest first'}
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls is reached by the keyboard */}
      <ol className="log" tabIndex={0} aria-label="Log">
        {lines.map((line, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no name, and stand in the order of time
          <li key={at} className={line.level >= 50 ? 'bad-text' : ''}>
            <span className="faint">{line.time === null ? '' : stamp(line.time, zone).slice(11)}</span>
            <span className="muted">{LEVELS[line.level as keyof typeof LEVELS] ?? ''}</span>
            <span>
              {line.message} <span className="faint">{line.rest}</span>
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}

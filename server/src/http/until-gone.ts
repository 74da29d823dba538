import type { ServerResponse } from 'node:http';

/**
 * Aborts when whoever asked leaves before the answer is written, or the server ends. It takes its listener back from
 * `closing`, which lives as long as the server: what `AbortSignal.any` leaves there, a few bytes a request, stays for ever.
 */
export function untilGone(answer: ServerResponse, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const end = (): void => gone.abort(closing.reason);
  const leave = (): void => {
    release();
    gone.abort();
  };
  const release = (): void => {
    closing.removeEventListener('abort', end);
    answer.removeListener('close', leave);
  };
  if (closing.aborted) end();
  else if (answer.destroyed) gone.abort();
  else {
    closing.addEventListener('abort', end, { once: true });
    answer.once('finish', release).once('close', leave);
  }
  return gone.signal;
}

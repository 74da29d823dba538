import { API_PREFIX, readAnswer, SluiceError } from '@sluice/contract';
import { headersOf, unreachable } from './client.ts';
import type { Session } from './session.ts';

/**
 * The messages of a live feed of the server (server-sent events), until it ends, or the signal aborts.
 * @throws RemoteError, SluiceError SERVER_UNREACHABLE
 */
export type Feed = (path: string, signal: AbortSignal) => AsyncGenerator<unknown>;

/** A message comes every second; after so long without one the connection is taken for dead. */
const SILENCE_MS = 15_000;

export function createFeed(session: Session, silenceMs = SILENCE_MS): Feed {
  return async function* (path, signal) {
    const silent = new AbortController();
    let timer = setTimeout(() => silent.abort(), silenceMs);
    const either = AbortSignal.any([signal, silent.signal]);
    try {
      const response = await fetch(`${session.url}${API_PREFIX}${path}`, {
        headers: headersOf(session),
        signal: either,
      });
      // What is no stream is an answer that refuses.
      if (!response.ok || response.body === null) {
        readAnswer(response.status, await response.text(), session.url);
        return;
      }
      for await (const data of eventData(response.body)) {
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(), silenceMs);
        yield JSON.parse(data) as unknown;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (silent.signal.aborted)
        throw new SluiceError(
          'SERVER_UNREACHABLE',
          `The server at ${session.url} has said nothing for ${silenceMs / 1000} s.`,
        );
      throw error instanceof TypeError ? unreachable(session.url, error) : error;
    } finally {
      clearTimeout(timer);
    }
  };
}

/** The data of each server-sent event, as they arrive in pieces. */
async function* eventData(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of stream) {
    const events = (rest + decoder.decode(piece, { stream: true })).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      const lines = event.split('\n').filter((line) => line.startsWith('data:'));
      if (lines.length > 0) yield lines.map((line) => line.slice('data:'.length).trimStart()).join('\n');
    }
  }
}

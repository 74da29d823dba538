import { useEffect, useRef, useState } from 'react';
import { ApiError, send } from './calls.ts';
import { messages } from './event-stream.ts';

/** `cut`: the feed has broken off, and is being connected again. */
export interface Live {
  readonly heardAt: number | null;
  readonly cut: boolean;
  readonly error: ApiError | null;
}

/** A message comes every second; after so long without one the connection is taken for dead. */
const SILENCE_MS = 6000;
const AGAIN_MS = 1500;

/**
 * Hears a live feed while the page shows it. fetch instead of EventSource, which cannot send the token.
 * @param first whether this is the first message of a connection, which tells everything
 */
export function useLive<T>(path: string, onMessage: (message: T, first: boolean) => void): Live {
  const [live, setLive] = useState<Live>({ heardAt: null, cut: false, error: null });
  const hear = useRef(onMessage);
  hear.current = onMessage;
  useEffect(() => {
    const leaving = new AbortController();
    void listen(path, leaving.signal, {
      message: (text, first) => {
        hear.current(JSON.parse(text) as T, first);
        setLive({ heardAt: Date.now(), cut: false, error: null });
      },
      cut: (error) => setLive((before) => ({ ...before, cut: true, error })),
    });
    return () => leaving.abort();
  }, [path]);
  return live;
}

interface Listener {
  readonly message: (text: string, first: boolean) => void;
  readonly cut: (error: ApiError | null) => void;
}

async function listen(path: string, leaving: AbortSignal, listener: Listener): Promise<void> {
  while (!leaving.aborted) {
    const silent = new AbortController();
    let timer = setTimeout(() => silent.abort(), SILENCE_MS);
    let error: ApiError | null = null;
    try {
      const answer = await send('GET', path, { signal: AbortSignal.any([leaving, silent.signal]) });
      let first = true;
      for await (const text of messages(answer.body!)) {
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(), SILENCE_MS);
        listener.message(text, first);
        first = false;
      }
    } catch (thrown) {
      error = thrown instanceof ApiError ? thrown : null;
    } finally {
      clearTimeout(timer);
    }
    if (leaving.aborted) return;
    listener.cut(error);
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

import type { Session } from './connect.ts';

/** How long a short question may take: the catalog of many thousand tables included. */
const ANSWER_MS = 120_000;

/** A connection for short questions, opened again when it was lost; one question at a time. */
export class ShortQuestions implements AsyncDisposable {
  readonly #open: (signal: AbortSignal) => Promise<Session>;
  #session: Session | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(open: (signal: AbortSignal) => Promise<Session>) {
    this.#open = open;
  }

  async ask<T>(signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
    const mine = this.#turn.then(async () => {
      signal.throwIfAborted();
      const session = await this.#living(signal);
      const onAbort = (): void => session.destroy();
      signal.addEventListener('abort', onAbort);
      // A host that vanished while it owed us an answer would keep TCP trying for a quarter of an hour.
      const patience = setTimeout(onAbort, ANSWER_MS);
      try {
        return await work(session);
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        clearTimeout(patience);
        signal.removeEventListener('abort', onAbort);
      }
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #living(signal: AbortSignal): Promise<Session> {
    if (this.#session?.alive) return this.#session;
    this.#session?.destroy();
    this.#session = null;
    // The session outlives the question that opened it.
    const opening = new AbortController();
    const onAbort = (): void => opening.abort(signal.reason);
    signal.addEventListener('abort', onAbort);
    try {
      this.#session = await this.#open(opening.signal);
      return this.#session;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session?.[Symbol.asyncDispose]();
  }
}

import { setMaxListeners } from 'node:events';
import { SluiceError } from '@sluice/contract';
import type { Session } from './connect.ts';
import { LoadConnection } from './load-connection.ts';

/** Connections that read, opened when they are needed, so many at once and no more. */
export class ConnectionPool {
  readonly #open: (signal: AbortSignal) => Promise<Session>;
  readonly #free: LoadConnection[] = [];
  readonly #all = new Set<LoadConnection>();
  readonly #queue: (() => void)[] = [];
  readonly #closed = new AbortController();
  #places: number;

  constructor(places: number, open: (signal: AbortSignal) => Promise<Session>) {
    this.#places = places;
    this.#open = open;
    // Every connection that was ever opened listens; that many are no leak.
    setMaxListeners(0, this.#closed.signal);
  }

  async use<T>(signal: AbortSignal, work: (connection: LoadConnection) => Promise<T>): Promise<T> {
    const connection = await this.#take(signal);
    try {
      return await work(connection);
    } finally {
      this.#give(connection);
    }
  }

  close(): void {
    this.#closed.abort(new SluiceError('SOURCE_INTERRUPTED', 'the snapshot was closed'));
    for (const connection of this.#all) connection.close();
    this.#all.clear();
    this.#free.length = 0;
  }

  /** A free one, a new one, or the next that becomes free. */
  async #take(signal: AbortSignal): Promise<LoadConnection> {
    signal.throwIfAborted();
    if (this.#places === 0) {
      await new Promise<void>((resolve, reject) => {
        const turn = (): void => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        };
        const onAbort = (): void => {
          this.#queue.splice(this.#queue.indexOf(turn), 1);
          reject(signal.reason);
        };
        signal.addEventListener('abort', onAbort);
        this.#queue.push(turn);
      });
    } else this.#places--;
    try {
      for (let free = this.#free.pop(); free; free = this.#free.pop()) {
        if (free.usable) return free;
        this.#drop(free);
      }
      return await this.#new(signal);
    } catch (error) {
      this.#givePlace();
      throw error;
    }
  }

  async #new(signal: AbortSignal): Promise<LoadConnection> {
    this.#closed.signal.throwIfAborted();
    // The connection outlives this call, so the call's signal only holds while it is opened.
    const life = new AbortController();
    const onAbort = (): void => life.abort(signal.reason);
    const onClosed = (): void => life.abort(this.#closed.signal.reason);
    signal.addEventListener('abort', onAbort);
    this.#closed.signal.addEventListener('abort', onClosed);
    try {
      const connection = new LoadConnection(await this.#open(life.signal));
      this.#all.add(connection);
      return connection;
    } catch (error) {
      life.abort(error);
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#closed.signal.removeEventListener('abort', onClosed);
    }
  }

  #give(connection: LoadConnection): void {
    if (connection.usable && !this.#closed.signal.aborted) this.#free.push(connection);
    else this.#drop(connection);
    this.#givePlace();
  }

  #drop(connection: LoadConnection): void {
    connection.close();
    this.#all.delete(connection);
  }

  #givePlace(): void {
    const turn = this.#queue.shift();
    if (turn) turn();
    else this.#places++;
  }
}

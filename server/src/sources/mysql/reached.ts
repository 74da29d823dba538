import { comparePlaces, type FilePlace } from './log-place.ts';

interface Waiting {
  readonly place: FilePlace;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Those that wait until the reader has come to a place in the log, in the order of the places. */
export class Reached {
  #waiting: Waiting[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Rejects when the reader ends first, or with the signal's reason. */
  async wait(place: FilePlace, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    let onAbort = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        const one: Waiting = { place, resolve, reject };
        onAbort = () => {
          this.#waiting = this.#waiting.filter((other) => other !== one);
          reject(signal.reason);
        };
        signal.addEventListener('abort', onAbort);
        this.#waiting.push(one);
        this.#waiting.sort((a, b) => comparePlaces(a.place, b.place));
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** The sink has been told of all that lies before the place. */
  advance(place: FilePlace): void {
    while (this.#waiting.length > 0 && comparePlaces(this.#waiting[0]!.place, place) <= 0)
      this.#waiting.shift()!.resolve();
  }

  end(error: unknown): void {
    for (const one of this.#waiting.splice(0)) one.reject(error);
  }
}

/** Marks that come back when the reader is at their place or behind it. They outlive a connection. */
export class Marks {
  readonly #marks: { readonly place: FilePlace; readonly text: string }[] = [];

  add(text: string, place: FilePlace): void {
    this.#marks.push({ place, text });
    this.#marks.sort((a, b) => comparePlaces(a.place, b.place));
  }

  /** The text of the next one that lies before the place or at it, which is then gone. */
  takeDue(place: FilePlace): string | null {
    const [first] = this.#marks;
    if (first === undefined || comparePlaces(first.place, place) > 0) return null;
    this.#marks.shift();
    return first.text;
  }
}

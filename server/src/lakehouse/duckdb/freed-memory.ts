/** So much more than what was left the last time is worth the 10 to 60 ms that it takes. */
const WORTH_BYTES = 96 * 2 ** 20;

/**
 * When DuckDB is to give back what it has freed. Its allocator keeps that for ten seconds, and memory_limit does not
 * count it: a process whose DuckDB used 165 MiB, with a limit of 480, had 750.
 */
export class FreedMemory {
  readonly #rss: () => number;
  #left = 0;

  /** @param rss the process's resident memory, in bytes */
  constructor(rss: () => number = () => process.memoryUsage.rss()) {
    this.#rss = rss;
  }

  /** @param limitBytes what DuckDB may use; a smaller process gives nothing back */
  isDue(limitBytes: number): boolean {
    const rss = this.#rss();
    if (rss < this.#left) this.#left = rss;
    return rss > limitBytes && rss - this.#left > WORTH_BYTES;
  }

  wasGivenBack(): void {
    this.#left = this.#rss();
  }
}

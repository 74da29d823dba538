// Changes at a steady rate, and a marker behind each handful of them.
import { setTimeout as pause } from 'node:timers/promises';

const TICK_MS = 100;
/** Changes in one transaction: five inserts, three updates, two deletes of one table. */
export const IN_ONE = 10;

export class SteadyLoad {
  #stop = false;
  #work;
  changes = 0;
  #begun = performance.now();
  /** Of the ticks' own work at the source, ms. */
  ticks = [];

  /**
   * @param {{ change: (transactions: number) => Promise<void>, mark: (number: number) => Promise<void> }} source
   * @param {number} rate changes a second
   */
  constructor(source, rate, probe, firstMarker) {
    this.#work = this.#run(source, rate, probe, firstMarker);
    this.#work.catch(() => {});
  }

  async #run(source, rate, probe, firstMarker) {
    for (let marker = firstMarker; !this.#stop; marker++) {
      const began = performance.now();
      const due = Math.floor((((began - this.#begun) / 1000) * rate) / IN_ONE) - this.changes / IN_ONE;
      // After a hold-up it is made up for, but not in one go.
      const transactions = Math.min(due, (3 * rate * TICK_MS) / 1000 / IN_ONE);
      if (transactions > 0) await source.change(transactions);
      this.changes += Math.max(0, transactions) * IN_ONE;
      const sentAt = Date.now();
      await source.mark(marker);
      probe.sent(marker, sentAt);
      const took = performance.now() - began;
      this.ticks.push(took);
      await pause(Math.max(1, TICK_MS - took));
    }
  }

  /** Changes a second, so far. @throws what ended it */
  get rate() {
    return this.changes / ((performance.now() - this.#begun) / 1000);
  }

  async stop() {
    this.#stop = true;
    await this.#work;
    return this.rate;
  }
}

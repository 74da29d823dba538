import type { Control } from '../control/context.ts';
import { Evaluation, interestOf } from './evaluation.ts';
import { flushNotices } from './grouping.ts';
import { Observer } from './observe.ts';
import { deliver, type Send } from './outbox.ts';
import { send } from './send.ts';

const EVERY_MS = 5000;
const KEPT_MS = 30 * 86_400_000;
const TIDY_EVERY_MS = 3_600_000;

export interface WatchOptions {
  readonly everyMs?: number;
  readonly now?: () => number;
  readonly send?: Send;
}

/** Watches tasks and tells people. Ends with `close`; a look that fails is made again. */
export class Watch {
  readonly #control: Pick<Control, 'db' | 'sealer' | 'log'>;
  readonly #observer: Observer;
  readonly #evaluation: Evaluation;
  readonly #now: () => number;
  readonly #send: Send;
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #sending: Promise<void> | null = null;
  #tidiedAt = 0;

  constructor(control: Control, options: WatchOptions = {}) {
    this.#control = control;
    this.#now = options.now ?? Date.now;
    this.#send = options.send ?? send;
    this.#observer = new Observer(control.db, control.supervisor.pulses);
    this.#evaluation = new Evaluation(control.db);
  }

  start(everyMs: number = EVERY_MS): void {
    this.#timer = setInterval(() => {
      this.#looking ??= this.look()
        .catch((error: unknown) => this.#control.log.error({ err: error }, 'watching for alerts'))
        .finally(() => {
          this.#looking = null;
        });
      // A service that is slow to answer holds up no look.
      this.#sending ??= this.deliver()
        .catch((error: unknown) => this.#control.log.error({ err: error }, 'sending alerts'))
        .finally(() => {
          this.#sending = null;
        });
    }, everyMs);
    this.#timer.unref();
  }

  async look(): Promise<void> {
    const now = this.#now();
    const rules = await this.#evaluation.rules();
    if (rules.length > 0) {
      const tasks = await this.#observer.observe(now, interestOf(rules));
      await this.#evaluation.run(rules, tasks, now);
    }
    await flushNotices(this.#control.db, now);
    if (now - this.#tidiedAt < TIDY_EVERY_MS) return;
    this.#tidiedAt = now;
    await this.#tidy(now - KEPT_MS);
  }

  /** Until nothing is left that can be sent now. */
  async deliver(): Promise<void> {
    const { db, sealer } = this.#control;
    while (await deliver(db, sealer, this.#send, this.#now, this.#closing.signal));
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#closing.abort(new Error('the server is shutting down'));
    await Promise.allSettled([this.#looking, this.#sending]);
  }

  async #tidy(before: number): Promise<void> {
    const { db } = this.#control;
    await db.deleteFrom('alerts').where('cleared_at', '<', before).execute();
    await db
      .deleteFrom('alert_deliveries')
      .where('state', '!=', 'waiting')
      .where('created_at', '<', before)
      .execute();
  }
}

// From a marker's commit at the source until a reader that shares no code with us finds it in the lake.
import { fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./probe-child.mjs', import.meta.url));

export class Probe {
  /** Markers that no reader has seen: number and when its commit was sent, the oldest first. */
  #waiting = [];
  #seen = [];
  #upTo = -1;

  /** @param {{ url: string, token: string, column: string, above: string }} what `above`: a folder above the warehouse */
  constructor({ url, token, column, above }) {
    this.child = fork(CHILD, [url, token, column], {
      cwd: above,
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#hear(JSON.parse(line)));
  }

  #hear({ upTo, at }) {
    this.#upTo = upTo;
    while (this.#waiting.length > 0 && this.#waiting[0].number <= upTo) {
      const marker = this.#waiting.shift();
      this.#seen.push({ sentAt: marker.sentAt, seenAt: at, ms: at - marker.sentAt });
    }
  }

  sent(number, sentAt) {
    this.#waiting.push({ number, sentAt });
  }

  get upTo() {
    return this.#upTo;
  }

  /** When the oldest marker was sent that is not visible yet; null: all are. */
  get oldestWaiting() {
    return this.#waiting[0]?.sentAt ?? null;
  }

  /** What became visible since it was asked last. */
  take() {
    return this.#seen.splice(0);
  }

  async stop() {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
  }
}

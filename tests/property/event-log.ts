import { appendFileSync } from 'node:fs';

/** What happened and when: what the seed does not decide. Printed when a test fails; SLUICE_TEST_LOG names a file to write it to at once. */
export class EventLog {
  readonly #lines: string[] = [];
  readonly #begun = performance.now();

  add(text: string): void {
    const line = text.length > 400 ? `${text.slice(0, 400)}…` : text;
    this.#lines.push(`${((performance.now() - this.#begun) / 1000).toFixed(3)} ${line}`);
    if (process.env.SLUICE_TEST_LOG !== undefined)
      appendFileSync(process.env.SLUICE_TEST_LOG, `${this.#lines.at(-1)}\n`);
  }

  /** The last `lines` of it. */
  text(lines = 400): string {
    return this.#lines.slice(-lines).join('\n');
  }
}

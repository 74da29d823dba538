import { SluiceError } from '@sluice/contract';
import { usage } from './arguments.ts';
import type { Terminal } from './command.ts';

/** One thing that has to be known. Every question has its flag, and is asked only where the flag is not given. */
export interface Question {
  readonly flag: string;
  readonly given: string | undefined;
  readonly text: string;
  /** What Enter means. */
  readonly otherwise?: string;
  readonly choices?: readonly string[];
  readonly hidden?: boolean;
}

const TRIES = 5;

/** Asks a person at a terminal; without one, or where all is agreed to beforehand, what is not known is what it mostly is. */
export class Interview {
  readonly #terminal: Terminal;
  readonly asks: boolean;
  readonly #quick: boolean;

  constructor(terminal: Terminal, quick: boolean) {
    this.#terminal = terminal;
    this.asks = terminal.stdinIsTerminal && terminal.stderrIsTerminal;
    this.#quick = quick;
  }

  /** @throws SluiceError USAGE where nobody can be asked, or what was given is none of the choices */
  async know({ flag, given, text, otherwise, choices, hidden = false }: Question): Promise<string> {
    const fits = (value: string): boolean => choices === undefined || choices.includes(value);
    if (given !== undefined) {
      if (fits(given)) return given;
      throw usage(`${flag} cannot be ${JSON.stringify(given)}: it is one of ${choices?.join(', ')}.`);
    }
    if (otherwise !== undefined && (this.#quick || !this.asks)) return otherwise;
    if (!this.asks)
      throw usage(`${flag} is needed: ${text}`, `Give ${flag}, or run sluice setup at a terminal.`);
    const among = choices === undefined ? '' : ` (${choices.join(', ')})`;
    const shown = `${text}${among}${otherwise === undefined ? '' : ` [${otherwise}]`}: `;
    for (let tries = 0; tries < TRIES; tries++) {
      const answer = (await this.#terminal.line(shown, hidden)).trim();
      const value = answer === '' ? (otherwise ?? '') : answer;
      if (value !== '' && fits(value)) return value;
      this.#terminal.note(
        choices === undefined ? 'Something has to be said here.\n' : `One of ${choices.join(', ')}.\n`,
      );
    }
    throw new SluiceError('USAGE', `${text}: there was no answer to that.`);
  }

  /** Yes without asking, where that was agreed to; no, where nobody is there to ask. */
  async agreed(question: string): Promise<boolean> {
    return this.#quick || (this.asks && (await this.#terminal.ask(question)));
  }

  /** For a person who can do something about it meanwhile. */
  async again(question: string): Promise<boolean> {
    return this.asks && (await this.#terminal.ask(question));
  }

  tell(text: string): void {
    if (this.asks) this.#terminal.note(text);
  }
}

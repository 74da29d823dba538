import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { RemoteError, SluiceError } from '@sluice/contract';

const VALID_MS = 15 * 60_000;

export interface ConfirmationNeeded {
  readonly confirmationRequired: true;
  readonly consequences: string;
  readonly confirmation: string;
  readonly next: string;
}

/**
 * Values that agree to what a tool would do. One is good for the tool, the arguments and the consequences that it was
 * given for, for a quarter of an hour: where these have changed meanwhile, the new ones are told. Nothing is kept, so
 * that a server may answer each request with another instance of itself.
 */
export class Confirmations {
  readonly #key = randomBytes(32);
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * Runs what asks first: `request(false)` refuses with CONFIRMATION_REQUIRED and its consequences, or does what needs
   * no agreement.
   */
  async through(
    tool: string,
    args: Readonly<Record<string, unknown>>,
    given: string | undefined,
    request: (confirm: boolean) => Promise<unknown>,
  ): Promise<unknown> {
    let consequences: string;
    try {
      return await request(false);
    } catch (error) {
      const asked = consequencesOf(error);
      if (asked === null) throw error;
      consequences = asked;
    }
    const what = JSON.stringify([tool, sorted(args), consequences]);
    if (given !== undefined && this.#agrees(given, what)) return request(true);
    const needed: ConfirmationNeeded = {
      confirmationRequired: true,
      consequences,
      confirmation: this.#issue(what),
      next:
        given === undefined
          ? 'Nothing was done. Show the consequences to the person; where they agree, call again with the same arguments and this confirmation.'
          : 'Nothing was done: the confirmation is too old, or of other arguments or other consequences than those of now. Show these, and call again with this one.',
    };
    return needed;
  }

  #issue(what: string): string {
    const at = this.#now().toString(36);
    return `${at}.${this.#mac(at, what)}`;
  }

  #agrees(given: string, what: string): boolean {
    const [at = '', mac = ''] = given.split('.');
    const age = this.#now() - Number.parseInt(at, 36);
    if (!(age >= 0 && age < VALID_MS)) return false;
    const [expected, found] = [Buffer.from(this.#mac(at, what)), Buffer.from(mac)];
    return expected.length === found.length && timingSafeEqual(expected, found);
  }

  #mac(at: string, what: string): string {
    return createHmac('sha256', this.#key).update(`${at}\n${what}`).digest('base64url').slice(0, 22);
  }
}

function consequencesOf(error: unknown): string | null {
  if (error instanceof RemoteError && error.body.error.code === 'CONFIRMATION_REQUIRED') return error.message;
  return error instanceof SluiceError && error.code === 'CONFIRMATION_REQUIRED' ? error.message : null;
}

/** The order in which a caller wrote its arguments means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, one]) => [name, sorted(one)]),
  );
}

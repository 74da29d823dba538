import { Client } from '@modelcontextprotocol/client';

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

interface Agreement {
  readonly confirmationRequired: true;
  readonly consequences: string;
  readonly confirmation: string;
}

/** The official client, as an agent uses it; it remembers which tools were called with success. */
export class Agent implements AsyncDisposable {
  readonly client: Client;
  readonly called = new Set<string>();

  constructor(mode: 'legacy' | 'auto') {
    this.client = new Client({ name: 'test-agent', version: '1.0.0' }, { versionNegotiation: { mode } });
  }

  async #content(name: string, args: Readonly<Record<string, unknown>>) {
    const { structuredContent, content, isError } = await this.client.callTool({ name, arguments: args });
    const first = content[0];
    // A client that knows no structured content reads the same.
    if (first?.type !== 'text') throw new Error(`${name} answered no text`);
    let text: unknown;
    try {
      text = JSON.parse(first.text);
    } catch {
      throw new Error(`${name}: ${first.text}`);
    }
    if (JSON.stringify(text) !== JSON.stringify(structuredContent))
      throw new Error(`${name} answers one thing as text and another as an object`);
    return { isError: isError === true, text };
  }

  async call<T>(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const { isError, text } = await this.#content(name, args);
    if (isError) throw new Error(`${name} was refused: ${JSON.stringify(text)}`);
    this.called.add(name);
    return (text as { data: T }).data;
  }

  async refused(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<Refusal> {
    const { isError, text } = await this.#content(name, args);
    if (!isError) throw new Error(`${name} was not refused: ${JSON.stringify(text)}`);
    return (text as { error: Refusal }).error;
  }

  /** Asks first, sees what it would do, and agrees. */
  async agree<T>(name: string, args: Readonly<Record<string, unknown>>, consequences: RegExp): Promise<T> {
    const asked = await this.call<Agreement>(name, args);
    if (asked.confirmationRequired !== true || !consequences.test(asked.consequences))
      throw new Error(`${name} did not ask as it should: ${JSON.stringify(asked)}`);
    const done = await this.call<T & Partial<Agreement>>(name, { ...args, confirmation: asked.confirmation });
    if (done?.confirmationRequired === true) throw new Error(`${name} asked again: ${JSON.stringify(done)}`);
    return done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { ContentFile } from '../data-file.ts';
import type { Rewrite } from './compaction.ts';

/** What the process is asked, one rewrite at a time. */
export type Asked = { readonly kind: 'rewrite'; readonly rewrite: Rewrite } | { readonly kind: 'give-up' };

export type Answer =
  | { readonly kind: 'done'; readonly output: ContentFile | null }
  | { readonly kind: 'failed'; readonly message: string };

export interface CompactorOptions {
  /** The built compactor.ts. */
  readonly script: string;
  /** Of its DuckDB. */
  readonly memoryBytes: number;
  readonly tempFolder: string;
  /** IDLE_MS, but for tests. */
  readonly idleMs?: number;
}

/** It ends when it had nothing to do for so long: a run at rest is one process. */
const IDLE_MS = 60_000;
/** A rewrite that is given up takes its file back first; one that does not end is killed, and leaves it to the orphans' clean-up. */
const GRACE_MS = 5000;

/**
 * Has files rewritten in a process of its own, of low priority: on a machine of few processors a rewrite takes a second of
 * one from the commits beside it, and none of them has to wait for it.
 */
export class CompactorProcess {
  readonly #options: CompactorOptions;
  #child: ChildProcess | null = null;
  #idle: NodeJS.Timeout | null = null;
  /** One at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  /** null: there is none now. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** A Rewriter. @throws Error where the process failed or ended; the signal's reason */
  rewrite(rewrite: Rewrite, signal?: AbortSignal): Promise<ContentFile | null> {
    const result = this.#last.then(() => this.#rewrite(rewrite, signal));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #rewrite(rewrite: Rewrite, signal?: AbortSignal): Promise<ContentFile | null> {
    signal?.throwIfAborted();
    if (this.#idle !== null) clearTimeout(this.#idle);
    const child = this.#running();
    child.ref();
    child.channel?.ref();
    let grace: NodeJS.Timeout | undefined;
    const giveUp = (): void => {
      say(child, { kind: 'give-up' });
      grace = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      const answer = this.#answer(child);
      say(child, { kind: 'rewrite', rewrite });
      const said = await answer;
      if (said.kind === 'done') return said.output;
      signal?.throwIfAborted();
      throw new Error(said.message);
    } finally {
      clearTimeout(grace);
      signal?.removeEventListener('abort', giveUp);
      // One that has nothing to do keeps nobody.
      child.unref();
      child.channel?.unref();
      this.#idle = setTimeout(() => void this.close(), this.#options.idleMs ?? IDLE_MS).unref();
    }
  }

  #answer(child: ChildProcess): Promise<Answer> {
    return new Promise((resolve) => {
      const hear = (message: unknown): void => end(message as Answer);
      const leave = (code: number | null, signal: NodeJS.Signals | null): void =>
        end({ kind: 'failed', message: `the compactor ended with ${signal ?? `exit code ${code}`}` });
      const fail = (error: Error): void => end({ kind: 'failed', message: error.message });
      const end = (answer: Answer): void => {
        child.off('message', hear).off('exit', leave).off('error', fail);
        resolve(answer);
      };
      child.on('message', hear).on('exit', leave).on('error', fail);
    });
  }

  #running(): ChildProcess {
    if (this.#child !== null) return this.#child;
    const { script, memoryBytes, tempFolder } = this.#options;
    const { SLUICE_TOKEN: _, ...env } = process.env;
    const child = fork(script, ['--memory', String(memoryBytes), '--temp', tempFolder], {
      execArgv: ['--max-old-space-size=128'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // Of numbers of 64 bits, maps and bytes.
      serialization: 'advanced',
      env: { ...env, UV_THREADPOOL_SIZE: '2' },
    });
    const gone = (): void => {
      if (this.#child === child) this.#child = null;
    };
    // One that could not be started has no exit. Other errors of a process are followed by its end, or by an answer.
    child.on('error', () => {
      if (child.pid === undefined) gone();
    });
    child.on('exit', gone);
    this.#child = child;
    return child;
  }

  /** Whatever it is at comes to nothing. */
  async close(): Promise<void> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

function say(child: ChildProcess, asked: Asked): void {
  // A process that is gone says so by its end.
  if (child.connected) child.send(asked, () => {});
}

import type { Call } from '@sluice/contract';
import { type Command, Option } from 'commander';
import { createCall } from './client.ts';
import { createFeed, type Feed } from './feed.ts';
import { type Answer, type Format, present } from './present.ts';
import { openSession } from './session.ts';

/** Where a command reads and writes; a test gives its own. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  readonly stdinIsTerminal: boolean;
  write(text: string): void;
  /** For people, beside the answer. */
  note(text: string): void;
  readStdin(): Promise<string>;
  ask(question: string): Promise<boolean>;
  /** A line that somebody types; `hidden`: without showing it. */
  line(question: string, hidden: boolean): Promise<string>;
  /** From here on an interrupt (Ctrl-C) aborts the signal instead of ending the process. */
  interrupted(): AbortSignal;
}

/** The options that every command takes. */
export interface CommonOptions {
  readonly format?: Format;
  readonly dataDir?: string;
  readonly url?: string;
}

export interface Invocation<O> {
  readonly call: Call;
  readonly feed: Feed;
  readonly args: readonly string[];
  readonly options: O & CommonOptions;
  readonly terminal: Terminal;
}

/** One leaf of the command line: declares its options on `command`, and answers. */
export interface Leaf<O> {
  /** As commander takes it: `describe <name> <catalog>`. */
  readonly usage: string;
  readonly summary: string;
  readonly options?: (command: Command) => Command;
  /** null: it has written whatever there was to write. */
  readonly run: (invocation: Invocation<O>) => Promise<Answer | null>;
}

export function addLeaf<O>(parent: Command, terminal: Terminal, leaf: Leaf<O>): void {
  const command = parent.command(leaf.usage).description(leaf.summary);
  leaf.options?.(command);
  addCommonOptions(command);
  command.action(async () => {
    const options = command.opts() as O & CommonOptions;
    const session = await openSession(options, terminal.env);
    const call = createCall(session);
    const feed = createFeed(session);
    // An optional argument that was left out is undefined in commander's list.
    const args = command.processedArgs.map((value: unknown) => (value === undefined ? '' : String(value)));
    const answer = await leaf.run({ call, feed, args, options, terminal });
    if (answer === null) return;
    if (answer.file !== undefined && options.format === undefined) return terminal.write(answer.file);
    terminal.write(present(answer, formatOf(options.format, terminal.stdoutIsTerminal)));
  });
}

export function addCommonOptions(command: Command): void {
  command
    .addOption(new Option('--format <format>', 'of the answer').choices(['json', 'table']))
    .option('--data-dir <folder>', 'data folder of the server on this machine (SLUICE_DATA_DIR)')
    .option('--url <url>', 'address of the server (SLUICE_URL)');
}

export function formatOf(option: Format | undefined, isTerminal: boolean): Format {
  return option ?? (isTerminal ? 'table' : 'json');
}

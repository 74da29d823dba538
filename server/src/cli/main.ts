import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { SluiceError } from '@sluice/contract';
import type { Terminal } from './command.ts';
import { runCommandLine } from './program.ts';

const terminal: Terminal = {
  env: process.env,
  stdoutIsTerminal: process.stdout.isTTY === true,
  stderrIsTerminal: process.stderr.isTTY === true,
  stdinIsTerminal: process.stdin.isTTY === true,
  write: (text) => process.stdout.write(text),
  note: (text) => process.stderr.write(text),
  readStdin: async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
    return Buffer.concat(chunks).toString('utf8');
  },
  ask: async (question) => {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
    } finally {
      lines.close();
    }
  },
  line: async (question, hidden) => {
    // What is typed is echoed by readline, not by the terminal: nowhere, if it is a secret.
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({
      input: process.stdin,
      output: hidden ? nowhere : process.stderr,
      terminal: true,
    });
    try {
      if (hidden) process.stderr.write(question);
      lines.once('SIGINT', () => process.exit(130));
      return await new Promise((resolve, reject) => {
        lines.once('close', () => reject(new SluiceError('USAGE', 'There was no answer.')));
        lines.question(question).then(resolve, reject);
      });
    } finally {
      if (hidden) process.stderr.write('\n');
      lines.close();
    }
  },
  interrupted: () => {
    const interrupt = new AbortController();
    process.once('SIGINT', () => interrupt.abort());
    return interrupt.signal;
  },
};

// `sluice … | head` closes our output early: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

// Not process.exit(): a pipe may still hold part of the answer.
process.exitCode = await runCommandLine(process.argv.slice(2), terminal);

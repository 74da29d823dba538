import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parseArgs } from 'node:util';
import { Engine } from '../duckdb/engine.ts';
import { fileStorage } from '../file-storage.ts';
import { rewriterOf } from './compaction.ts';
import type { Answer, Asked } from './compactor-process.ts';

/**
 * The process that rewrites large files for a runner: `compactor.js --memory BYTES --temp FOLDER`, forked by
 * compactor-process.ts. The system gives it the processor time that nobody else wants.
 */
const { values } = parseArgs({
  options: { memory: { type: 'string' }, temp: { type: 'string' } },
  strict: true,
});

/** Of -20 to 19; at this one a process that competes with one of the usual priority gets a tenth of a processor. */
const PRIORITY = 10;

/** Linux keeps a priority for each thread; those that begin later have that of the thread which begins them. */
function stepBack(): void {
  for (const thread of process.platform === 'linux' ? readdirSync('/proc/self/task') : [process.pid])
    setPriority(Number(thread), PRIORITY);
}

// A native statement under way would hold up an orderly end, and nobody waits for what it makes.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// Ctrl-C goes to the whole group; the runner ends this process itself.
process.on('SIGINT', () => {});

stepBack();
const storage = fileStorage();
const engine = await Engine.open({
  threads: 1,
  memoryBytes: Number(values.memory),
  tempFolder: values.temp ?? '',
  maxTempBytes: 64 * 2 ** 30,
});
const connection = await engine.connect();
const rewrite = rewriterOf(connection, storage);
let stop = new AbortController();

process.on('message', (message) => {
  const asked = message as Asked;
  if (asked.kind === 'give-up') {
    stop.abort(new Error('given up'));
    return;
  }
  stop = new AbortController();
  rewrite(asked.rewrite, stop.signal).then(
    (output) => answer({ kind: 'done', output }),
    (error: unknown) =>
      answer({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});

function answer(said: Answer): void {
  if (process.connected) process.send?.(said);
}

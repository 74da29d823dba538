import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type TableToVerify, verifyTable } from './verify-table.ts';

// Fakes, since no metastore fails at a moment of one's choice. A rejection that nobody handles fails the test run.
it('says why it ended when the arrivals cannot be read while the sides are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-verify-'));
  const table = {
    source: {
      head: async () => 'here',
      snapshot: async () => ({ plan: async () => [], [Symbol.asyncDispose]: async () => undefined }),
    },
    schema: { columns: [] },
    digests: { addLake: async () => undefined },
    lakeBehind: () => pause(100),
    arrivals: {
      newest: async () => {
        throw new Error('the metastore is busy');
      },
    },
    folder,
    chunkBytes: 1,
    chunksAtOnce: 1,
    now: () => performance.now(),
  } as unknown as TableToVerify<unknown>;
  await expect(verifyTable(table, new AbortController().signal)).rejects.toThrow('the metastore is busy');
  await rm(folder, { recursive: true, force: true });
});

import { expect, it } from 'vitest';
import { DeferredStorage } from './deferred-storage.ts';
import { writeMetadata } from './metadata-file.ts';
import type { Storage } from './storage.ts';
import { createTable } from './table-metadata.ts';
import { memoryStorage } from './test-files.ts';

/** In memory, and telling what was made durable when. */
function watched() {
  const durable: string[] = [];
  const read: string[] = [];
  const memory = memoryStorage();
  const storage: Storage = {
    ...memory,
    create: () => expect.unreachable('each file would wait for the disk by itself'),
    sync: async (locations) => {
      durable.push(...locations);
    },
    read: (location) => {
      read.push(location);
      return memory.read(location);
    },
  };
  return { storage, durable, read };
}

it('makes all files of a step durable at once, when it is settled, and each once', async () => {
  const { storage, durable } = watched();
  const step = new DeferredStorage(storage);
  await step.create('file:///w/a', Buffer.from('a'));
  await step.sync(['file:///w/data']);
  await step.create('file:///w/b', Buffer.from('b'));
  expect(String(await step.read('file:///w/a'))).toBe('a');
  expect(durable).toEqual([]);
  await step.settle();
  expect(durable).toEqual(['file:///w/a', 'file:///w/data', 'file:///w/b']);
  await step.settle();
  expect(durable).toHaveLength(3);
});

it('leaves out what it has removed', async () => {
  const { storage, durable } = watched();
  const step = new DeferredStorage(storage);
  await step.create('file:///w/a', Buffer.from('a'));
  await step.create('file:///w/b', Buffer.from('b'));
  await step.remove(['file:///w/a']);
  await step.settle();
  expect(durable).toEqual(['file:///w/b']);
});

it('does not settle what did not become durable', async () => {
  const { storage } = watched();
  const failing = { ...storage, sync: () => Promise.reject(new Error('the disk is full')) };
  const step = new DeferredStorage(failing);
  await step.create('file:///w/a', Buffer.from('a'));
  await expect(step.settle()).rejects.toThrow('the disk is full');
});

it('shares what is remembered of files with the storage that they are in', async () => {
  const { storage, read } = watched();
  const table = createTable({
    location: 'file:///w/t',
    columns: [],
    identifier: [],
    properties: {},
    nowMs: 1,
  });
  const first = await writeMetadata(new DeferredStorage(storage), table, null);
  const next = await writeMetadata(new DeferredStorage(storage), first.metadata, first.location);
  expect(next.metadata['metadata-log'].map((entry) => entry['metadata-file'])).toEqual([first.location]);
  expect(read).toEqual([]);
});

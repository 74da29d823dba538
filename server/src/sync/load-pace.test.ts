import { describe, expect, it } from 'vitest';
import { LoadPaces } from './load-pace.ts';

describe('the pace of a load', () => {
  it('is not known before a chunk is there, and slows while none comes', () => {
    const paces = new LoadPaces();
    paces.begun(1, 0);
    expect(paces.paces(4000)).toEqual([]);
    paces.chunkLoaded(1, 1000, 4000);
    expect(paces.paces(5000)).toEqual([{ laneId: 1, rowsPerSecond: 200, chunksPerSecond: 0.2 }]);
    expect(paces.paces(10_000)).toEqual([{ laneId: 1, rowsPerSecond: 100, chunksPerSecond: 0.1 }]);
    paces.ended(1);
    expect(paces.paces(10_000)).toEqual([]);
  });

  it('is that of the last chunks', () => {
    const paces = new LoadPaces();
    paces.begun(1, 0);
    // Ten seconds a chunk, then one second a chunk: after twenty of these nothing is left of the slow ones.
    for (let n = 1; n <= 5; n++) paces.chunkLoaded(1, 10, n * 10_000);
    for (let n = 1; n <= 20; n++) paces.chunkLoaded(1, 10, 50_000 + n * 1000);
    expect(paces.paces(70_000)).toEqual([{ laneId: 1, rowsPerSecond: 10, chunksPerSecond: 1 }]);
  });

  it('begins anew with a load, and knows nothing of one that it did not see begin', () => {
    const paces = new LoadPaces();
    paces.begun(1, 0);
    paces.chunkLoaded(1, 1000, 1000);
    paces.begun(1, 2000);
    paces.chunkLoaded(2, 1000, 2000);
    expect(paces.paces(3000)).toEqual([]);
  });
});

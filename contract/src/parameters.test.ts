import { describe, expect, it } from 'vitest';
import { SluiceError } from './errors.ts';
import { PARAMETERS, parseBytes, parseDuration, parseParameters } from './parameters.ts';

const refusal = (set: Record<string, string>): SluiceError => {
  try {
    parseParameters(set);
  } catch (error) {
    if (error instanceof SluiceError) return error;
  }
  throw new Error('was not refused');
};

describe('parseParameters', () => {
  it('gives every parameter its default', () => {
    expect(parseParameters({})).toEqual({
      commitInterval: 2500,
      fullLoadConcurrency: 2,
      chunkSize: 64 * 1024 * 1024,
      targetFileSize: 33_554_432,
      maxKeySize: 128,
      runnerMemory: 1024,
      schemaEvolution: 'follow',
      pauseRetention: 604_800_000,
      pauseRetentionSize: 10_737_418_240,
      publication: null,
      infiniteDates: 'null',
      zeroDates: 'null',
      tinyint1: 'boolean',
      time: 'time',
      unloggedCascades: 'follow',
      outOfRange: 'error',
      heartbeatInterval: 10_000,
      discoverInterval: 5000,
      failoverLimit: 10,
      failoverWindow: 600_000,
      verifyInterval: null,
    });
  });

  it('takes what is set', () => {
    const values = parseParameters({ commit_interval: '500ms', chunk_size: '1 GB', publication: 'häuser' });
    expect(values.commitInterval).toBe(500);
    expect(values.chunkSize).toBe(1 << 30);
    expect(values.publication).toBe('häuser');
  });

  it('refuses values out of bounds, naming the parameter and what is allowed', () => {
    for (const [name, text] of [
      ['commit_interval', '3'],
      ['commit_interval', '99ms'],
      ['commit_interval', '2h'],
      ['full_load_concurrency', '0'],
      ['full_load_concurrency', '1.5'],
      ['chunk_size', '64TB'],
      ['runner_memory', '-1'],
      ['publication', ''],
      ['publication', 'ü'.repeat(32)],
      ['infinite_dates', 'NULL '],
      ['failover_limit', 'many'],
    ] as const) {
      const error = refusal({ [name]: text });
      expect(error.code).toBe('INVALID_REQUEST');
      expect(error.message).toContain(name);
      expect(error.message).toContain(PARAMETERS[name].bounds);
    }
  });

  it('refuses names that do not exist, those of Object.prototype too', () => {
    expect(refusal({ comit_interval: '3s' }).message).toContain('comit_interval');
    expect(refusal({ constructor: '3s' }).code).toBe('INVALID_REQUEST');
  });
});

describe('units', () => {
  it('reads durations as whole milliseconds', () => {
    expect(['500ms', '3s', '1m', '1.5h', '7d'].map(parseDuration)).toEqual([
      500, 3000, 60_000, 5_400_000, 604_800_000,
    ]);
    expect(['', '3', 's', '0.5ms', '-1s', '1e3s', '1w'].map(parseDuration)).toEqual(Array(7).fill(undefined));
  });
  it('reads bytes in powers of 1024', () => {
    expect(['1', '1B', '2kb', '64MB', '1 GB'].map(parseBytes)).toEqual([
      1, 1, 2048, 67_108_864, 1_073_741_824,
    ]);
    expect(['', 'MB', '1.5MB', '0x10'].map(parseBytes)).toEqual(Array(4).fill(undefined));
  });
});

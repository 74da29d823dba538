import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    alias: { '@sluice/contract': fileURLToPath(new URL('./contract/src/index.ts', import.meta.url)) },
  },
  test: {
    include: ['{contract,server,studio}/src/**/*.test.ts', 'demo/*.test.ts', 'tests/**/*.test.ts'],
    // Native modules (DuckDB, libsql, chDB) and child processes: a process a file, never a thread.
    pool: 'forks',
    maxWorkers: 2,
    setupFiles: ['tests/support/seed.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    teardownTimeout: 60_000,
  },
});

// npm test [-- arguments of vitest]: set-up, lint and format, types, then every test. The last line is the sum.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  build,
  buildStudio,
  installBrowser,
  installDependencies,
  installLibraries,
  requireNode,
  tool,
} from './setup.mjs';

requireNode();
await installDependencies();
await installLibraries();
await installBrowser();

const sum = { passed: 0, failed: 0, skipped: 0 };

/** @param {string} name @param {Promise<number>} work */
async function check(name, work) {
  const good = (await work) === 0;
  if (good) sum.passed++;
  else sum.failed++;
  process.stdout.write(`${good ? '✓' : '✗'} ${name}\n`);
}

await check('lint and format', tool('@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']));
await check('types', build());
await check('Studio', buildStudio());

const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
const report = join(folder, 'report.json');
const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const code = await tool('vitest/vitest.mjs', [...args, ...process.argv.slice(2)]);
count(code);
rmSync(folder, { recursive: true, force: true });

const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : '';
process.stdout.write(`\n${sum.passed} passed, ${sum.failed} failed${skipped}\n`);
process.exitCode = sum.failed > 0 ? 1 : 0;

/** Adds what vitest reports; whatever went wrong without being counted as a test counts as one that failed. */
function count(code) {
  const before = sum.failed;
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    sum.passed += result.numPassedTests;
    sum.failed += result.numFailedTests;
    sum.skipped += result.numPendingTests + result.numTodoTests;
    for (const file of result.testResults) {
      // A file that could not be loaded, or whose hooks failed, has no failed test of its own.
      const counted = file.assertionResults.some((test) => test.status === 'failed');
      if (file.status === 'failed' && !counted) sum.failed++;
    }
  } catch (error) {
    process.stderr.write(`vitest left no report: ${error.message}\n`);
  }
  if (code !== 0 && sum.failed === before) sum.failed++;
}

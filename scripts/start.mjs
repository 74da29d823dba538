// npm start [-- options]: set-up, then the demo. `npm start -- --help` says what it takes.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build, buildStudio, installDependencies, installLibraries, ROOT, requireNode } from './setup.mjs';

requireNode();
await installDependencies();
await installLibraries();
const built = existsSync(join(ROOT, 'demo', 'dist', 'main.js'));
if (!built) process.stderr.write('Building …\n');
if ((await build(['server', 'demo'])) !== 0 || (await buildStudio()) !== 0) {
  process.stderr.write('The build failed; what is wrong is above.\n');
  process.exit(1);
}
await import('../demo/dist/main.js');

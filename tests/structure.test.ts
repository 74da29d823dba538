import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ERROR_GROUPS,
  ERRORS,
  type ErrorCode,
  errorPage,
  LIVE_PARAMETERS,
  PARAMETERS,
  pageOfError,
} from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { errorIndex, errorPageText } from '../scripts/error-pages.mjs';
import { parametersPage } from '../scripts/parameters-page.mjs';
import { LANE_ORDERS, LANE_STATES, LANE_TABLE } from '../server/src/model/lane-state.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const BUILT = new Set(['node_modules', 'dist', '.git', '.cache', '.sluice', 'coverage', 'screenshots']);

/** Files below a folder as they lie on the disk, so that one which is not committed yet is judged too. */
function walk(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (BUILT.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}

const SOURCES = walk('server/src').filter((path) => path.endsWith('.ts'));
const isTest = (path: string): boolean =>
  path.endsWith('.test.ts') || path.includes('/testing/') || /\/(test|warehouse)-[\w-]+\.ts$/.test(path);

interface Import {
  readonly from: string;
  /** Below server/src for our own files, which end in .ts; the package's name otherwise. */
  readonly to: string;
}

function importsOf(path: string): Import[] {
  const text = read(path);
  const found = text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)'([^']+)'/g);
  const from = path.slice('server/src/'.length);
  return [...found].map(([, name = '']) => ({
    from,
    to: name.startsWith('.') ? normalize(join(dirname(from), name)) : name,
  }));
}

const layerOf = (path: string): string => path.split('/', 1)[0] ?? '';

/**
 * What each folder may import of the others. `file`: only this file of it (a port), `only`: only from there.
 * The order of the rows is the order of the layers: nothing is imported from further down.
 */
const LAYERS: Readonly<
  Record<string, Readonly<Record<string, { readonly file?: string; readonly only?: readonly string[] }>>>
> = {
  model: {},
  telemetry: {},
  sources: { model: {} },
  store: { model: { file: 'model/caller.ts' }, sources: { file: 'sources/source.ts' } },
  lakehouse: { model: {}, store: { only: ['lakehouse/embedded-catalog.ts'] } },
  targets: { model: {}, lakehouse: {}, store: {}, sources: { file: 'sources/source.ts' } },
  sync: { model: {}, sources: {}, targets: {}, store: {}, lakehouse: { only: ['sync/runner.ts'] } },
  verify: {
    model: {},
    sources: {},
    targets: { only: ['verify/verifier.ts'] },
    sync: { only: ['verify/verifier.ts'] },
    store: {},
    lakehouse: {},
  },
  control: { model: {}, sources: {}, store: {}, telemetry: {} },
  metrics: { model: {}, lakehouse: {}, control: {}, store: {} },
  alerts: { model: {}, control: {}, store: {} },
  mcp: { control: { file: 'control/server-status.ts' } },
  http: { model: {}, lakehouse: {}, control: {}, alerts: {}, mcp: {}, telemetry: {} },
  cli: { control: {}, mcp: {}, 'serve.ts': {} },
};
const PACKAGES_OF: Readonly<Record<string, RegExp>> = {
  // re2js computes and nothing else.
  model: /^(node:|re2js$)/,
  telemetry: /^(node:|pino$)/,
};

function trespasses({ from, to }: Import): boolean {
  const layer = layerOf(from);
  const other = layerOf(to);
  // It puts everything together.
  if (from === 'serve.ts') return false;
  if (!to.endsWith('.ts')) return PACKAGES_OF[layer]?.test(to) === false;
  if (layer === other) return false;
  const rule = LAYERS[layer]?.[other];
  if (rule === undefined) return true;
  if (rule.file !== undefined && to !== rule.file) return true;
  return rule.only !== undefined && !rule.only.includes(from);
}

/** The programs of processes of their own put their parts together. */
const TARGET_NAMERS: ReadonlySet<string> = new Set(['sync/runner.ts', 'verify/verifier.ts']);

describe('the direction of imports', () => {
  const imports = SOURCES.filter((path) => !isTest(path)).flatMap(importsOf);
  const text = (one: Import): string => `${one.from} imports ${one.to}`;

  it('goes from the ways in to the model, never back', () => {
    expect(imports.length).toBeGreaterThan(500);
    const folders = new Set(imports.map((one) => layerOf(one.from)));
    folders.delete('serve.ts');
    expect([...folders].sort()).toEqual(Object.keys(LAYERS).sort());
    expect(imports.filter(trespasses).map(text)).toEqual([]);
  });

  it('lets nobody but the registry name a database, nobody but runner and verifier a target', () => {
    const named = imports.filter(({ from, to }) => {
      const inside = dirname(to);
      // What joins several of them is part of the port.
      if (inside !== 'sources/composite' && /^sources\/[^/]+/.test(inside))
        return !from.startsWith('sources/') || crosses(from, to);
      if (/^targets\/[^/]+/.test(inside)) return !from.startsWith('targets/') && !TARGET_NAMERS.has(from);
      return false;
    });
    expect(named.map(text)).toEqual([]);
  });

  /** From one database to another, or from the port to a database. */
  function crosses(from: string, to: string): boolean {
    if (from === 'sources/registry.ts') return false;
    return from.split('/')[1] !== to.split('/')[1];
  }

  it('is seen by this test', () => {
    const wrong: readonly Import[] = [
      { from: 'model/table.ts', to: 'sources/source.ts' },
      { from: 'model/table.ts', to: 'zod' },
      { from: 'sources/postgres/slot.ts', to: 'targets/target.ts' },
      { from: 'targets/target.ts', to: 'sources/postgres/slot.ts' },
      { from: 'lakehouse/scan.ts', to: 'store/tables.ts' },
      { from: 'sync/router.ts', to: 'lakehouse/scan.ts' },
      { from: 'sync/router.ts', to: 'control/tasks.ts' },
      { from: 'control/tasks.ts', to: 'sync/router.ts' },
      { from: 'http/routes.ts', to: 'cli/main.ts' },
    ];
    expect(wrong.filter((one) => !trespasses(one))).toEqual([]);
  });

  it('leaves the contract without input and output', () => {
    const packages = walk('contract/src')
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
      .flatMap((path) => [...read(path).matchAll(/from '([^'.][^']*)'/g)].map(([, name]) => name));
    expect([...new Set(packages)]).toEqual(['zod']);
  });
});

describe('files', () => {
  const code = ['contract', 'server', 'studio', 'demo', 'tests', 'scripts', 'bench']
    .filter((folder) => existsSync(join(ROOT, folder)))
    .flatMap(walk)
    .filter((path) => /\.(ts|tsx|css|mts|mjs|js)$/.test(path));

  it('have one idea each: at most 600 lines', () => {
    expect(code.length).toBeGreaterThan(200);
    expect(code.filter((path) => read(path).split('\n').length > 601)).toEqual([]);
  });

  it('limit a wait by within() of model/deadline.ts, whose timeout outlives a garbage collection', () => {
    const timed = SOURCES.filter((path) => !isTest(path) && /^[^*]*AbortSignal\.timeout\(/m.test(read(path)));
    expect(timed).toEqual([]);
  });

  it('and folders have names that say what is in them', () => {
    const vague = /^(utils?|common|helpers?|managers?|misc|shared|lib)$/;
    const parts = (path: string): string[] => path.split('/').flatMap((part) => part.split(/[.-]/));
    expect(code.filter((path) => parts(path).some((part) => vague.test(part)))).toEqual([]);
  });
});

const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)) && statSync(join(ROOT, path)).isFile());

describe('what is committed', () => {
  /** Put together from pieces, so that this file does not hold what it looks for. */
  const FOREIGN: readonly RegExp[] = [
    new RegExp(`(?<![\\w<>.})\\]$*-])/${'wo'}rk/`),
    new RegExp(`/${'tmp'}/${'bash'}_jobs`),
    new RegExp(`\\b${'far'}m-[a-z0-9]`),
    new RegExp(`\\bregis${'try'}\\.(npm|yarn)`),
    new RegExp(`https?://[\\w.-]*(${['arti' + 'factory', 'nex' + 'us', 'verda' + 'ccio'].join('|')})`),
  ];

  it('names no path of the place where it was made, and no registry', () => {
    const named = tracked.flatMap((path) => {
      const text = read(path);
      return FOREIGN.filter((pattern) => pattern.test(text)).map(
        (pattern) => `${path}: ${pattern.exec(text)?.[0]}`,
      );
    });
    expect(tracked.length).toBeGreaterThan(200);
    expect(named).toEqual([]);
  });

  it('sees such names', () => {
    const bad = [`cd /${'wo'}rk/x`, `'/${'tmp'}/${'bash'}_jobs.0/1'`, `https://regis${'try'}.npmjs.org/x`];
    for (const text of bad)
      expect(
        FOREIGN.some((pattern) => pattern.test(text)),
        text,
      ).toBe(true);
    // A folder of the data folder is called like that.
    expect(FOREIGN.some((pattern) => pattern.test('<data-dir>/work/task-1/'))).toBe(false);
  });

  it('locks dependencies without saying where they came from', () => {
    const lock = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { resolved?: string }>;
    };
    const resolved = Object.values(lock.packages).flatMap((one) => one.resolved ?? []);
    expect(resolved.filter((where) => where.includes(':'))).toEqual([]);
  });
});

const PAGES = walk('docs').filter((path) => path.endsWith('.md'));

describe('the documentation', () => {
  it('has the parameters as they are (mend it with: npm run build && node scripts/parameters-page.mjs)', () => {
    expect(read('docs/parameters.md')).toBe(parametersPage(PARAMETERS, LIVE_PARAMETERS));
  });

  it.each(LANE_STATES)('has what every order does to a table that is %s', (state) => {
    const cells = LANE_ORDERS.map((order) => {
      const next = LANE_TABLE[state][order];
      return typeof next === 'string' ? `→ ${next}` : '—';
    });
    const rows = read('docs/tables.md').split('\n');
    const header = rows.find((row) => row.startsWith('| state ') && row.includes('prioritize')) ?? '';
    const row = rows.find((one) => one.startsWith(`| \`${state}\``)) ?? '';
    const split = (text: string): string[] =>
      text
        .split('|')
        .slice(2, -1)
        .map((cell) => cell.trim());
    expect([split(header), split(row)]).toEqual([LANE_ORDERS, cells]);
  });

  describe('of errors', () => {
    const codes = Object.keys(ERRORS) as ErrorCode[];

    it('has a text for every code, once, and for no other', () => {
      const texts = ERROR_GROUPS.flatMap((group) => Object.keys(group.texts));
      expect(texts.sort()).toEqual([...codes].sort());
    });

    it('has an index and pages as they are made (mend it with: npm run build && node scripts/error-pages.mjs)', () => {
      expect(read('docs/errors.md')).toBe(errorIndex(ERROR_GROUPS, errorPage));
      expect(readdirSync(join(ROOT, 'docs/errors')).sort()).toEqual(codes.map((code) => `${code}.md`).sort());
      for (const code of codes) expect(read(pageOfError(code))).toBe(errorPageText(errorPage(code)));
    });
  });

  describe('of errors, held against the code,', () => {
    const codes = Object.keys(ERRORS) as ErrorCode[];
    const textOf = (files: readonly string[]): string => files.map(read).join('\n');
    const program = textOf([
      ...SOURCES.filter((path) => !isTest(path)),
      ...walk('contract/src').filter(
        (path) =>
          path.endsWith('.ts') && path !== 'contract/src/errors.ts' && !path.includes('/error-pages/'),
      ),
    ]);
    const tests = textOf(
      [...SOURCES.filter(isTest), ...walk('tests').filter((path) => path.endsWith('.ts'))].filter(
        (path) => path !== 'tests/structure.test.ts',
      ),
    );
    const names = (text: string, code: string): boolean => new RegExp(`\\b${code}\\b`).test(text);

    it('has no code that nothing throws', () => {
      expect(codes.length).toBeGreaterThan(60);
      expect(codes.filter((code) => !program.includes(`'${code}'`))).toEqual([]);
    });

    it('has none that no test provokes', () => {
      // A server without RSA keys lets no administrator of tests in either; sources/mysql/auth.test.ts plays it.
      expect(codes.filter((code) => !names(tests, code))).toEqual(['MYSQL_AUTH_NEEDS_TLS']);
    });

    it('knows every code that is thrown, and so has its page', () => {
      const thrown = [...program.matchAll(/new SluiceError\(\s*'([A-Z_]+)'/g)].map(([, code]) => code ?? '');
      expect(thrown.length).toBeGreaterThan(200);
      expect([...new Set(thrown)].filter((code) => !(code in ERRORS))).toEqual([]);
    });
  });

  /** Codes of findings of check-cdc, which are no errors. */
  const findings = SOURCES.filter((path) => /\/check(-tables)?\.ts$/.test(path)).flatMap((path) =>
    [...read(path).matchAll(/code: '([A-Z_]+)'/g)].map(([, code]) => code ?? ''),
  );

  it.each(PAGES)('%s names no code that does not exist', (page) => {
    const prefix = /`((?:PG|TABLE|SOURCE|STORAGE|SQL)_[A-Z_]+)`/g;
    const known = new Set([...Object.keys(ERRORS), ...findings]);
    const named = [...read(page).matchAll(prefix)].map(([, code]) => code ?? '');
    expect(named.filter((code) => !known.has(code))).toEqual([]);
  });

  it.each(PAGES)('%s leads to pages and sections that are there', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]*)(#[^)]*)?\)/g)];
    const broken = links.filter(([, path = '', anchor]) => {
      const file = path === '' ? page : normalize(join(dirname(page), path));
      if (!existsSync(join(ROOT, file))) return true;
      return anchor !== undefined && !anchorsOf(file).has(anchor.slice(1));
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  /** As GitHub makes them of headings. */
  function anchorsOf(file: string): ReadonlySet<string> {
    const headings = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
    return new Set(
      headings.map((heading) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
          .replaceAll(' ', '-'),
      ),
    );
  }

  it.each(PAGES)('%s names files that are there', (page) => {
    const roots = ['', 'server/src/', 'server/src/sources/', 'server/src/targets/'];
    const names = [...read(page).matchAll(/(?<![\w/<>:.*…-])([\w.-]+(?:\/[\w.-]+)+\.(?:ts|mjs|sql))\b/g)];
    const missing = names
      .map(([, name = '']) => name)
      .filter((name) => !roots.some((root) => existsSync(join(ROOT, root, name))));
    expect([...new Set(missing)]).toEqual([]);
  });

  it('is reached from its map', () => {
    // The pages of errors are reached from their index.
    const map = read('docs/README.md') + read('docs/errors.md');
    const missing = PAGES.filter((page) => basename(page) !== 'README.md').filter(
      (page) => !map.includes(`(${page.slice('docs/'.length)})`),
    );
    expect(missing).toEqual([]);
  });
});

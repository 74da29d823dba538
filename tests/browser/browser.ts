import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Chromium, which scripts/setup.mjs installs where apt can. */
export async function openBrowser(): Promise<Browser> {
  const path = process.env.SLUICE_TEST_CHROMIUM ?? PATHS.find((one) => existsSync(one));
  if (path === undefined)
    throw new Error('The browser tests need Chromium: install it, or name it in SLUICE_TEST_CHROMIUM.');
  // Its sandbox does not work for root, as tests in a container are.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: path, args });
}

/** What a page complains of in its console, but for requests that were refused, which it shows by itself. */
function complaints(page: Page): readonly string[] {
  const heard: string[] = [];
  page.on('pageerror', (error) => heard.push(`${error}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      heard.push(message.text());
  });
  return heard;
}

interface Sight {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly heard: readonly string[];
}

export async function openPage(browser: Browser, scheme: 'light' | 'dark'): Promise<Sight> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const heard = complaints(page);
  return { context, page, heard };
}

export const dialogOf = (page: Page) => page.getByRole('dialog');

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string | null;
    readonly nodes: readonly { readonly target: readonly unknown[] }[];
  }[];
}

/** What axe finds on the page as it is: the rule, how bad it is, and where. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = (await page.evaluate('axe.run(document)')) as AxeResult;
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
    );
}

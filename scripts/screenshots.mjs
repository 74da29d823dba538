// npm run screenshots [-- URL]: every page of Studio, light and dark, 1440 and 900 pixels wide, into screenshots/.
// URL is a link that signs in, as `npm start` prints it; without one the demo is started for this.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { build, buildStudio, installBrowser, installDependencies, installLibraries, ROOT } from './setup.mjs';

await installDependencies();
await installBrowser();
const given = process.argv[2];
const demo = given === undefined ? await startDemo() : null;
const link = given ?? (await demo.link);
const [base] = link.split('/#');
const folder = join(ROOT, 'screenshots');
mkdirSync(folder, { recursive: true });

const question = 'SELECT status, count(*) AS orders, sum(total) AS total FROM public.orders GROUP BY ALL';
const PAGES = {
  overview: '/',
  tasks: '/tasks',
  task: '/tasks/shop-mirror',
  'task-table': '/tasks/shop-mirror',
  'task-stop': '/tasks/shop-mirror',
  'task-exceptions': '/tasks/shop-mirror?tab=exceptions',
  'task-comparison': '/tasks/shop-mirror?tab=comparison',
  'task-runs': '/tasks/shop-mirror?tab=runs',
  'task-timeline': '/tasks/shop-mirror?tab=timeline',
  'task-configuration': '/tasks/shop-mirror?tab=versions',
  'task-change': '/tasks/shop-mirror/configure',
  'data-sources': '/data-sources',
  'data-source-check': '/data-sources/shop',
  'data-source-browse': '/data-sources/shop?tab=browse&table=public%1Forders',
  'new-sync': '/new-sync?source=shop',
  'new-sync-2': '/new-sync?source=shop',
  'new-sync-3': '/new-sync?source=shop',
  'new-sync-4': '/new-sync?source=shop',
  'go-to': '/',
  lakehouse: '/lakehouse',
  'lakehouse-table': '/lakehouse/public/orders',
  'lakehouse-snapshots': '/lakehouse/public/orders?tab=snapshots',
  'lakehouse-files': '/lakehouse/public/orders?tab=files',
  connect: '/lakehouse/connect',
  alerts: '/alerts',
  'alerts-rules': '/alerts?tab=rules',
  'alerts-told': '/alerts?tab=told',
  'alerts-sent': '/alerts?tab=sent',
  sql: `/sql?q=${encodeURIComponent(question)}`,
};
const path = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const browser = await chromium.launch({
  executablePath: process.env.SLUICE_TEST_CHROMIUM ?? path,
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
for (const colorScheme of ['light', 'dark'])
  for (const width of [1440, 900]) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    const shot = (name) => page.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`) });
    await page.goto(base);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await shot('sign-in');
    // The same document again would not look at what stands behind #.
    await page.goto('about:blank');
    await page.goto(link);
    await page.locator('nav').waitFor();
    for (const [name, where] of Object.entries(PAGES)) {
      await page.goto(base + where);
      await page.locator('main h1').waitFor();
      if (name === 'task-table') await page.getByRole('button', { name: 'public.orders' }).click();
      if (name === 'task-stop') await page.getByRole('button', { name: 'Stop', exact: true }).click();
      if (name === 'go-to') await page.keyboard.press('Control+k');
      if (name.startsWith('new-sync-')) await next(page, Number(name.at(-1)));
      if (name === 'sql') await page.getByRole('button', { name: 'Run', exact: true }).click();
      // Live pages never come to rest; two messages are enough to show them full.
      await page.waitForTimeout(2200);
      await shot(name);
    }
    await context.close();
  }
await browser.close();
process.stdout.write(`${folder}\n`);
demo?.end();

/** The wizard keeps what is chosen, and so where it is: its steps are gone to by their names. */
async function next(page, step) {
  await page
    .getByRole('list', { name: 'Steps' })
    .getByRole('button')
    .nth(step - 1)
    .click();
}

/** `npm start` without npm: it says by itself where Studio is. */
async function startDemo() {
  await installLibraries();
  if ((await build(['server', 'demo'])) !== 0 || (await buildStudio()) !== 0) process.exit(1);
  const child = spawn(process.execPath, [join(ROOT, 'demo', 'dist', 'main.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  const found = new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      said += chunk;
      const url = /https?:\/\/\S+#token=[\w-]+/.exec(said)?.[0];
      if (url !== undefined) resolve(url);
    });
    child.once('exit', (code) => reject(new Error(`the demo ended (${code}):\n${said}`)));
  });
  return { link: found, end: () => child.kill('SIGINT') };
}

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataDirLayout, openToken } from '../../server/src/store/data-dir.ts';
import { TestLake } from '../support/lake.ts';
import { sharedMysql } from '../support/mysql.ts';
import { accessibilityFaults, dialogOf, openBrowser, openPage } from './browser.ts';

let lake: TestLake;
let browser: Browser;
let link: (path: string) => string;

beforeAll(async () => {
  [lake, browser] = await Promise.all([TestLake.start(), openBrowser()]);
  const token = await openToken(dataDirLayout(lake.dataDir));
  link = (path) => `${lake.url}${path}#token=${token}`;
});
afterAll(async () => {
  await browser?.close();
  await lake?.[Symbol.asyncDispose]();
});

const axe = async (page: Page): Promise<void> =>
  expect(await accessibilityFaults(page), page.url()).toEqual([]);
const next = (page: Page): Promise<void> => page.getByRole('button', { name: 'Next' }).click();

describe('Studio', () => {
  it('mirrors tables of MySQL', async () => {
    await using mysql = await sharedMysql('mysql').createDatabase();
    await mysql.query('CREATE TABLE orders_a (id int PRIMARY KEY, note varchar(20))');
    await mysql.query('CREATE TABLE orders_b (id int PRIMARY KEY)');
    await mysql.query('CREATE TABLE left_out (id int PRIMARY KEY)');
    await mysql.query("INSERT INTO orders_a VALUES (1, 'one'), (2, 'two')");
    const { context, page, heard } = await openPage(browser, 'light');
    await page.goto(link('/data-sources'));
    await page.getByRole('button', { name: 'Add a data source' }).first().click();
    await dialogOf(page).getByLabel('Kind').selectOption('mysql');
    const { host, port, username, password, database: name } = mysql.connection;
    const fields = {
      Name: 'till',
      Host: host,
      Port: `${port}`,
      Account: username,
      Password: password,
      Database: name,
    };
    for (const [label, value] of Object.entries(fields))
      await dialogOf(page)
        .getByLabel(label, { exact: true })
        .fill(value ?? '');
    await dialogOf(page).getByRole('button', { name: 'Save and connect' }).click();
    await dialogOf(page).getByRole('button', { name: 'Check for change capture' }).click();
    await page.getByText('Its changes can be captured').waitFor();
    await axe(page);
    await page.getByRole('button', { name: 'New sync' }).click();
    await page.getByText('Its changes can be captured').waitFor();
    await next(page);
    await page.getByLabel('Tables that I choose').check();
    await page.getByLabel('Find tables').fill('orders_*');
    await page.getByRole('button', { name: 'Add these 2' }).click();
    // A file with a name in the lake, and a table that is not there.
    await page.locator('input[type=file]').setInputFiles({
      name: 'tables.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from('table,target_table\norders_b,second\nnowhere,x\n'),
    });
    await page.getByText(/nowhere \(line 3\)/).waitFor();
    await page.getByText('2 tables chosen').waitFor();
    await page.getByLabel('Changes only').check();
    await page.getByLabel('Full load, then changes').check();
    await next(page);
    await page.getByLabel('Schema in the lake').fill('till');
    await page.getByRole('cell', { name: 'till.second' }).waitFor();
    await next(page);
    await page.getByLabel('Name of the task').fill('till');
    await page.getByRole('button', { name: 'Publish and start' }).click();
    for (const table of ['orders_a', 'orders_b'])
      await page
        .locator('.tables tbody')
        .filter({ hasText: table })
        .getByText('live', { exact: true })
        .waitFor();
    await mysql.query("INSERT INTO orders_a VALUES (3, 'three')");
    await lake.caughtUp('till');
    await page.goto(link(`/sql?q=${encodeURIComponent('SELECT max(note), count(*) FROM till.orders_a')}`));
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('cell', { name: '3', exact: true }).waitFor();
    await page.getByRole('cell', { name: 'two', exact: true }).waitFor();
    await lake.stop('till');
    expect(heard).toEqual([]);
    await context.close();
  });
});

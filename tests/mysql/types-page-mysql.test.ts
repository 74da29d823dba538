import { readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { typesPage } from './types-page-mysql.ts';

const FILE = new URL('../../docs/types-mysql.md', import.meta.url);

it('docs/types-mysql.md says what the table of types says', async () => {
  if (process.env.SLUICE_UPDATE_DOCS !== undefined) await writeFile(FILE, typesPage());
  expect(await readFile(FILE, 'utf8')).toBe(typesPage());
});

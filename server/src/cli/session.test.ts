import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addressFile, openSession } from './session.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-cli-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('which server, with what right', () => {
  it('finds address and token of the server of the data folder', async () => {
    await writeFile(addressFile(folder), 'http://127.0.0.1:9000\n');
    await writeFile(join(folder, 'token'), 'secret\n');
    expect(await openSession({}, { SLUICE_DATA_DIR: folder })).toEqual({
      url: 'http://127.0.0.1:9000',
      token: 'secret',
    });
    expect(await openSession({ dataDir: folder, url: 'localhost:1' }, {})).toEqual({
      url: 'http://localhost:1',
      token: 'secret',
    });
  });

  it('prefers the environment, and option before it', async () => {
    const env = { SLUICE_URL: 'https://lake.example', SLUICE_TOKEN: 't', SLUICE_DATA_DIR: folder };
    expect(await openSession({}, env)).toEqual({ url: 'https://lake.example', token: 't' });
    expect((await openSession({ url: 'http://[::1]:7' }, env)).url).toBe('http://[::1]:7');
  });

  it('does not send the token of this machine to another', async () => {
    await writeFile(join(folder, 'token'), 'secret\n');
    const session = openSession({ dataDir: folder, url: 'http://lake.example' }, {});
    await expect(session).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    const disguised = openSession({ dataDir: folder, url: 'http://127.0.0.1.example' }, {});
    await expect(disguised).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  });

  it('says what is no address', async () => {
    await expect(openSession({ url: 'ftp://x' }, { SLUICE_TOKEN: 't' })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });
});

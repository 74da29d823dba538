import { expect, it } from 'vitest';
import { runCommandLine } from '../../server/src/cli/program.ts';
import { TestLake } from '../support/lake.ts';

it('channels are changed by the command line, and their secrets never shown', async () => {
  await using lake = await TestLake.start();
  const sluice = async (argv: readonly string[], stdin = '') => {
    let out = '';
    let err = '';
    const code = await runCommandLine(['alert', 'channel', ...argv, '--data-dir', lake.dataDir], {
      env: {},
      stdoutIsTerminal: false,
      stderrIsTerminal: false,
      stdinIsTerminal: false,
      write: (text) => {
        out += text;
      },
      note: (text) => {
        err += text;
      },
      readStdin: async () => stdin,
      ask: async () => false,
      line: async () => '',
      interrupted: () => new AbortController().signal,
    });
    expect(out + err).not.toContain('geheim');
    return { code, err, data: out === '' ? null : (JSON.parse(out) as { data: unknown }).data };
  };
  await sluice(['create', 'ops', '--kind', 'webhook'], 'http://one.example/geheim\n');
  const changed = async (...given: Parameters<typeof sluice>) => (await sluice(...given)).data;
  expect(
    await changed(['update', 'ops', '--url-stdin'], 'http://two.example/geheim\ngeheim\n'),
  ).toMatchObject({
    target: 'two.example',
    signed: true,
  });
  expect(await changed(['update', 'ops', '--no-secret', '--name', 'night'])).toMatchObject({
    name: 'night',
    target: 'two.example',
    signed: false,
  });
  expect(await changed(['update', 'night', '--secret-stdin'], 'geheim')).toMatchObject({ signed: true });
  const mail = ['--host', 'mail.example', '--from', 'a@b.example', '--to', 'c@d.example', '--username', 'u'];
  await sluice(['create', 'mail', '--kind', 'email', ...mail], 'geheim');
  expect(await changed(['update', 'mail', '--to', 'e@f.example,g@h.example', '--no-login'])).toMatchObject({
    target: expect.stringContaining('g@h.example'),
    signed: false,
  });
  expect(await changed(['update', 'mail', '--username', 'v', '--password-stdin'], 'geheim')).toMatchObject({
    signed: true,
  });
  expect((await sluice(['update', 'mail'])).code).toBe(2);
  expect((await sluice(['update', 'mail', '--password-stdin', '--url-stdin'], 'geheim')).code).toBe(2);
});

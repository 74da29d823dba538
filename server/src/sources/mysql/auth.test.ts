import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { passwordPlugins } from './auth.ts';

/** The server's part of "caching_sha2_password" over a plain connection: scramble, "no cache, send it", the key. */
const SCRAMBLE = Buffer.alloc(20, 7);
const FULL = Buffer.from([4]);
const FAST = Buffer.from([3]);

function talk(data: readonly Buffer[]): { answers: (number | null)[]; refused: boolean } {
  const passwords = passwordPlugins();
  const connection = { config: { password: 'secret' } };
  const plugin = passwords.plugins.caching_sha2_password!({ connection, command: '' } as never);
  const answers = data.map((one) => (plugin(one) as Buffer | null)?.length ?? null);
  return { answers, refused: passwords.keyRefused() };
}

it('a server that knows the password already needs no key', () => {
  expect(talk([SCRAMBLE, FAST])).toEqual({ answers: [32, null], refused: false });
});

it('a server that gives its key is sent the password encrypted', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }));
  expect(talk([SCRAMBLE, FULL, pem])).toEqual({ answers: [32, 1, 256], refused: false });
});

it('a server that was asked for its key and gave none is known by that', () => {
  expect(talk([SCRAMBLE, FULL])).toEqual({ answers: [32, 1], refused: true });
});

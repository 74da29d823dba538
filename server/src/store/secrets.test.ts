import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Sealer, Secret } from './secrets.ts';

const password = 'pässword "quoted"';
const refused = expect.objectContaining({ code: 'INTERNAL' });

describe('Secret', () => {
  it('prints *** whatever prints it', () => {
    const secret = new Secret(password);
    const printed = [
      String(secret),
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ deep: { secret } }, { showHidden: true, depth: null }),
      JSON.stringify(Object.entries(secret)),
      JSON.stringify(structuredClone({ ...secret })),
    ].join('\n');
    expect(printed).not.toContain('pässword');
    expect(secret.reveal()).toBe(password);
  });
});

describe('Sealer', () => {
  const sealer = new Sealer(randomBytes(32));
  const sealed = sealer.seal(new Secret(password), 'data-source:1');

  it('opens what it sealed, and never seals to the same text twice', () => {
    expect(sealer.open(sealed, 'data-source:1').reveal()).toBe(password);
    expect(sealer.seal(new Secret(password), 'data-source:1')).not.toBe(sealed);
    expect(sealer.open(sealer.seal(new Secret(''), 'x'), 'x').reveal()).toBe('');
  });

  it('refuses another owner, and another key', () => {
    expect(() => sealer.open(sealed, 'data-source:2')).toThrow(refused);
    expect(() => new Sealer(randomBytes(32)).open(sealed, 'data-source:1')).toThrow(refused);
  });

  it('refuses a change of any part', () => {
    const parts = sealed.split('.');
    for (const index of parts.keys()) {
      const changed = [...parts];
      const part = changed[index] ?? '';
      changed[index] = (part[0] === 'A' ? 'B' : 'A') + part.slice(1);
      expect(() => sealer.open(changed.join('.'), 'data-source:1'), `part ${index}`).toThrow(refused);
    }
    // A tag cut short would be easier to guess.
    const short = [...parts];
    short[2] = Buffer.from(parts[2] ?? '', 'base64url')
      .subarray(0, 4)
      .toString('base64url');
    expect(() => sealer.open(short.join('.'), 'data-source:1')).toThrow(refused);
    expect(() => sealer.open('', 'data-source:1')).toThrow(refused);
  });
});

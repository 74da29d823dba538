import { expect, it } from 'vitest';
import { hidden } from './hidden.ts';

const URL_OF = 'https://hooks.example/services/T0AB12CD3/xoxb-9f8e7d?access_token=s%2Bcret%2Fword';

it.each([
  ['the whole address', `cannot reach ${URL_OF}!`, 'cannot reach ***!'],
  ['the path, as a server repeats it', 'Cannot POST /services/T0AB12CD3/xoxb-9f8e7d', 'Cannot POST ***'],
  ['a part of it', 'no hook xoxb-9f8e7d of T0AB12CD3', 'no hook *** of ***'],
  ['a value, decoded', 'token s+cret/word is unknown', 'token *** is unknown'],
  ['a value, as it was sent', 'token s%2Bcret%2Fword is unknown', 'token *** is unknown'],
  ['what is no secret', 'hooks.example/services is down', 'hooks.example/services is down'],
])('hides %s', (_what, text, shown) => {
  expect(hidden({ url: URL_OF }, text)).toBe(shown);
});

it('hides passwords in each form that a service may repeat', () => {
  const password = 'a"b/c +d';
  for (const form of [
    password,
    encodeURIComponent(password),
    JSON.stringify(password),
    Buffer.from(password).toString('base64'),
  ])
    expect(hidden({ password }, `535 ${form}`)).toMatch(/^535 "?\*\*\*"?$/);
});

it('leaves everything where there is hardly a secret', () => {
  expect(hidden({ password: 'a', secret: '' }, 'abc a')).toBe('abc a');
  expect(hidden({ url: 'no address' }, 'there is no address')).toBe('there is ***');
});

import { getEventListeners, once } from 'node:events';
import { type AddressInfo, createConnection } from 'node:net';
import { API_PREFIX } from '@sluice/contract';
import Fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { liveRoutes } from './live-routes.ts';
import { untilGone } from './until-gone.ts';

let app: FastifyInstance;
let closing: AbortController;
let port: number;
/** Ends what the routes below wait for. */
let release: () => void;
let asked: Promise<unknown>;
let wait: () => Promise<void>;

beforeEach(async () => {
  app = Fastify();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  closing = new AbortController();
  const wake = new EventTarget();
  release = () => wake.dispatchEvent(new Event('release'));
  const begun = new EventTarget();
  asked = once(begun, 'asked');
  wait = async () => {
    const released = once(wake, 'release');
    begun.dispatchEvent(new Event('asked'));
    asked = once(begun, 'asked');
    await released;
  };
});
afterEach(async () => {
  await app.close();
});

async function listen(): Promise<void> {
  port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port);
  expect((app.server.address() as AddressInfo).port).toBe(port);
}

const listening = (): number => getEventListeners(closing.signal, 'abort').length;

/** Asks, and leaves once the route waits. */
async function leave(path: string): Promise<void> {
  const begun = asked;
  const socket = createConnection(port, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  await begun;
  socket.destroy();
}

describe('a request', () => {
  let last: AbortSignal;
  beforeEach(async () => {
    app.get('/', async (_request, reply) => {
      last = untilGone(reply.raw, closing.signal);
      return 'done';
    });
    app.get('/wait', async (_request, reply) => {
      last = untilGone(reply.raw, closing.signal);
      await wait();
      return 'done';
    });
    await listen();
  });

  it('leaves nothing behind when it was answered, over the network or within the server', async () => {
    for (let i = 0; i < 20; i++) expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('done');
    for (let i = 0; i < 20; i++) expect((await app.inject('/')).body).toBe('done');
    await expect.poll(listening).toBe(0);
    expect(last.aborted).toBe(false);
  });

  it('is given up when who asked has left, and when the server ends', async () => {
    await leave('/wait');
    await expect.poll(() => last.aborted).toBe(true);
    expect(listening()).toBe(0);
    release();

    const begun = asked;
    const answer = fetch(`http://127.0.0.1:${port}/wait`);
    await begun;
    expect(last.aborted).toBe(false);
    closing.abort(new Error('the server ends'));
    expect(last.reason).toMatchObject({ message: 'the server ends' });
    release();
    await (await answer).text();
  });
});

// Before, it waited for a socket that was closed to take more, and counted as one of the two hundred for ever.
it('a live feed whose listener left while its first message was made is no listener any more', async () => {
  liveRoutes(
    app,
    {
      overview: async () => {
        await wait();
        return 'x'.repeat(1 << 20);
      },
      task: () => async () => 'told',
      events: () => async () => 'told',
    },
    closing.signal,
  );
  await listen();
  for (let i = 0; i < 201; i++) {
    await leave(`${API_PREFIX}/live`);
    await expect.poll(listening, { interval: 1 }).toBe(0);
    release();
  }
  const answer = await fetch(`http://127.0.0.1:${port}${API_PREFIX}/tasks/1/live`);
  expect(answer.status).toBe(200);
  await answer.body?.cancel();
});

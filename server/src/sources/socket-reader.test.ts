import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { SocketReader } from './socket-reader.ts';

const BYTES = 16 << 20;

/** A connection to a server that has sent so many bytes, or as many as the kernel holds, before anybody reads. */
async function fullSocket(work: (socket: Socket) => Promise<void>): Promise<void> {
  const server = createServer((peer) => {
    peer.on('error', () => undefined);
    peer.end(Buffer.alloc(BYTES, 'x'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  socket.pause();
  try {
    await once(socket, 'connect');
    await work(socket);
  } finally {
    socket.destroy();
    server.close();
  }
}

it('gives every byte once, and others their turn in between', async () => {
  await fullSocket(async (socket) => {
    const reader = new SocketReader(socket, { coalesceMs: 0 });
    let most = 0;
    let sinceTurn = 0;
    let others = setImmediate(function turn() {
      most = Math.max(most, sinceTurn);
      sinceTurn = 0;
      others = setImmediate(turn);
    });
    let bytes = 0;
    for (let chunk = await reader.next(); chunk !== null; chunk = await reader.next()) {
      bytes += chunk.length;
      sinceTurn += chunk.length;
    }
    clearImmediate(others);
    expect(bytes).toBe(BYTES);
    expect(Math.max(most, sinceTurn)).toBeLessThanOrEqual(512 * 1024);
  });
});

it('reads no further than its queue while nobody asks', async () => {
  await fullSocket(async (socket) => {
    const reader = new SocketReader(socket, { coalesceMs: 0 });
    await reader.next();
    let before = -1;
    while (socket.bytesRead !== before) {
      before = socket.bytesRead;
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    }
    expect(before).toBeLessThan(2 << 20);
    let bytes = 0;
    for (let chunk = await reader.next(); chunk !== null; chunk = await reader.next()) bytes += chunk.length;
    expect(bytes).toBeGreaterThan(BYTES - (1 << 20));
    reader.detach();
    expect(await reader.next()).toBeNull();
  });
});

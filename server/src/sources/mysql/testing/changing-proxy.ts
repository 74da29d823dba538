import { connect, createServer, type Socket } from 'node:net';
import type { Connection } from '../../source.ts';

export interface ChangingProxy extends AsyncDisposable {
  readonly port: number;
  /** From now on what the server sends does not arrive. */
  hold(): void;
  /** Ends every connection. */
  cut(): void;
  /** The same as a host does it that knows of no connection. */
  reset(): void;
}

/** Stands between a client and the server and may change what the server sends. */
export async function changingProxy(
  { host, port }: Connection,
  change: (bytes: Buffer) => void,
): Promise<ChangingProxy> {
  const sockets = new Set<Socket>();
  let held = false;
  const proxy = createServer((client) => {
    const server = connect({ host, port });
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes) => {
      if (held) return;
      change(bytes);
      client.write(bytes);
    });
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    hold: () => {
      held = true;
    },
    cut,
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

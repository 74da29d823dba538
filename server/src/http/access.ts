import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { SluiceError } from '@sluice/contract';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For anybody, without the token. */
    open?: boolean;
  }
}

export interface AccessOptions {
  readonly token: string;
  /** Listening on loopback only: then every honest caller names loopback as the host. */
  readonly loopback: boolean;
  /** Metrics are for anybody who can reach the port. They name tasks and tables. */
  readonly openMetrics: boolean;
}

/** Open to anybody, for who looks whether the server lives. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/health', '/healthz', '/readyz']);

/** Who may call: whoever knows the token, and through no name that a stranger's DNS made point here. */
export function guard(app: FastifyInstance, options: AccessOptions): void {
  const expected = digest(options.token);
  app.addHook('onRequest', async (request) => {
    if (options.loopback && !isLoopbackHost(request.headers.host ?? ''))
      throw new SluiceError('INVALID_REQUEST', 'The Host header names another host than this machine.', {
        remedy: 'Call the server as http://127.0.0.1 or http://localhost, or start it with --host.',
      });
    const path = request.routeOptions.url ?? '';
    if (request.routeOptions.config.open === true) return;
    if (OPEN_PATHS.has(path) || (options.openMetrics && path === '/metrics')) return;
    const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    if (given === undefined) throw new SluiceError('UNAUTHORIZED', 'The request carries no bearer token.');
    // Digests are of one length, so the comparison tells nothing by its time.
    if (!timingSafeEqual(digest(given), expected))
      throw new SluiceError('UNAUTHORIZED', 'The bearer token is not the one of this server.');
  });
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether a Host header (RFC 9110 §7.2: host, or host:port) names loopback. */
export function isLoopbackHost(header: string): boolean {
  const host = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(header)?.[1];
  return host !== undefined && isLoopback(host.startsWith('[') ? host.slice(1, -1) : host);
}

export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

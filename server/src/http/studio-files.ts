import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, posix } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** A file of Studio, compressed when somebody first asks for it. */
interface StudioFile {
  readonly body: Buffer;
  readonly type: string;
  readonly tag: string;
  readonly packed: Map<string, Promise<Buffer>>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** Pages that Studio draws by itself; each is answered with its one document. */
const PAGES = [
  '/',
  '/tasks',
  '/tasks/*',
  '/new-sync',
  '/data-sources',
  '/data-sources/*',
  '/lakehouse',
  '/lakehouse/*',
  '/sql',
  '/alerts',
];

const DOCUMENT = 'index.html';
const NONCE = '__CSP_NONCE__';

/** Where the build puts Studio; null where the package has not been installed. */
export function studioFolder(): string | null {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('@sluice/studio/package.json')), 'dist');
  } catch {
    return null;
  }
}

/**
 * Every file is read here, once: what is not in this map is not served, whatever a request calls it.
 * @returns by path below the folder; nothing where Studio has not been built
 */
export function readStudio(folder: string | null): ReadonlyMap<string, StudioFile> {
  const files = new Map<string, StudioFile>();
  if (folder === null || !existsSync(folder)) return files;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const body = readFileSync(path);
    const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    const name = path.slice(folder.length + 1).replaceAll('\\', '/');
    files.set(name, { body, type, tag, packed: new Map() });
  }
  return files;
}

/** Studio, for anybody: it holds nothing of the server's data, and asks for the token itself. */
export function studioRoutes(app: FastifyInstance, files: ReadonlyMap<string, StudioFile>): void {
  const open = { schema: { hide: true }, config: { open: true } };
  for (const page of PAGES) app.get(page, open, (_request, reply) => sendDocument(reply, files));
  const asset = (request: FastifyRequest, reply: FastifyReply) => {
    const name = decodeURIComponent(request.url.split('?', 1)[0] ?? '').slice(1);
    const file = files.get(posix.normalize(name));
    if (file === undefined) return reply.callNotFound();
    // A name under assets/ holds its content's digest, so it never changes its meaning.
    const cache = name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    return sendFile(request, reply.header('cache-control', cache), file);
  };
  app.get('/assets/*', open, asset);
  app.get('/favicon.svg', open, asset);
}

async function sendDocument(reply: FastifyReply, files: ReadonlyMap<string, StudioFile>) {
  const document = files.get(DOCUMENT);
  const nonce = randomBytes(16).toString('base64url');
  secure(reply, nonce)
    .header('cache-control', 'no-cache')
    .type(TYPES['.html'] ?? '');
  if (document === undefined) return reply.code(503).send(NOT_BUILT);
  return reply.send(document.body.toString().replaceAll(NONCE, nonce));
}

async function sendFile(request: FastifyRequest, reply: FastifyReply, file: StudioFile) {
  secure(reply, null).header('etag', file.tag).header('vary', 'accept-encoding').type(file.type);
  if (request.headers['if-none-match'] === file.tag) return reply.code(304).send();
  const encoding = preferred(request.headers['accept-encoding'] ?? '');
  if (encoding === null) return reply.send(file.body);
  let packed = file.packed.get(encoding);
  if (packed === undefined) {
    packed = PACK[encoding](file.body);
    file.packed.set(encoding, packed);
  }
  return reply.header('content-encoding', encoding).send(await packed);
}

const PACK = {
  br: (body: Buffer) => promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gzip: (body: Buffer) => promisify(gzip)(body),
} as const;

/** Of what a browser takes; `;q=0` is a refusal. */
export function preferred(accepted: string): 'br' | 'gzip' | null {
  const taken = new Set(
    accepted
      .split(',')
      .map((part) => part.trim().toLowerCase())
      .filter((part) => !/;\s*q=0(\.0*)?$/.test(part))
      .map((part) => part.split(';', 1)[0]),
  );
  return taken.has('br') ? 'br' : taken.has('gzip') ? 'gzip' : null;
}

/** Nothing from elsewhere, no frames, no forms that go elsewhere. The editor's styles carry the nonce. */
function secure(reply: FastifyReply, nonce: string | null): FastifyReply {
  const styles = nonce === null ? "'self'" : `'self' 'nonce-${nonce}'`;
  return reply
    .header(
      'content-security-policy',
      `default-src 'none'; script-src 'self'; style-src ${styles}; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'no-referrer')
    .header('cross-origin-opener-policy', 'same-origin');
}

const NOT_BUILT =
  '<!doctype html><html lang="en"><title>Sluice</title><p>Studio has not been built. Run <code>npm run build</code> in the repository, then start the server again.';

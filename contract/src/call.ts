import {
  API,
  API_PREFIX,
  type ApiBody,
  type ApiName,
  type ApiParams,
  type ApiQuery,
  type ApiResponse,
  type Route,
} from './api.ts';
import { withPage } from './error-pages/error-pages.ts';
import { type ErrorBody, type ErrorCode, SluiceError } from './errors.ts';

/** What a call sends, by the table of routes: only what the route takes. */
export interface ApiRequest<N extends ApiName> {
  readonly params?: ApiParams<N>;
  readonly query?: ApiQuery<N>;
  readonly body?: ApiBody<N>;
}

/** Sends a request to a server and answers its data. @throws RemoteError, SluiceError SERVER_UNREACHABLE */
export type Call = <N extends ApiName>(name: N, request?: ApiRequest<N>) => Promise<ApiResponse<N>>;

/** A request as HTTP carries it. */
export interface Wire {
  readonly method: Route['method'];
  readonly path: string;
  /** JSON, or null where the route takes none. */
  readonly body: string | null;
}

export function wireOf<N extends ApiName>(name: N, request: ApiRequest<N>): Wire {
  const route: Route = API[name];
  const path = pathOf(route.path, (request.params ?? {}) as Record<string, unknown>);
  const query = queryOf((request.query ?? {}) as Record<string, unknown>);
  // A route that takes a body is sent one, if only an empty one, so that its defaults apply.
  const body = route.body === undefined ? null : JSON.stringify(request.body ?? {});
  return { method: route.method, path: `${API_PREFIX}${path}${query}`, body };
}

function pathOf(path: string, params: Readonly<Record<string, unknown>>): string {
  return path.replace(/:([a-z]+)/gi, (_, name: string) => encodeURIComponent(String(params[name])));
}

function queryOf(query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`,
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** An error that the server answered, whatever its version knows of codes. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly body: ErrorBody;

  constructor(body: ErrorBody) {
    super(body.error.message);
    this.body = body;
  }
}

/** @throws RemoteError for an ErrorBody; SluiceError where something else than Sluice answers */
export function readAnswer(status: number, text: string, url: string): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = null;
  }
  if (typeof body === 'object' && body !== null) {
    if (status < 300 && 'data' in body) return body.data;
    if ('error' in body && isErrorBody(body)) throw new RemoteError(body);
  }
  throw new SluiceError(
    'SERVER_UNREACHABLE',
    `What answers at ${url} is not a Sluice server (status ${status}).`,
  );
}

function isErrorBody(body: object): body is ErrorBody {
  const error: unknown = (body as { error?: unknown }).error;
  return (
    typeof error === 'object' && error !== null && 'code' in error && 'message' in error && 'remedy' in error
  );
}

export function hasCode(error: unknown, code: ErrorCode): error is RemoteError {
  return error instanceof RemoteError && error.body.error.code === code;
}

/** Any error as it is shown, with its page. */
export function errorBody(error: unknown): ErrorBody {
  return withPage(error instanceof RemoteError ? error.body : SluiceError.from(error).toBody());
}

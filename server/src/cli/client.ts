import { hostname, userInfo } from 'node:os';
import {
  API,
  API_PREFIX,
  type ApiBody,
  type ApiName,
  type ApiParams,
  type ApiQuery,
  type ApiResponse,
  type ErrorBody,
  type ErrorCode,
  SluiceError,
  withPage,
} from '@sluice/contract';
import type { Session } from './session.ts';

/** What a call sends, by the contract's table: only what the route takes. */
export interface ApiRequest<N extends ApiName> {
  readonly params?: ApiParams<N>;
  readonly query?: ApiQuery<N>;
  readonly body?: ApiBody<N>;
}

export type Call = <N extends ApiName>(name: N, request?: ApiRequest<N>) => Promise<ApiResponse<N>>;

/** An error that the server answered, whatever its version knows of codes. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly body: ErrorBody;

  constructor(body: ErrorBody) {
    super(body.error.message);
    this.body = body;
  }
}

export function pathOf(path: string, params: Readonly<Record<string, unknown>>): string {
  return path.replace(/:([a-z]+)/gi, (_, name: string) => encodeURIComponent(String(params[name])));
}

export function queryOf(query: Readonly<Record<string, unknown>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

export function createCall(session: Session, signal?: AbortSignal): Call {
  return async (name, request = {}) => {
    const route = API[name];
    const path = pathOf(route.path, (request.params ?? {}) as Record<string, unknown>);
    const query = queryOf((request.query ?? {}) as Record<string, unknown>);
    const headers: Record<string, string> = {
      authorization: `Bearer ${session.token}`,
      'x-sluice-caller': callerName(),
    };
    // A route that takes a body is sent one, if only an empty one, so that its defaults apply.
    const body = 'body' in route ? JSON.stringify(request.body ?? {}) : null;
    if (body !== null) headers['content-type'] = 'application/json';
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${session.url}${API_PREFIX}${path}${query}`, {
        method: route.method,
        headers,
        body,
        ...(signal === undefined ? {} : { signal }),
      });
      text = await response.text();
    } catch (error) {
      throw unreachable(session.url, error);
    }
    return readAnswer(response.status, text, session.url) as ApiResponse<typeof name>;
  };
}

/** For the timeline: whose shell this is. */
function callerName(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // An account without a name, as containers have.
    return `cli@${hostname()}`;
  }
}

function unreachable(url: string, error: unknown): SluiceError {
  const cause = error instanceof Error ? error.cause : undefined;
  const reason = cause instanceof Error ? (codeOf(cause) ?? cause.message) : String(error);
  return new SluiceError('SERVER_UNREACHABLE', `No server answers at ${url} (${reason}).`, { cause: error });
}

function codeOf(error: Error): string | undefined {
  return (error as NodeJS.ErrnoException).code;
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

export function errorBody(error: unknown): ErrorBody {
  return withPage(error instanceof RemoteError ? error.body : SluiceError.from(error).toBody());
}

import { hostname, userInfo } from 'node:os';
import { type ApiResponse, type Call, readAnswer, SluiceError, wireOf } from '@sluice/contract';
import type { Session } from './session.ts';

/** `caller`: who asks, for the timeline; whose shell this is, unless said. */
export function createCall(session: Session, caller = callerName()): Call {
  return async (name, request = {}) => {
    const { method, path, body } = wireOf(name, request);
    const headers: Record<string, string> = { ...headersOf(session), 'x-sluice-caller': caller };
    if (body !== null) headers['content-type'] = 'application/json';
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${session.url}${path}`, { method, headers, body });
      text = await response.text();
    } catch (error) {
      throw unreachable(session.url, error);
    }
    return readAnswer(response.status, text, session.url) as ApiResponse<typeof name>;
  };
}

export function callerName(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // An account without a name, as containers have.
    return `cli@${hostname()}`;
  }
}

export const headersOf = ({ token }: Session): Record<string, string> => ({
  authorization: `Bearer ${token}`,
});

export function unreachable(url: string, error: unknown): SluiceError {
  const cause = error instanceof Error ? error.cause : undefined;
  const reason = cause instanceof Error ? (codeOf(cause) ?? cause.message) : String(error);
  return new SluiceError('SERVER_UNREACHABLE', `No server answers at ${url} (${reason}).`, { cause: error });
}

function codeOf(error: Error): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
